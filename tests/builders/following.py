"""A client of the application that reads an answer while it is made, and may take its time or hang up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec

from tests.patience import patient

EVENTS = "/api/v1/events"


class Block(NamedTuple):
    """One event of a stream; ``type`` is empty where there is only a place, or a comment."""

    id: str
    type: str
    data: dict[str, Any]


class Following:
    """An answer under way."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.blocks: list[Block] = []
        self.ended = asyncio.Event()
        self.may_send = asyncio.Event()
        self.may_send.set()
        self._begun, self._gone, self._more = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._rest = b""
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        """What the server hears of the client."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """What the server sends; it waits while the client takes nothing."""
        await self.may_send.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._begun.set()
            return
        *whole, self._rest = (self._rest + message.get("body", b"")).split(b"\n\n")
        self.blocks += map(_block, whole)
        self._more.set()

    async def begun(self) -> None:
        """Wait until there is an answer, and for a stream until it said where it stands."""
        await asyncio.wait_for(self._begun.wait(), patient(10))
        if self.status == 200:
            await asyncio.wait_for(self._more.wait(), patient(10))

    async def events(self, many: int, seconds: float = 10) -> list[Block]:
        """Wait until there are so many events, and answer them all."""
        async with asyncio.timeout(patient(seconds)):
            while len(found := [block for block in self.blocks if block.type]) < many:
                self._more.clear()
                await self._more.wait()
        return found

    def hang_up(self) -> None:
        """Be gone."""
        self._gone.set()


def _block(text: bytes) -> Block:
    fields = dict(line.split(": ", 1) for line in text.decode().splitlines() if not line.startswith(":"))
    data = msgspec.json.decode(fields["data"]) if "data" in fields else {}
    return Block(fields.get("id", ""), fields.get("event", ""), data)


@asynccontextmanager
async def following(
    client: httpx.AsyncClient, headers: dict[str, str], query: str = "", *, method: str = "GET", last: str = ""
) -> AsyncIterator[Following]:
    """Follow the events as long as the block runs."""
    sent = {"accept": "text/event-stream", **headers} | ({"last-event-id": last} if last else {})
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": EVENTS, "raw_path": EVENTS.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()], "server": ("desk", 80),
        "client": ("192.0.2.1", 5000),
    }  # fmt: skip
    one = Following()
    transport = client._transport  # noqa: SLF001 - there is no other way to the application
    assert isinstance(transport, httpx.ASGITransport)
    task: asyncio.Task[Any] = asyncio.create_task(transport.app(scope, one.receive, one.send))  # type: ignore[arg-type]
    task.add_done_callback(lambda _: one.ended.set())
    try:
        await one.begun()
        yield one
    finally:
        one.hang_up()
        one.may_send.set()
        await asyncio.wait_for(task, patient(10))
