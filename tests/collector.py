"""Tests of what counting references alone has to free."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Has nothing freed by the collector of cycles in the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
