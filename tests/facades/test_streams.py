"""Answers that are made while they are sent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clearline.domain.attachment import Limits
from clearline.facades.api.routes import DIALECT
from clearline.facades.http.call import Call, Desk, Stream
from clearline.facades.http.cursors import Cursors
from clearline.facades.http.edge import Edge
from clearline.facades.http.limits import RateLimiter
from clearline.facades.http.resource import Wire
from clearline.facades.http.table import Operation
from clearline.gateways.blobs import open_blobs
from clearline.settings import Settings
from clearline.store.db import Database, DatabaseUnavailable
from clearline.usecases.keys import KeyRing
from tests.conftest import Tenant
from tests.facades.api.helpers import problem


async def answer_of(database: Database, tenant: Tenant, folder: Path, parts: list[bytes | Exception]) -> httpx.Response:
    """What a client gets when the parts of an answer are these; a fault is raised in its place."""

    async def made() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    async def handle(_call: Call) -> Stream:
        return Stream(200, made(), [(b"content-type", b"text/plain")])

    blobs = open_blobs(Settings(data_dir=folder))
    limits = Limits(1, ())
    cursors = Cursors(b"secret" * 6)
    desk = Desk(database, KeyRing(database), RateLimiter(0), cursors, lambda: datetime.now(UTC), blobs, limits)
    table = [Operation("read", "GET", "/stream", handle, "Read", "Parts.", None, bytes, media=("text/plain",))]
    transport = httpx.ASGITransport(Edge(Wire(table, desk, DIALECT), access_log=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.com") as client:
        return await client.get("/stream", headers=tenant.headers)


@pytest.mark.parametrize("parts", [[], [b"a"], [b"a", b"", b"bc"]])
async def test_every_part_is_sent_once(
    database: Database, tenant: Tenant, tmp_path: Path, parts: list[bytes | Exception]
) -> None:
    answer = await answer_of(database, tenant, tmp_path, parts)
    whole = b"".join(part for part in parts if isinstance(part, bytes))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, whole, "text/plain")


@pytest.mark.parametrize(
    ("fault", "kind"), [(DatabaseUnavailable("away"), "unavailable"), (ValueError("a fault"), "internal")]
)
async def test_a_fault_in_the_first_part_is_answered_as_any_other(
    database: Database, tenant: Tenant, tmp_path: Path, fault: Exception, kind: str
) -> None:
    problem(await answer_of(database, tenant, tmp_path, [fault]), kind)


async def test_a_fault_in_a_later_part_breaks_the_answer_off(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="a fault"):
        await answer_of(database, tenant, tmp_path, [b"a", ValueError("a fault")])
