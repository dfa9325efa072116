"""Ends while a thread pool is in the state that is named."""

import sys
import threading
import time

from pooled import submit

from ziggy_async import lifecycle
from ziggy_async.runtime.threads import ThreadPool

pool, began = ThreadPool(1), threading.Event()


def work():
    began.set()
    time.sleep(1.0)
    print("done")


def hang():
    began.set()
    threading.Event().wait()


def compute():
    began.set()
    while True:
        pass


def use_late():
    time.sleep(0.3)
    print(submit(pool, int).result())


WORK = {"a call hangs": hang, "calls wait in others": hang, "a call computes": compute}

state = sys.argv[1]
if state == "another thread uses it":
    submit(pool, int).result()  # 3.12 starts no thread any more
    threading.Thread(target=use_late).start()
else:
    call = submit(pool, WORK.get(state, work))
    began.wait()
    if state == "a call is abandoned":
        pool.abandon(call.call)
    if state == "calls wait in others":
        others = [ThreadPool(1) for _ in range(3)]
        for other in others:
            began.clear()
            submit(other, work)
            submit(other, print, "never")
            began.wait()
    if state == "a call waits":
        waiting = submit(pool, print, "never")
        lifecycle.at_exit(lifecycle.Stage.BRIDGE, lambda: print(waiting.call.error))  # after the pools
