"""Responses that are produced while they are sent."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from clearline.accounts.key_ring import KeyRing
from clearline.event_stream.event_signal import EventSignal
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.stopping import Stopping
from clearline.tickets.attachments.blobs import open_blobs
from clearline.tickets.attachments.domain import Limits
from clearline.web.mail import render
from clearline.wires.house.routes import DIALECT
from clearline.wires.http.call import Call, Services, Stream
from clearline.wires.http.cursors import Cursors
from clearline.wires.http.edge import Edge
from clearline.wires.http.limits import OpenStreams, RateLimiter
from clearline.wires.http.resource import Wire
from clearline.wires.http.table import Operation
from tests.builders.house import problem
from tests.builders.people import Tenant
from tests.patience import patient


async def answer_of(database: Database, tenant: Tenant, folder: Path, parts: list[bytes | Exception]) -> httpx.Response:
    """Return the response that consists of these parts; an exception among them is raised in its place."""

    async def chunks() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    async def handle(_call: Call) -> Stream:
        return Stream(200, chunks(), [(b"content-type", b"text/plain")])

    blobs = open_blobs(Settings(data_dir=folder))
    limits = Limits(1, ())
    cursors = Cursors(b"secret" * 6)
    services = Services(
        database, KeyRing(database), RateLimiter(0), cursors, lambda: datetime.now(UTC), blobs, limits,
        EventSignal(database), OpenStreams(), render,
    )  # fmt: skip
    table = [Operation("read", "GET", "/stream", handle, "Read", "Parts.", None, bytes, media=("text/plain",))]
    transport = httpx.ASGITransport(Edge(Wire(table, services, DIALECT), Stopping(0, print), access_log=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.com") as client:
        return await client.get("/stream", headers=tenant.headers)


@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", b"", b"bc"]])
async def test_every_part_is_sent_once(
    database: Database, tenant: Tenant, tmp_path: Path, parts: list[bytes | Exception]
) -> None:
    answer = await answer_of(database, tenant, tmp_path, parts)
    content = b"".join(part for part in parts if isinstance(part, bytes))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, content, "text/plain")


@pytest.mark.parametrize(
    ("fault", "kind"), [(DatabaseUnavailable("away"), "unavailable"), (ValueError("a fault"), "internal")]
)
async def test_an_exception_in_the_first_part_gets_an_error_response(
    database: Database, tenant: Tenant, tmp_path: Path, fault: Exception, kind: str
) -> None:
    problem(await answer_of(database, tenant, tmp_path, [fault]), kind)


async def test_an_exception_in_a_later_part_aborts_the_response(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="a fault"):
        await answer_of(database, tenant, tmp_path, [b"a", ValueError("a fault")])


class Client:
    """A client that receives some messages, then blocks for a while, and disconnects."""

    def __init__(self, takes: int) -> None:
        self._takes, self._stays = takes, asyncio.Event()
        self.received: list[Any] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if len(self.received) == self._takes:
            self._stays.set()
            await asyncio.sleep(60)
        self.received.append(message)

    async def receive(self) -> dict[str, Any]:
        await self._stays.wait()
        return {"type": "http.disconnect"}


@pytest.mark.parametrize("takes", [0, 1, 3])
async def test_the_parts_are_closed_when_the_client_disconnects(takes: int) -> None:
    released = []

    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"part"
        finally:
            released.append(True)

    client, stream = Client(takes), Stream(200, parts(), [])
    await stream.begin()
    async with asyncio.timeout(patient(5)):
        await stream.send(client.send, client.receive)
    assert (len(client.received), released) == (takes, [True])


async def test_the_response_ends_when_the_client_blocks_for_too_long() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"part"

    client = Client(1)

    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    stream = Stream(200, parts(), [], patience=0.1)
    await stream.begin()
    async with asyncio.timeout(patient(5)):
        await stream.send(client.send, never)
    assert len(client.received) == 1
