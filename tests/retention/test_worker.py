"""What is older than its setting allows is deleted in batches, by one process at a time for each kind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from clearline import clock
from clearline.platform.database.transactions import Database, Tx
from clearline.retention import store as retention_store
from clearline.retention import worker
from clearline.retention.domain import CLAIM_LASTS, Kind, Run
from clearline.retention.worker import PURGES, WORKED, Retention
from clearline.settings.settings import Settings, read_settings
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from tests.builders.databases import new_database
from tests.builders.jobs import Clock, kept
from tests.builders.people import NOW, Tenant, new_tenant

_BATCH = 1000
"""Answers that one batch deletes."""


@pytest.fixture
async def desk(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(read_settings({"CLEARLINE_DATA_DIR": str(tmp_path)}))


async def keep_answers(database: Database, tenant: Tenant, count: int, at: datetime = NOW) -> None:
    async with database.transaction() as tx:
        await tx.write(
            """insert into idempotency_key (company_id, api_key_id, route, key, fingerprint, status, body, created_at)
               select $1, $2, 'POST /tickets', gen_random_uuid()::text, '', 201, '', $4 from generate_series(1, $3)""",
            tenant.company.id, uuid4(), count, at,
        )  # fmt: skip


async def answers(database: Database) -> int:
    async with database.statement() as tx:
        count: int = await tx.fetchval("select count(*) from idempotency_key")
    return count


async def last_run(database: Database, kind: Kind = Kind.IDEMPOTENCY_KEYS) -> Run | None:
    async with database.statement() as tx:
        return (await retention_store.runs(tx)).get(kind)


async def until_idle(retention: Retention) -> int:
    turns = 0
    while await retention.turn():
        turns += 1
    return turns


async def test_a_turn_deletes_one_batch_and_each_kind_has_its_run_an_hour(desk: Database, blobs: Blobs) -> None:
    tenant, ahead = await new_tenant(desk), Clock()
    await keep_answers(desk, tenant, 2 * _BATCH + 1, clock.now() - kept("idempotency_keys") - timedelta(minutes=1))
    retention = Retention(desk, blobs, Settings(), ahead)
    left = [await answers(desk) for _ in range(4) if await retention.turn()]
    assert left == [_BATCH + 1, 1, 0, 0], "the last one found nothing"
    await until_idle(retention)
    run = await last_run(desk)
    assert run is not None
    assert (run.removed, run.removed_total, run.finished_at is not None) == (2 * _BATCH + 1, 2 * _BATCH + 1, True)
    async with desk.statement() as tx:
        assert set(await retention_store.runs(tx)) == set(WORKED) - {Kind.AUDIT}, "the audit is kept for good"

    assert await retention.turn() == 0, "no kind is due"
    ahead.ahead = timedelta(minutes=59)
    assert await retention.turn() == 0
    ahead.ahead = timedelta(hours=1, seconds=1)
    await until_idle(retention)
    run = await last_run(desk)
    assert run is not None
    assert (run.removed, run.removed_total) == (0, 2 * _BATCH + 1)
    ahead.ahead = -timedelta(days=1)
    assert await until_idle(retention) == len(WORKED) - 1, "a clock that was ahead delays nothing"


async def test_of_several_processes_one_deletes_a_kind(desk: Database, blobs: Blobs) -> None:
    tenant = await new_tenant(desk)
    await keep_answers(desk, tenant, 3 * _BATCH, clock.now() - timedelta(days=9))
    processes = [Retention(desk, blobs, Settings(), clock.now) for _ in range(4)]
    deleted = await asyncio.gather(*(process.run(Kind.IDEMPOTENCY_KEYS) for process in processes))
    # One that asks when the other has ended deletes nothing, and none that asks before.
    assert sorted(count or 0 for count in deleted) == [0, 0, 0, 3 * _BATCH]
    await keep_answers(desk, tenant, 2 * _BATCH, clock.now() - timedelta(days=9))
    await asyncio.gather(*(until_idle(process) for process in processes))
    assert await answers(desk) == 2 * _BATCH, "not due for an hour, whichever process asks"


async def test_a_process_that_dies_in_a_batch_deletes_nothing_of_it_and_another_goes_on(
    desk: Database, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, ahead = await new_tenant(desk), Clock()
    await keep_answers(desk, tenant, 2 * _BATCH, clock.now() - timedelta(days=9))
    first, second = (Retention(desk, blobs, Settings(), ahead) for _ in range(2))
    await first.turn()
    purge = PURGES[Kind.IDEMPOTENCY_KEYS]

    async def dies(tx: Tx, *, before: datetime) -> int:
        await purge(tx, before=before)
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setitem(worker.PURGES, Kind.IDEMPOTENCY_KEYS, dies)
        with pytest.raises(asyncio.CancelledError):
            await first.turn()
    assert await answers(desk) == _BATCH
    assert await second.run(Kind.IDEMPOTENCY_KEYS) is None, "it may still be about it"
    ahead.ahead = CLAIM_LASTS
    await second.turn()
    run = await last_run(desk)
    assert run is not None
    assert (await answers(desk), run.removed, run.started_at < run.batch_at) == (0, 2 * _BATCH, True)


async def test_a_process_that_was_silent_for_long_leaves_the_run_to_the_one_that_went_on(
    desk: Database, blobs: Blobs
) -> None:
    tenant, ahead = await new_tenant(desk), Clock()
    await keep_answers(desk, tenant, 4 * _BATCH, clock.now() - timedelta(days=9))
    frozen, other = (Retention(desk, blobs, Settings(), ahead) for _ in range(2))
    await frozen.turn()
    ahead.ahead = CLAIM_LASTS
    await other.turn()
    assert await answers(desk) == 2 * _BATCH
    await frozen.turn()
    assert await answers(desk) == 2 * _BATCH, "its batch was rolled back"
    await until_idle(other)
    assert await answers(desk) == 0


async def test_a_kind_that_fails_does_not_stop_the_others(
    desk: Database, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await new_tenant(desk)
    await keep_answers(desk, tenant, 1, clock.now() - timedelta(days=9))

    async def fails(_tx: Tx, *, before: datetime) -> int:
        raise RuntimeError(before)

    monkeypatch.setitem(worker.PURGES, Kind.DRAFTS, fails)
    retention = Retention(desk, blobs, Settings(), clock.now)
    failures = 0
    for _ in range(20):
        try:
            await retention.turn()
        except RuntimeError:
            failures += 1
    run, drafts = await last_run(desk, Kind.INBOUND_MAIL), await last_run(desk, Kind.DRAFTS)
    assert (failures, await answers(desk)) == (1, 0)
    assert run is not None
    assert run.finished_at is not None
    assert drafts is not None
    assert drafts.finished_at is None


async def test_orphaned_files_are_deleted_every_six_hours(desk: Database, blobs: Blobs, tmp_path: Path) -> None:
    tenant, ahead = await new_tenant(desk), Clock()
    ahead.ahead = kept("orphaned_attachments") * 2
    retention = Retention(desk, blobs, Settings(), ahead)

    async def stored() -> int:
        await blobs.stage(tenant.company.id, _some(), most=10)
        return len(list((tmp_path / "attachments" / str(tenant.company.id)).iterdir()))

    async def left() -> int:
        await until_idle(retention)
        return len(list((tmp_path / "attachments" / str(tenant.company.id)).iterdir()))

    assert (await stored(), await left(), await stored(), await left()) == (1, 0, 1, 1)
    ahead.ahead += timedelta(hours=6)
    assert await left() == 0
    run = await last_run(desk, Kind.ORPHANED_ATTACHMENTS)
    assert run is not None
    assert (run.removed, run.removed_total) == (1, 2)


async def _some() -> AsyncIterator[bytes]:
    yield b"bytes"


async def test_an_unavailable_store_does_not_end_the_job(desk: Database, tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("no directory")
    retention = Retention(desk, open_blobs(read_settings({"CLEARLINE_DATA_DIR": str(tmp_path)})), Settings(), clock.now)
    assert await until_idle(retention) > 0
    run = await last_run(desk, Kind.ORPHANED_ATTACHMENTS)
    assert run is not None
    assert run.finished_at is not None


async def _record_events(database: Database, tenant: Tenant, ages: dict[str, timedelta], *, ticket: int | None) -> None:
    async with database.transaction() as tx:
        for name, age in ages.items():
            await tx.write(
                """insert into event (company_id, at, type, ticket_number, actor_name, data)
                   values ($1, $2, 'user.changed', $4, $3, '{}')""",
                tenant.company.id, NOW - age, name, ticket,
            )  # fmt: skip


async def _handled(database: Database, *names: str) -> None:
    async with database.transaction() as tx:
        await tx.write(
            """insert into consumer (name, xid, id) select unnest($1::text[]), pg_current_xact_id(), 0
               on conflict (name) do update set xid = excluded.xid""",
            names,
        )


async def test_the_audit_is_kept_until_a_setting_says_otherwise_and_events_of_tickets_and_unhandled_ones_stay(
    desk: Database, blobs: Blobs
) -> None:
    tenant, keeps = await new_tenant(desk), timedelta(days=400)
    ages = {"old": keeps + timedelta(seconds=1), "in time": keeps}
    await _record_events(desk, tenant, ages, ticket=None)
    await _record_events(desk, tenant, {"of a ticket": keeps * 2}, ticket=1)

    async def left(settings: Settings) -> set[str]:
        await Retention(desk, blobs, settings, lambda: NOW).run(Kind.AUDIT)
        async with desk.statement() as tx:
            rows = await tx.fetch("select actor_name from event where type = 'user.changed' and company_id = $1",
                                  tenant.company.id)  # fmt: skip
        return {row[0] for row in rows} - {"operator"}

    every, yearly = {"old", "in time", "of a ticket"}, Settings(keep_audit_days=400)
    assert await left(Settings()) == every
    assert await left(yearly) == every, "no consumer has handled them"
    await _handled(desk, "routing", "chronic", "search", "webhooks")
    assert await left(yearly) == every, "one has not"
    await _handled(desk, "notifications")
    assert await left(yearly) == every - {"old"}
