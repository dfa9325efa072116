"""The facade of the application: features and signals, blocking work, a background queue, and what is known of them."""

from ziggy_async.async_features.computer import (
    AsyncFeatureComputer,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.async_features.config import TaskPoolConfig
from ziggy_async.work.metrics import LatencyMetrics

__all__ = [
    "AsyncFeatureComputer",
    "LatencyMetrics",
    "TaskPoolConfig",
    "get_async_feature_computer",
    "init_async_features",
    "shutdown_async_features",
]
