"""Uses a computer in a forked child and in its parent."""

import asyncio
import os
import threading

from ziggy_async.async_features import get_async_feature_computer

computer = get_async_feature_computer()


async def in_child():
    value = await computer.execute_blocking_operation("child", lambda: 7)
    value += await (await computer.enqueue_task("task", lambda: 1))
    print("child", value, computer.counts()["submitted"], flush=True)
    await computer.stop()


def end_child():
    """In a thread of its own, which has no loop: to close the parent's would take its wake-ups away."""
    thread = threading.Thread(target=asyncio.run, args=(in_child(),))
    thread.start()
    thread.join(30)
    os._exit(thread.is_alive())


async def main():
    await computer.execute_blocking_operation("parent", int)
    held = await computer.enqueue_task("held", asyncio.sleep, 0.5)
    child = os.fork()
    if child == 0:
        end_child()
    _, status = os.waitpid(child, 0)
    await held
    print("parent", os.waitstatus_to_exitcode(status), computer.counts()["succeeded"])
    await computer.stop()


asyncio.run(main())
