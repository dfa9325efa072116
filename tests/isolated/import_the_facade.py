"""Prints the number of threads and the optional modules that are there after the import."""

import sys
import threading

import ziggy_async
import ziggy_async.async_features

ziggy_async.async_features.get_async_feature_computer()
optional = {"fastapi", "pandas", "prometheus_client", "uvicorn", "scipy", "rich", "duckdb", "sqlite3"}
optional |= {"ziggy_async.latency_benchmark", "ziggy_async.regression", "ziggy_async.cli", "ziggy_async.api"}
print(threading.active_count(), sorted(optional & set(sys.modules)))
