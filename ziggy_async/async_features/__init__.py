"""`AsyncFeatureComputer`: features and signals, blocking work, a background queue, and metrics of them."""

from ziggy_async.async_features.computer import (
    AsyncFeatureComputer,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.async_features.config import TaskPoolConfig
from ziggy_async.async_features.latency import LatencyMetrics
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.runtime.errors import QueueFull, Stopped, TaskDropped, WorkerLost

__all__ = [
    "AsyncFeatureComputer",
    "LatencyMetrics",
    "QueueFull",
    "Stopped",
    "TaskDropped",
    "TaskHandle",
    "TaskPoolConfig",
    "WorkerLost",
    "get_async_feature_computer",
    "init_async_features",
    "shutdown_async_features",
]
