"""Imports the REST part where a package that it needs is missing."""

import sys

import ziggy_async.async_features

for name in ("fastapi", "prometheus_client"):
    sys.modules[name] = None
    try:
        import ziggy_async.api  # noqa: F401
    except ModuleNotFoundError as error:
        print(error)
    del sys.modules[name]
