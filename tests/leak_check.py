"""A plugin of pytest for an extension that is built with AddressSanitizer: as the interpreter ends, while what it holds
is still held, LeakSanitizer reports memory that nothing refers to, and the exit code is 23.

Python's lists of the objects that its garbage collector tracks refer to these, so those that have one reference too
many are not found here but by `tests/core/test_leaks.py`.
"""

import atexit
import ctypes
import gc
import os

LEAKS = 23


def check() -> None:
    gc.collect()
    if ctypes.CDLL(None).__lsan_do_recoverable_leak_check():
        os._exit(LEAKS)


atexit.register(check)
