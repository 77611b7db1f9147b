"""The page that rates a resolution, and clients that send its form slowly."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette

from clearline.clock import now
from clearline.feedback.domain import FEEDBACK_PATH, ballot_of, write_token
from clearline.mail.outbound.usecases import mail_secret
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.web.mail_pages.feedback import feedback_routes
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.patience import stretched


async def test_no_connection_waits_for_a_slow_form(database: Database, database_url: str, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number, resolved_at = await raised(tx, tenant, status=Status.RESOLVED), now()
        await tx.write("update ticket set resolved_at = $2 where number = $1", number, resolved_at)
        ballot = ballot_of(tenant.company.id, number, resolved_at, tenant.user.email)
        path = FEEDBACK_PATH + write_token(ballot, await mail_secret(tx))
    small = await Database.open(database_url, size=1)
    free: list[bool] = []

    async def slow_form() -> AsyncIterator[bytes]:
        yield b"rating="
        for _ in range(10):  # the application reads what was sent so far
            await asyncio.sleep(0)
        async with asyncio.timeout(stretched(2)), small.transaction() as tx:
            free.append(await tx.fetchval("select true"))
        yield b"good&comment=Fast"

    try:
        transport = httpx.ASGITransport(Starlette(routes=feedback_routes(small, now)))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.net") as client:
            answer = await client.post(path, content=slow_form())
        assert (answer.status_code, free) == (200, [True])
        assert "Fast" in answer.text
    finally:
        await small.close()
