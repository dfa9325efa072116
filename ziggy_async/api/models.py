"""The shapes of the answers, for the documentation; answers are not checked against them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ziggy_async.queueing.options import Reason
from ziggy_async.queueing.task import State


class Ok(BaseModel):
    ok: bool = Field(description="Whether the question could be answered")


class Done(Ok):
    message: str = Field(examples=["Performance metrics cleared"])


class Failure(BaseModel):
    detail: str = Field(description="One sentence; never the text of an exception")


class Refused(BaseModel):
    """An error of a formula; `formula[start:end]` is the place."""

    detail: str | list[dict[str, Any]] = Field(description="One sentence, or the faults of parameters and body")
    formula: str | None = None
    start: int | None = None
    end: int | None = None


class Summary(BaseModel):
    """Latencies are those of the operations that succeeded; all 0 when there are none."""

    total_operations: int
    success_rate: float = Field(description="Percent", examples=[99.5])
    avg_latency_ms: float
    p50_latency_ms: float
    p95_latency_ms: float
    p99_latency_ms: float
    max_latency_ms: float
    queue_depth: int = Field(description="Tasks that wait in the background queue")
    queue_capacity: int
    oldest_waiting_s: float = Field(description="Seconds since the oldest of them was enqueued")


class Operation(BaseModel):
    operation: str = Field(examples=["compute_features:AAPL"])
    duration_ms: float
    success: bool
    error: str | None
    timestamp: str = Field(description="When it began, ISO 8601", examples=["2024-05-02T14:30:00.123456+00:00"])


class MetricsAnswer(Ok):
    summary: Summary
    recent_operations: list[Operation] = Field(description="The newest, oldest first")
    count: int


class SummaryAnswer(Ok):
    metrics: Summary


class HealthFigures(Summary):
    loop_lag_p95_ms: float


class HealthAnswer(Ok):
    healthy: bool
    status: Literal["healthy", "degraded", "unhealthy"]
    issues: list[str] = Field(examples=[["Low success rate: 93.8%"]])
    metrics: HealthFigures | dict[str, Any] = Field(description="Empty when the check itself failed")


class ReadyAnswer(Ok):
    ready: bool
    reasons: list[str] = Field(description="Why it is not", examples=[["queue full: 1000 of 1000"]])


class Phase(BaseModel):
    count: int = Field(description="Operations of which it is known")
    avg_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Kind(BaseModel):
    count: int
    errors: int
    waiting: Phase
    running: Phase
    total: Phase


class OperationsAnswer(Ok):
    operations: dict[str, Kind] = Field(description="By kind, such as `compute_features`")
    count: int


class Measured(BaseModel):
    """The fields of every result; latency, loop and metrics stand in full beside them."""

    name: str
    avg_latency_ms: float
    throughput_ops_per_sec: float
    event_loop_lag_p95_ms: float


class Improvements(BaseModel):
    """Percent of the baseline; below 0 where the package was worse."""

    latency_reduction_pct: float
    throughput_increase_pct: float
    loop_lag_reduction_pct: float


class Comparison(BaseModel):
    baseline: Measured
    optimized: Measured
    improvements: Improvements
    summary: str = Field(examples=["Latency reduced by 84.2%. Throughput increased by 530.1%"])


class ComparisonAnswer(Ok):
    comparison: Comparison


class BenchmarksAnswer(Ok):
    benchmarks: list[Measured] = Field(description="The last 100 results")
    count: int


class FailedAttempt(BaseModel):
    began: str
    seconds: float
    error: str = Field(examples=["ConnectionError: no route to host"])


class Letter(BaseModel):
    id: str
    task_id: str
    operation: str
    reason: Reason
    attempts: list[FailedAttempt]
    died_at: str = Field(description="ISO 8601, UTC")
    requeued_from: str | None = Field(description="The letter that its task was requeued from")
    function: str | None = Field(examples=["app.jobs:refresh"])
    can_requeue: bool
    why_not: str | None


class DeadLettersAnswer(Ok):
    dead_letters: list[Letter] = Field(description="Oldest first")
    count: int = Field(description="In this answer")
    stats: dict[str, int] = Field(description="`letters`: all there are, whatever their reason")


class DeadLetterAnswer(Ok):
    dead_letter: Letter


class RequeuedAnswer(Done):
    task_id: str


class AllRequeuedAnswer(Done):
    requeued: int
    refused: int
    left: int


class DiscardedAnswer(Done):
    discarded: int


class ScalingAnswer(Ok):
    adaptive: bool = Field(description="Whether the number of workers follows the load")
    workers: int = Field(description="Now; 0 when the computer is not started")
    min_workers: int
    max_workers: int
    stuck_threads: int = Field(description="Threads in calls that nobody waits for any more")
    decisions: list[dict[str, Any]] = Field(description="The last 200, oldest first")
    count: int


class FeaturesAnswer(BaseModel):
    """Beside these, the 26 figures when the status is "ok", or `required`, the bars that they need."""

    model_config = ConfigDict(extra="allow")

    ticker: str
    status: Literal["ok", "insufficient_data"]
    bars: int
    close: float | None = None
    rsi_14: float | None = None


class LatestAnswer(BaseModel):
    ticker: str
    timestamp: str = Field(description="Of the last bar, ISO 8601, UTC", examples=["2024-05-02T00:00:00+00:00"])
    features: dict[str, float | None] = Field(examples=[{"rsi(14)": 48.2}])


class HistoryAnswer(BaseModel):
    ticker: str
    timestamps: list[str] = Field(description="ISO 8601, UTC")
    features: dict[str, list[float | None]] = Field(description="One figure for each of the timestamps")


class FeatureRow(BaseModel):
    symbol: str
    timestamp: str | None = Field(description="Of the last bar, ISO 8601, UTC; null without one")
    features: dict[str, float | None]


class LiveEvent(BaseModel):
    rows: list[FeatureRow] = Field(description="All of them; in later events those that changed")


class ScreenAnswer(BaseModel):
    rows: list[FeatureRow]
    count: int = Field(description="In this answer")
    matched: int = Field(description="Without the limit")
    missing: list[str] = Field(description="Tickers asked for that have no bars")


class SignalAnswer(BaseModel):
    ticker: str
    signal: dict[str, Any] | None
    reason: str = Field(examples=["ok", "no_trade_edge", "insufficient_features"])


class SignalsAnswer(BaseModel):
    signals: dict[str, SignalAnswer] = Field(description="In the order asked for, each ticker once")
    regime: dict[str, Any]


class AcceptedAnswer(Ok):
    task_id: str = Field(description="With a `key`, that of the task that was joined")
    state: State = Field(description="`dead` when the full queue dropped it")


class TaskAnswer(AcceptedAnswer):
    state: State = Field(description="`queued` also between two attempts; `waiting`: for a place in the queue")
    attempts: list[FailedAttempt] = Field(description="Those that have failed so far, oldest first")
    result: dict[str, Any] | None = Field(
        description="When it succeeded: features by ticker; signals and regime; null of a sleep"
    )


class TaskSeen(BaseModel):
    number: int = Field(description="Unique in the process, and rising")
    task_id: str
    operation: str
    state: State
    priority: int
    submitted_at: str = Field(description="ISO 8601, UTC")
    waiting_s: float = Field(description="Seconds without an attempt under way")
    running_s: float = Field(description="Seconds of its attempts")
    attempts: int = Field(description="Those that have failed")
    error: str | None = Field(description="Of its end, or of its last attempt")


class TasksAnswer(Ok):
    tasks: list[TaskSeen] = Field(description="Oldest first")
    count: int = Field(description="In this answer")
    counts: dict[str, int] = Field(description="Of all tasks so far, by state")


class CancelledTasksAnswer(Done):
    cancelled: int


class SymbolsAnswer(Ok):
    symbols: list[str]
    count: int = Field(description="All that were found, whatever the limit")


class Bar(BaseModel):
    timestamp: str = Field(description="ISO 8601, UTC")
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarsAnswer(Ok):
    ticker: str
    bars: list[Bar] = Field(description="Oldest first")
    count: int


class RegimeAnswer(Ok):
    regime: str = Field(examples=["RiskOn"])
    confidence: float
    timestamp: str
    explanation: str
    metrics: dict[str, Any]


class CancelledAnswer(Done):
    task_id: str
