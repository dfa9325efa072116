"""DuckDB in a thread of its own, since it does not expect Ctrl+C in the main one: a KeyboardInterrupt ends the process
where it comes while DuckDB is imported, and later it is lost or becomes a `RuntimeError`."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ziggy_async.messages import optional_import

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

Connection: TypeAlias = "duckdb.DuckDBPyConnection"

needs_duckdb = partial(optional_import, "DuckDB", "reading and writing files", "'ziggy_async[data]'")
"""Wraps an import of DuckDB that may be the first one; see `optional_import`."""

NICENESS = 5
"""The niceness that DuckDB's own threads have more: a loop that has to run gets a processor first. The one that calls
DuckDB is not nicer, as it may hold the GIL when others want its processor."""
TICK = 0.1
"""Seconds between two looks at how far DuckDB is."""


def with_connection(work: Callable[[Connection], T], watch: Callable[[float], None] = lambda percent: None) -> T:
    """Returns what `work` returns, called with a new connection, or raises what it raises.

    `watch` is called now and then with how far the query is, in percent; negative where that is not known. When this
    thread is interrupted, or `watch` raises, queries of the connection fail until `work` ends.
    Raises `ModuleNotFoundError` without DuckDB.
    """
    with ThreadPoolExecutor(1, "duckdb") as thread:
        connection = thread.submit(_connected).result()
        working = thread.submit(work, connection)
        try:
            while wait([working], TICK).not_done:
                watch(connection.query_progress())
            return working.result()
        except BaseException:
            connection.interrupt()
            while wait([working], TICK).not_done:  # the work may have been between two queries
                connection.interrupt()
            raise
        finally:
            thread.submit(connection.close)


def _connected() -> Connection:
    """Returns a new connection. DuckDB starts its threads here; they have the niceness of the thread that does so."""
    with needs_duckdb():
        import duckdb

    def connect() -> Connection:
        if sys.platform == "linux":  # elsewhere a thread has no niceness of its own
            os.nice(NICENESS)
        return duckdb.connect()

    with ThreadPoolExecutor(1) as starter:
        return starter.submit(connect).result()
