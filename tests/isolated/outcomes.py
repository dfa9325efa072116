"""A store of flat bars, and what becomes of futures, for the scripts."""

import asyncio

import numpy as np


class Stop(BaseException):
    """An interrupt."""


seen = []
"""The names of the exceptions that the loop was told of by `handle`."""


def load(store, names, bars):
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), np.full(bars, 10.0))
    for name in names:
        store.load(name, {"timestamp": np.arange(bars).astype("M8[s]"), **prices})


async def outcome(future):
    """Its name, as far as anybody can tell."""
    try:
        await asyncio.wait_for(asyncio.shield(future), 10.0)
    except (Stop, Exception) as error:
        return type(error).__name__
    return "result"


async def outcomes(futures):
    return [await outcome(future) for future in futures]


def handle(loop, context):
    seen.append(type(context["exception"]).__name__)
