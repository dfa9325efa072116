"""Where a call runs: a coroutine function on the loop, a plain one in a thread or in a process."""

import inspect
from collections.abc import Callable
from typing import Any

from ziggy_async.runtime.call import Call
from ziggy_async.runtime.processes import ProcessPool
from ziggy_async.runtime.threads import ThreadPool


class Runner:
    """Safe from any loop."""

    def __init__(self, threads: ThreadPool, processes: Callable[[], ProcessPool]) -> None:
        """`processes`: gives the pool, which is made when the first call wants it."""
        self.threads = threads
        self._processes = processes

    async def run(self, call: Call, in_process: bool = False) -> Any:
        """The call's result, or its exception; see `Call.result`. A coroutine that a plain function returns is awaited.
        Cancelling this gives the call up: a coroutine is cancelled, a process ended, a thread left to itself.

        `Stopped` when the pool was shut down before the call began.
        """
        if call.is_of_coroutine_function:
            return await call.run_on_loop()
        if in_process:
            return await self._processes().run(call)
        value = await self.threads.run(call)
        return await call.run_on_loop(value) if inspect.iscoroutine(value) else value
