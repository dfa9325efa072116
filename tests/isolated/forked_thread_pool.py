"""Forks in the main thread, or in a thread of the pool (`pool`), while calls are under way."""

import os
import sys
import threading

from pooled import submit, waiting_in

from ziggy_async.runtime.threads import ThreadPool

pool, gate, began = ThreadPool(3), threading.Event(), threading.Semaphore(0)
inside = [submit(pool, lambda: (began.release(), gate.wait())) for _ in range(2)]
began.acquire()
began.acquire()
pool.abandon(inside[0].call)


def fork():
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert (waiting_in(pool), pool.stuck, pool.is_here) == (0, 0, False)
            assert [f.result(20) for f in [submit(pool, abs, -n) for n in range(10)]] == list(range(10))
            assert not inside[1].done()
            code = 0
        finally:
            os._exit(code) if in_pool else sys.exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fork_and_return():
    "The child of a pool's thread has the parent's work behind it."
    child = os.fork()
    return child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


in_pool = sys.argv[1] == "pool"
for _ in range(3):
    print(submit(pool, fork).result() if in_pool else fork())
print(submit(pool, fork_and_return).result())
gate.set()
pool.shutdown()
assert inside[1].result(20)
