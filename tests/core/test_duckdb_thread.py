"""DuckDB in a thread of its own: an interrupt meets none of its code, and ends its work."""

import os
import sys
import threading
from contextlib import suppress

import duckdb
import pytest

from ziggy_async.duckdb_thread import with_connection

ENDLESS = "SELECT count(*) FROM range(1000000000000) AS a(x) WHERE hash(x) % 7 = 0"


def test_the_work_is_done_in_another_thread():
    assert with_connection(lambda connection: threading.current_thread()) is not threading.current_thread()


def test_its_result_and_its_errors_are_the_callers():
    assert with_connection(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)
    with pytest.raises(duckdb.BinderException, match="no_such_column"):
        with_connection(lambda connection: connection.execute("SELECT no_such_column"))


def test_an_interrupt_ends_it():
    ended = []

    def counts(connection):
        for _ in range(2):  # as one that tries again
            try:
                connection.execute(ENDLESS)
            except duckdb.InterruptException as error:
                ended.append(error)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_connection(counts, interrupt)
    assert len(ended) == 2


def test_its_connection_is_closed_at_the_end():
    connections = []
    with_connection(connections.append)
    with pytest.raises(duckdb.ConnectionException):
        connections[0].execute("SELECT 1")


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no niceness of its own")
def test_the_threads_of_duckdb_leave_a_processor_to_the_callers():
    def niceness_of(thread):
        with suppress(ProcessLookupError):  # it has ended
            return os.getpriority(os.PRIO_PROCESS, thread)

    def niceness(connection):
        others = {niceness_of(int(thread)) for thread in os.listdir("/proc/self/task")}
        return others, niceness_of(threading.get_native_id())

    own = niceness_of(threading.get_native_id())
    others, caller = with_connection(niceness)
    assert caller == own == niceness_of(threading.get_native_id())
    assert min(own + 1, 19) <= max(each for each in others if each is not None)
