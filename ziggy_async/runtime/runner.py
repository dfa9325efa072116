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
        """Returns the call's result, or raises its exception; see `Call.result`. Awaits a coroutine that a
        plain function returns. Cancelling this gives the call up: it cancels a coroutine, ends a process, and leaves a
        thread to itself.

        Raises `Stopped` when the pool was shut down before the call began.
        """
        if call.is_of_coroutine_function:
            return await call.run_on_loop()
        if in_process:
            return await self._processes().run(call)
        value = await self.threads.run(call)
        return await call.run_on_loop(value) if inspect.iscoroutine(value) else value
