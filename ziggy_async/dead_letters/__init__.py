"""Tasks that will not run again by themselves, and what it takes to run them again.

A letter is requeued or discarded by a caller, or evicted: as too old, or one too many. Modules import from those before
them: `letter`, `sqlite`, `dead_letters`.
"""

from ziggy_async.dead_letters.dead_letters import DeadLetters, Requeued
from ziggy_async.dead_letters.letter import DeadLetter
from ziggy_async.queueing.options import Reason

__all__ = ["DeadLetter", "DeadLetters", "Reason", "Requeued"]
