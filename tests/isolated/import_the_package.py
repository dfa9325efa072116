"""Prints what the import of the package does: optional modules, threads, native threads, a loop."""

import asyncio
import json
import os
import sys
import threading

import numpy  # noqa: F401 - which starts threads of its own

tasks = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
import ziggy_async  # noqa: F401

after = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
optional = {"fastapi", "starlette", "pandas", "polars", "pyarrow", "duckdb", "rich", "uvloop", "talib"}
try:
    asyncio.get_running_loop()
    loop = True
except RuntimeError:
    loop = False
print(json.dumps([sorted(optional & set(sys.modules)), threading.active_count(), after - tasks, loop]))
