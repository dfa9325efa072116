"""What goes wrong with work, apart from the work's own errors."""

import asyncio


class QueueFull(asyncio.QueueFull):
    """The queue takes no more work now."""


class TaskDropped(QueueFull):
    """The work gave way, or was turned away, because the queue was full."""


class Stopped(RuntimeError):  # noqa: N818
    """What should have done the work was stopped."""


class WorkerLost(RuntimeError):  # noqa: N818
    """The process that did the work died under it, or gave no answer that can be trusted."""
