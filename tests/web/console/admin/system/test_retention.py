"""The page of retention."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from clearline.clock import now
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.retention.domain import Kind
from tests.builders.web.pages import Person, person

RETENTION = "/console/admin/retention"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


@pytest.fixture(autouse=True)
async def _no_runs(database: Database) -> AsyncIterator[None]:
    async with database.transaction() as tx:
        await tx.write("delete from retention_run")
    yield
    async with database.transaction() as tx:
        await tx.write("delete from retention_run")


async def _ran(database: Database, kind: Kind, ago: timedelta, *, finished: bool = True) -> None:
    async with database.transaction() as tx:
        await tx.write(
            """insert into retention_run (kind, started_at, batch_at, finished_at, removed, removed_total)
               values ($1, $2, $2, $3, 1200, 5400)""",
            kind, now() - ago, now() - ago if finished else None,
        )  # fmt: skip


async def test_the_page_has_every_kind_with_its_setting_and_its_last_run(admin: Person, database: Database) -> None:
    await _ran(database, Kind.DELIVERIES, timedelta(minutes=12))
    await _ran(database, Kind.JOBS, timedelta(minutes=2), finished=False)
    page = await admin.page(RETENTION)
    assert all(kind.variable in page.text for kind in Kind)
    assert "Webhook deliveries kept for 30 days" in page.text
    assert "Last run 12m, 1,200 deleted; 5,400 by all runs" in page.text
    assert "Last run 2m, 1,200 deleted so far" in page.text
    assert "Audit kept for good" in page.text
    assert page.text.count("Last run none yet") == len(Kind) - 4, "two ran, and two have no runs"
    assert "is a worker running?" not in page.text


@pytest.mark.parametrize(("kind", "hours"), [(Kind.DRAFTS, 4), (Kind.ORPHANED_ATTACHMENTS, 25)])
async def test_a_run_that_nobody_does_is_late(admin: Person, database: Database, kind: Kind, hours: int) -> None:
    await _ran(database, kind, timedelta(hours=hours))
    assert "Old data is not deleted: is a worker running?" in (await admin.page(RETENTION)).text


async def test_orphaned_files_are_not_late_after_some_hours(admin: Person, database: Database) -> None:
    await _ran(database, Kind.ORPHANED_ATTACHMENTS, timedelta(hours=17))
    assert "is a worker running?" not in (await admin.page(RETENTION)).text


async def test_an_agent_has_no_such_page(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database, Role.AGENT, "Ann Agent")
    assert (await agent.get(RETENTION)).status_code in {403, 404}
