"""What the tests of `ziggy-async serve` share: bars, a process that serves, and how to ask it."""

import json
import os
import subprocess
import urllib.request
from contextlib import contextmanager

import numpy as np
from conftest import isolated
from rest import strict_json


def load(store, symbol, count, close=100.0):
    prices = close + np.sin(np.arange(count))
    days = np.datetime64("2020-01-01") + np.arange(count).astype("timedelta64[D]")
    columns = {"open": prices, "high": prices + 1, "low": prices - 1, "close": prices, "volume": prices}
    store.load(symbol, {"date": days, **columns})


@contextmanager
def serving(*arguments, script="serve", **environment):
    """The process that runs a script of `isolated/`, and the URL that it says it serves on."""
    process = subprocess.Popen(
        isolated(script, "serve", "--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("Serving on http://127.0.0.1:"), line + process.stderr.read()
        assert "/docs" in line
        yield process, line.split()[2]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(url, body=None):
    """The answer to a GET, or to a POST of `body`; `HTTPError` unless all is well."""
    headers = {"content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return strict_json(answer.read())
