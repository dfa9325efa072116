"""Tasks that will not run again by themselves, and what it takes to run them again. Letters are requeued or discarded
by callers, and evicted for age or number. Modules import from those before: `letter`, `sqlite`, `dead_letters`."""

from ziggy_async.dead_letters.dead_letters import DeadLetters, Requeued
from ziggy_async.dead_letters.letter import DeadLetter
from ziggy_async.queueing.options import Reason

__all__ = ["DeadLetter", "DeadLetters", "Reason", "Requeued"]
