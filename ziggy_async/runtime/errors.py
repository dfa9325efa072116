"""Errors of queues and pools, apart from those of the work itself."""

import asyncio


class QueueFull(asyncio.QueueFull):
    """The queue takes no more work now."""


class TaskDropped(QueueFull):
    """The task was dropped because the queue was full."""


class Stopped(RuntimeError):  # noqa: N818
    """The pool, queue or loop that should have done the work was stopped."""


class WorkerLost(RuntimeError):  # noqa: N818
    """The process that did the work died under it, or gave no answer that can be trusted."""
