"""A client that reads an event stream while it is sent, and may read slowly or disconnect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import msgspec

from tests.patience import patient

EVENTS = "/api/v1/events"


class StreamedEvent(NamedTuple):
    """One event of a stream; ``type`` is empty where there is only a cursor, or a comment."""

    id: str
    type: str
    data: dict[str, Any]


class OpenStream:
    """A response that is being sent. The server waits while ``may_send`` is clear; ``ended`` is set at its end."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.received: list[StreamedEvent] = []
        self.ended = asyncio.Event()
        self.may_send = asyncio.Event()
        self.may_send.set()
        self._started, self._disconnected, self._more = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._incomplete = b""
        self._is_sent = False

    async def receive(self) -> dict[str, Any]:
        """Return the messages of the client: its request, and then that it has disconnected."""
        if not self._is_sent:
            self._is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Store what the server sends."""
        await self.may_send.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        *complete, self._incomplete = (self._incomplete + message.get("body", b"")).split(b"\n\n")
        self.received += map(_event, complete)
        self._more.set()

    async def started(self) -> None:
        """Wait until there is a response, and for a stream until it has sent a cursor."""
        await asyncio.wait_for(self._started.wait(), patient(10))
        if self.status == 200:
            await asyncio.wait_for(self._more.wait(), patient(10))

    async def events(self, many: int, seconds: float = 10) -> list[StreamedEvent]:
        """Wait until there are at least this many events; return all."""
        async with asyncio.timeout(patient(seconds)):
            while len(events := [event for event in self.received if event.type]) < many:
                self._more.clear()
                await self._more.wait()
        return events

    def disconnect(self) -> None:
        """Disconnect."""
        self._disconnected.set()


def _event(text: bytes) -> StreamedEvent:
    fields = dict(line.split(": ", 1) for line in text.decode().splitlines() if not line.startswith(":"))
    data = msgspec.json.decode(fields["data"]) if "data" in fields else {}
    return StreamedEvent(fields.get("id", ""), fields.get("event", ""), data)


@asynccontextmanager
async def open_stream(
    client: httpx.AsyncClient,
    headers: dict[str, str],
    query: str = "",
    *,
    method: str = "GET",
    last: str = "",
    path: str = EVENTS,
) -> AsyncIterator[OpenStream]:
    """Open a stream, and read its events until the block ends."""
    request_headers = {"accept": "text/event-stream", **headers} | ({"last-event-id": last} if last else {})
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request_headers.items()],
        "server": ("desk", 80), "client": ("192.0.2.1", 5000),
    }  # fmt: skip
    stream = OpenStream()
    transport = client._transport  # noqa: SLF001 - there is no other way to the application
    assert isinstance(transport, httpx.ASGITransport)
    task: asyncio.Task[Any] = asyncio.create_task(transport.app(scope, stream.receive, stream.send))  # type: ignore[arg-type]
    task.add_done_callback(lambda _: stream.ended.set())
    try:
        await stream.started()
        yield stream
    finally:
        stream.disconnect()
        stream.may_send.set()
        await asyncio.wait_for(task, patient(10))
