"""The REST interface to a computer of features, for a FastAPI application: the extra `api`.

::

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
"""

try:
    from ziggy_async.api.dashboard.router import create_dashboard
    from ziggy_async.api.lifespan import create_lifespan, lifespan
    from ziggy_async.api.prometheus import ComputerCollector
    from ziggy_async.api.routes import create_features_router, create_router, router
except ModuleNotFoundError as error:
    if error.name not in {"fastapi", "prometheus_client"}:
        raise
    raise ModuleNotFoundError(
        f"ziggy_async.api needs {error.name}: pip install 'ziggy_async[api]'", name=error.name
    ) from error

__all__ = [
    "ComputerCollector",
    "create_dashboard",
    "create_features_router",
    "create_lifespan",
    "create_router",
    "lifespan",
    "router",
]
