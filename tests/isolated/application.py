"""An application as README shows it, on uvicorn; `nested` runs a second lifespan within the first."""

import sys
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from ziggy_async.api import create_features_router, create_lifespan
from ziggy_async.api import lifespan as ziggy_lifespan
from ziggy_async.async_features import AsyncFeatureComputer


@asynccontextmanager
async def nested(app):
    async with ziggy_lifespan(app), create_lifespan(AsyncFeatureComputer())(app):
        yield


app = FastAPI(lifespan=nested if "nested" in sys.argv else ziggy_lifespan)
app.include_router(create_features_router(), prefix="/api")
uvicorn.run(app, port=0)
