"""Uses a computer in a forked child and in its parent."""

import asyncio
import os

from ziggy_async.async_features import get_async_feature_computer

computer = get_async_feature_computer()


async def main():
    await computer.execute_blocking_operation("parent", int)
    held = await computer.enqueue_task("held", asyncio.sleep, 0.5)
    child = os.fork()
    if child == 0:
        return
    _, status = os.waitpid(child, 0)
    await held
    print("parent", os.waitstatus_to_exitcode(status), computer.counts()["succeeded"])
    await computer.stop()


async def in_child():
    value = await computer.execute_blocking_operation("child", lambda: 7)
    value += await (await computer.enqueue_task("task", lambda: 1))
    print("child", value, computer.counts()["submitted"], flush=True)
    await computer.stop()


parent = os.getpid()
try:
    asyncio.run(main())
finally:
    if os.getpid() != parent:
        asyncio._set_running_loop(None)
        code = 1
        try:
            asyncio.run(in_child())
            code = 0
        finally:
            os._exit(code)
