"""The command; what it serves takes work of a second at /work."""

import sys
import time

from ziggy_async.async_features import get_async_feature_computer
from ziggy_async.cli import main, serve

make = serve.application


def application(*asked):
    app = make(*asked)

    @app.post("/work")
    async def work():
        for number in range(5):
            await get_async_feature_computer().enqueue_task(str(number), write, number)

    return app


def write(number):
    time.sleep(0.2)
    print("done", number, flush=True)


serve.application = application
sys.exit(main(sys.argv[1:]))
