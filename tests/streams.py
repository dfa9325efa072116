"""What the tests of server-sent events share: a client that an application sends a stream to, in this loop."""

import asyncio
from contextlib import asynccontextmanager

from rest import scope_of, strict_json


class Client:
    """What has come: the start of the answer, and its events. While `reads` is cleared, it takes nothing."""

    def __init__(self):
        self.start = None
        self.text = b""
        self.is_whole = False
        self.came = asyncio.Condition()
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone = asyncio.Event()

    async def send(self, message):
        await self.reads.wait()
        async with self.came:
            if message["type"] == "http.response.start":
                self.start = message
            else:
                self.text += message["body"]
                self.is_whole = not message.get("more_body", False)
            self.came.notify_all()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def events(self):
        """(name, body) of each event that is whole."""
        blocks = [block.strip().decode().split("\n") for block in self.text.split(b"\n\n")[:-1]]
        return [
            (lines[0].removeprefix("event: "), strict_json(lines[1].removeprefix("data: ")))
            for lines in blocks
            if lines[0].startswith("event: ")
        ]

    def bodies(self, name):
        return [body for each, body in self.events if each == name]

    async def until(self, look):
        """What `look` gives, of what has come, once that is something."""
        async with asyncio.timeout(30), self.came:
            while not (found := look()):
                await self.came.wait()
        return found

    async def body(self, name, after=0):
        """The body of the first event of that name after so many."""
        return (await self.until(lambda: self.bodies(name)[after:]))[0]


@asynccontextmanager
async def following(app, path, **headers):
    """A client of the stream under `path`; the stream's task is `client.task`."""
    client = Client()
    sent = [(b"host", b"test"), *((key.encode(), value.encode()) for key, value in headers.items())]
    client.task = asyncio.create_task(app(scope_of("GET", path, sent), client.receive, client.send))
    try:
        yield client
    finally:
        client.reads.set()
        client.gone.set()
        await asyncio.wait_for(client.task, 30)
