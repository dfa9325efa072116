"""The command; what it serves takes work at /work. That, and tasks that sleep, go on until the end has begun."""

import sys
import threading
from types import SimpleNamespace

from ziggy_async.api import tasks
from ziggy_async.async_features import get_async_feature_computer
from ziggy_async.cli import main, serve

has_ended = threading.Event()
make, shutdown = serve.application, serve.shutdown_async_features


def application(*asked):
    app = make(*asked)

    @app.post("/work")
    async def work():
        for number in range(5):
            await get_async_feature_computer().enqueue_task(str(number), write, number)

    return app


def write(number):
    has_ended.wait()
    print("done", number, flush=True)


async def end():
    has_ended.set()
    await shutdown()


serve.application, serve.shutdown_async_features = application, end
tasks.time = SimpleNamespace(sleep=lambda seconds: has_ended.wait())
sys.exit(main(sys.argv[1:]))
