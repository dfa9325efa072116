"""One operation as the application's own code times it."""

import time
from dataclasses import dataclass, field


@dataclass
class LatencyMetrics:
    """Made when the operation begins; `complete` when it ends.

    `start_time` and `end_time` are those of `time.perf_counter`.
    """

    operation: str
    start_time: float = field(default_factory=time.perf_counter)
    end_time: float | None = None
    duration_ms: float | None = None
    success: bool = True
    error: str | None = None

    def complete(self, success: bool = True, error: str | None = None) -> None:
        """Ends the operation now: sets `end_time`, `duration_ms` (since `start_time`), and how it ended."""
        self.end_time = time.perf_counter()
        self.duration_ms = 1e3 * (self.end_time - self.start_time)
        self.success = success
        self.error = error
