"""Configuration of a computer, by default from the environment."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ziggy_async.environment import ConfigurationError, is_number
from ziggy_async.messages import shown

T = TypeVar("T")

TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
MOST_WORKERS = 10_000
MOST_QUEUED = 10_000_000


def whole(name: str, value: object, most: int) -> int:
    """Returns `value` as a whole number from 1 to `most`. Raises `ValueError` that names it."""
    number: object = value
    if isinstance(value, str):
        number = int(value) if is_number(value.strip()) else None
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
        raise ConfigurationError(f"{name}: {shown(value)} is not a whole number from 1 to {most}")
    return number


def truth(name: str, value: object) -> bool:
    """Returns `value` as a bool: true, yes, on, 1, or false, no, off, 0. Raises `ValueError` that names it."""
    found = TRUTHS.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ConfigurationError(f"{name}: {shown(value)} is neither true nor false")
    return found


def _from_environment(variable: str, default: T, read: Callable[[str, str], T]) -> Callable[[], T]:
    def value() -> T:
        text = os.environ.get(variable)
        return default if text is None else read(variable, text)

    return value


def _workers(name: str, value: object) -> int:
    return whole(name, value, MOST_WORKERS)


def path(name: str, value: object) -> str | None:
    """Returns `value` as a path, None for none. Raises `ValueError` that names it."""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise ConfigurationError(f"{name}: {shown(value)} is not a path")
    return os.fspath(value) or None if value is not None else None


def _queued(name: str, value: object) -> int:
    return whole(name, value, MOST_QUEUED)


@dataclass
class TaskPoolConfig:
    """Sizes of an `AsyncFeatureComputer`. Fields that are not given are read from the environment.

    Raises `ValueError` that names the variable or the field whose value is invalid.
    """

    max_workers: int = field(default_factory=_from_environment("ASYNC_FEATURES_WORKERS", 8, _workers))
    """Threads for blocking work, and workers of the queue."""
    use_process_pool: bool = field(default_factory=_from_environment("ASYNC_FEATURES_USE_PROCESS_POOL", False, truth))
    """True if the process pool is there from the start; else it is made when first asked for."""
    queue_size: int = field(default_factory=_from_environment("ASYNC_FEATURES_QUEUE_SIZE", 1000, _queued))
    scale_min: int | None = field(default_factory=_from_environment("ASYNC_FEATURES_MIN_WORKERS", None, _workers))
    scale_max: int | None = field(default_factory=_from_environment("ASYNC_FEATURES_MAX_WORKERS", None, _workers))
    """With either of these the number of workers follows the load; the other one is then 1, or `max_workers`."""
    dead_letters: str | None = field(default_factory=_from_environment("ASYNC_FEATURES_DEAD_LETTERS", None, path))
    """The SQLite file that dead letters live in; None: in memory. SQLite maps its `-shm`: who truncates it in use ends
    the process by SIGBUS."""
    trust_pickles: bool = field(default_factory=_from_environment("ASYNC_FEATURES_TRUST_PICKLES", False, truth))
    """True if dead letters whose work another process has pickled may be requeued: unpickling runs what it says."""

    def __post_init__(self) -> None:
        self.max_workers = _workers("max_workers", self.max_workers)
        self.use_process_pool = truth("use_process_pool", self.use_process_pool)
        self.queue_size = _queued("queue_size", self.queue_size)
        self.scale_min = None if self.scale_min is None else _workers("scale_min", self.scale_min)
        self.scale_max = None if self.scale_max is None else _workers("scale_max", self.scale_max)
        self.dead_letters = path("dead_letters", self.dead_letters)
        self.trust_pickles = truth("trust_pickles", self.trust_pickles)
        least, most = self.workers_between
        if least > most:
            raise ConfigurationError(f"scale_min (ASYNC_FEATURES_MIN_WORKERS): {least} is above the most, {most}")

    @property
    def scales(self) -> bool:
        return self.scale_min is not None or self.scale_max is not None

    @property
    def workers_between(self) -> tuple[int, int]:
        """The fewest and the most workers that there may be."""
        if not self.scales:
            return self.max_workers, self.max_workers
        return self.scale_min or 1, self.scale_max or self.max_workers
