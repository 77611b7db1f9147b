"""The work that is due, and who may see the health of an installation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.errors import Forbidden
from clearline.health import usecases as health
from clearline.health.domain import Backlog
from clearline.identity import OPERATOR, ROLE_SCOPES, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.databases import new_database
from tests.builders.mail.outbox import write
from tests.builders.people import new_person, new_tenant
from tests.builders.webhooks.sending import PROVIDER, insert_deliveries
from tests.patience import patient

CONSUMED = ("events: routing", "events: chronic", "events: search", "events: webhooks", "events: notifications")


@pytest.fixture
async def desk(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url, size=2)
        yield database
        await database.close()


async def due(database: Database) -> dict[str, int]:
    """Return how much of each kind of work is due, but events."""
    rows = await health.backlogs(database, OPERATOR)
    return {row.name: row.count for row in rows if row.name not in CONSUMED}


async def test_work_is_counted_when_it_is_due(desk: Database) -> None:
    none = {"webhook deliveries": 0, "outbound mail": 0, "inbound mail": 0, "timers": 0, "jobs": 0}
    assert await due(desk) == none
    tenant = await new_tenant(desk)
    await write(desk, tenant, count=3)
    async with desk.transaction() as tx:
        values = {"url": "https://hooks.example.com/desk"}
        webhook, _secret = await subscriptions.add_subscription(
            tx, OPERATOR, values, of=PROVIDER, networks=(), now=now()
        )
    await insert_deliveries(desk, webhook, count=2)
    assert await due(desk) == {**none, "webhook deliveries": 2, "outbound mail": 3}
    async with desk.transaction() as tx:
        await tx.write("update subscription set resume_at = now() + interval '1 hour'")
        await tx.write("update outbound_mail set due_at = now() + interval '1 hour'")
    assert await due(desk) == none
    rows = {row.name: row for row in await health.backlogs(desk, OPERATOR)}
    assert all(rows[name].count > 0 for name in CONSUMED)


def test_work_is_late_after_five_minutes() -> None:
    at = now()
    for minutes, is_late in ((4, False), (6, True)):
        backlog = Backlog("outbound mail", 1, at - timedelta(minutes=minutes), 10)
        assert backlog.is_late(at) is is_late
    assert not Backlog("jobs", 1, at - timedelta(days=1), 10, may_last=True).is_late(at)
    assert not Backlog("outbound mail", 0, None, 10).is_late(at)


async def test_only_admins_of_the_provider_see_it(desk: Database, tmp_path: Path) -> None:
    blobs, settings = Blobs(DiskBackend(tmp_path)), Settings()
    tenant = await new_tenant(desk)
    async with desk.transaction() as tx:
        agent, viewer, admin = [
            await new_person(tx, role=role, scopes=ROLE_SCOPES[role]) for role in (Role.AGENT, Role.VIEWER, Role.ADMIN)
        ]
    for actor in (tenant.actor, agent, viewer):
        with pytest.raises(Forbidden):
            await health.backlogs(desk, actor)
        with pytest.raises(Forbidden):
            await health.check_server(desk, settings, blobs, actor)
    assert await health.check_server(desk, settings, blobs, admin)


async def test_a_transaction_that_stays_open_is_no_reason_to_wait(desk: Database, tmp_path: Path) -> None:
    blobs, settings = Blobs(DiskBackend(tmp_path)), Settings()
    async with desk.transaction() as tx:
        await tx.write("insert into server_secret (name, value) values ($1, 'x')", uuid4().hex)
        async with asyncio.timeout(patient(5)):
            checks = await health.check_server(desk, settings, blobs, OPERATOR)
    assert [check.ok for check in checks if check.name == "transactions"] == [True]
