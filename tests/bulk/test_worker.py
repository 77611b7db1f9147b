import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.bulk import import_file
from clearline.bulk import store as job_store
from clearline.bulk import usecases as jobs
from clearline.bulk import worker as workers
from clearline.bulk.domain import (
    AddNote,
    Assign,
    ChangeStatus,
    ChangeTags,
    Counts,
    ItemOutcome,
    ItemResult,
    Job,
    JobItem,
    JobState,
)
from clearline.errors import Conflict
from clearline.identity import OPERATOR, Actor
from clearline.limit_errors import TooManyJobs
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, Tx
from clearline.retention.domain import Kind
from clearline.settings.defaults import COMPANY_JOBS_MAX
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.reports import store as report_store
from tests.builders.jobs import kept, purge_job
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.tickets import raised


def now() -> Any:
    return NOW


async def bulk(database: Database, actor: Actor, numbers: list[int], action: Any, **more: Any) -> Job:
    async with database.transaction() as tx:
        named = [ticket_number(number) for number in numbers]
        return await jobs.create_bulk_job(tx, actor, named, action, channel=Channel.API, now=NOW, **more)


async def new_tickets(database: Database, tenant: Tenant, count: int) -> list[int]:
    async with database.transaction() as tx:
        return [await raised(tx, tenant) for _ in range(count)]


async def job_and_items(database: Database, job: Job) -> tuple[Job, list[JobItem]]:
    async with database.statement() as tx:
        stored_job = await jobs.get_job(tx, OPERATOR, job.id)
        return stored_job, await jobs.list_items(tx, OPERATOR, job.id, outcome=None, after=None, limit=1000)


async def run_until_idle(database: Database) -> int:
    total = 0
    while done := await workers.worker(database, now).run():
        total += done
    return total


async def test_a_job_processes_all_its_items_and_explains_each_refusal(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    first, second, finished = await new_tickets(database, tenant, 3)
    [foreign] = await new_tickets(database, other_tenant, 1)
    async with database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, second, Status.CANCELLATION_REQUESTED, reason="", now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="", now=NOW)
    action = ChangeStatus(Status.CANCELLATION_REQUESTED, "moving out")
    job = await bulk(database, tenant.actor, [first, second, finished, foreign], action)
    assert await run_until_idle(database) == 4
    stored_job, items = await job_and_items(database, job)
    assert (stored_job.state, stored_job.finished_at, stored_job.counts) == (JobState.DONE, NOW, Counts(1, 1, 2, 0))
    assert items == [
        JobItem(0, first, ItemOutcome.DONE, None, None),
        JobItem(1, second, ItemOutcome.UNCHANGED, None, None),
        JobItem(2, finished, ItemOutcome.REFUSED, "illegal_transition",
                "a ticket that is rejected cannot become cancellation_requested"),
        JobItem(3, foreign, ItemOutcome.REFUSED, "not_found", f"ticket {ticket_number(foreign)} does not exist"),
    ]  # fmt: skip
    async with database.statement() as tx:
        history = await tickets.history(tx, OPERATOR, first)
        kinds = await tx.fetch("select type from event where data ->> 'id' = $1 order by id", str(job.id))
        with pytest.raises(Conflict):
            await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
    assert (history[-1].actor_name, history[-1].data["reason"]) == (tenant.user.name, "moving out")
    assert [row[0] for row in kinds] == ["job.created", "job.finished"]


@pytest.mark.parametrize("action", [AddNote("hello"), ChangeStatus(Status.IN_PROGRESS), ChangeTags(add=("a",))])
async def test_a_dry_run_changes_only_the_job(database: Database, tenant: Tenant, action: Any) -> None:
    numbers = await new_tickets(database, tenant, 2)
    async with database.statement() as tx:
        before = [await tickets.get_ticket(tx, OPERATOR, number) for number in numbers]
    job = await bulk(database, OPERATOR, [*numbers, 999_999], action, dry_run=True)
    await run_until_idle(database)
    stored_job, items = await job_and_items(database, job)
    async with database.statement() as tx:
        after = [await tickets.get_ticket(tx, OPERATOR, number) for number in numbers]
        events = await tx.fetchval("select count(*) from event where ticket_number = any($1)", numbers)
    assert after == before
    assert events == 2
    assert stored_job.counts == Counts(2, 0, 1, 0)
    assert [item.outcome for item in items] == [ItemOutcome.DONE, ItemOutcome.DONE, ItemOutcome.REFUSED]


async def test_a_job_has_the_current_rights_of_its_user(database: Database, tenant: Tenant) -> None:
    numbers = await new_tickets(database, tenant, 2)
    async with database.transaction() as tx:
        agent = await new_person(tx)
    job = await bulk(database, agent, numbers, Assign(id_of(agent)))
    assert await workers.work(database, job, now, most=1) == 1
    async with database.transaction() as tx:
        await tx.write("update app_user set is_active = false where id = $1", id_of(agent))
    await run_until_idle(database)
    stored_job, items = await job_and_items(database, job)
    assert stored_job.state is JobState.DONE
    assert [(item.outcome, item.code) for item in items] == [
        (ItemOutcome.DONE, None),
        (ItemOutcome.REFUSED, "forbidden"),
    ]


class Killed(BaseException):
    """Simulates the sudden end of a process."""


async def test_a_process_that_dies_leaves_each_item_done_or_waiting(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await new_tickets(database, tenant, 3)
    job = await bulk(database, OPERATOR, numbers, AddNote("once"))
    record = job_store.record
    calls = 0

    async def dying(tx: Tx, *values: Any) -> None:
        nonlocal calls
        calls += 1
        await record(tx, *values)
        if calls == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(job_store, "record", dying)
        with pytest.raises(Killed):
            await workers.work(database, job, now, most=3)
    stored_job, _ = await job_and_items(database, job)
    assert (stored_job.state, stored_job.counts) == (JobState.RUNNING, Counts(1, 0, 0, 2))
    assert await run_until_idle(database) == 2
    stored_job, _ = await job_and_items(database, job)
    async with database.statement() as tx:
        notes = [len((await tickets.get_ticket_with_notes(tx, OPERATOR, number)).notes) for number in numbers]
    assert (stored_job.state, notes) == (JobState.DONE, [1, 1, 1])


async def test_a_job_whose_process_died_before_the_end_is_finished_by_another(
    database: Database, tenant: Tenant
) -> None:
    job = await bulk(database, OPERATOR, await new_tickets(database, tenant, 2), AddNote("x"))
    assert await workers.work(database, job, now, most=2) == 2
    assert (await job_and_items(database, job))[0].state is JobState.RUNNING
    assert await run_until_idle(database) == 0
    assert (await job_and_items(database, job))[0].state is JobState.DONE


async def test_several_processes_process_each_item_once(database: Database, tenant: Tenant) -> None:
    numbers = await new_tickets(database, tenant, 20)
    job = await bulk(database, OPERATOR, numbers, AddNote("once"))
    done = await asyncio.gather(*(workers.work(database, job, now, most=100) for _ in range(4)))
    await run_until_idle(database)
    stored_job, _ = await job_and_items(database, job)
    async with database.statement() as tx:
        notes = await tx.fetchval("select count(*) from note where ticket_number = any($1)", numbers)
    assert sum(done) == 20
    assert max(done) < 20
    assert (notes, stored_job.counts, stored_job.state) == (20, Counts(20, 0, 0, 0), JobState.DONE)


async def test_a_short_job_does_not_wait_for_a_long_one(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "AT_ONCE", 3)
    monkeypatch.setattr(workers, "BATCH", 2)
    numbers = await new_tickets(database, tenant, 6)
    long = await bulk(database, OPERATOR, numbers, AddNote("long"))
    short = await bulk(database, OPERATOR, numbers[:1], AddNote("short"))
    assert await workers.worker(database, now).run() == 3
    (first, _), (second, _) = await job_and_items(database, long), await job_and_items(database, short)
    assert first.counts == Counts(2, 0, 0, 4)
    assert second.counts == Counts(1, 0, 0, 0)
    assert await run_until_idle(database) == 4


async def test_a_company_with_many_jobs_does_not_delay_another(
    database: Database, tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "AT_ONCE", 2)
    unknown = [999_000_001, 999_000_002, 999_000_003]
    many = [await bulk(database, tenant.actor, unknown, AddNote("x")) for _ in range(COMPANY_JOBS_MAX)]
    with pytest.raises(TooManyJobs):
        await bulk(database, tenant.actor, unknown, AddNote("x"))
    other_job = await bulk(database, other_tenant.actor, unknown[:1], AddNote("x"))
    assert await workers.worker(database, now).run() == 2
    refused = [
        [item.outcome for item in (await job_and_items(database, job))[1]].count(ItemOutcome.REFUSED) for job in many
    ]
    assert (sum(refused), (await job_and_items(database, other_job))[0].counts) == (1, Counts(0, 0, 1, 0))
    async with database.transaction() as tx:
        for job in many:
            await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
    await bulk(database, tenant.actor, unknown, AddNote("x"))
    await run_until_idle(database)


@pytest.fixture
def short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the wait for a lock to 20 ms."""

    async def set_lock_timeout(tx: Tx) -> None:
        await tx.fetchval("set local lock_timeout = '20ms'")

    monkeypatch.setattr(transactions, "set_lock_timeout", set_lock_timeout)


async def test_the_wait_for_a_lock_is_limited_only_in_its_transaction(database: Database) -> None:
    async with database.transaction() as tx:
        await transactions.set_lock_timeout(tx)
        assert await tx.fetchval("show lock_timeout") == "2s"
    async with database.statement() as tx:
        assert await tx.fetchval("show lock_timeout") == "0"


@pytest.mark.usefixtures("short_lock_timeout")
async def test_a_locked_ticket_delays_no_other_job(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    locked, free = await new_tickets(database, tenant, 2)
    stuck = await bulk(database, tenant.actor, [locked, free], AddNote("x"))
    other = await bulk(database, other_tenant.actor, await new_tickets(database, other_tenant, 1), AddNote("x"))
    async with database.transaction() as holder:
        await ticket_changes.lock_ticket(holder, OPERATOR, locked)
        assert await workers.worker(database, now).run() == 1
        assert (await job_and_items(database, other))[0].counts == Counts(1, 0, 0, 0)
        assert (await job_and_items(database, stuck))[0].counts == Counts(0, 0, 0, 2)
    assert await run_until_idle(database) == 2
    assert (await job_and_items(database, stuck))[0].counts == Counts(2, 0, 0, 0)


@pytest.mark.usefixtures("short_lock_timeout")
async def test_an_item_whose_ticket_stays_locked_is_refused(database: Database, tenant: Tenant) -> None:
    locked, free = await new_tickets(database, tenant, 2)
    job = await bulk(database, tenant.actor, [locked, free], AddNote("x"))
    async with database.transaction() as holder:
        await ticket_changes.lock_ticket(holder, OPERATOR, locked)
        done = [await workers.work(database, job, now, most=9) for _ in range(workers.ATTEMPTS)]
    assert done == [0] * (workers.ATTEMPTS - 1) + [2]
    _, items = await job_and_items(database, job)
    assert [(item.outcome, item.code) for item in items] == [(ItemOutcome.REFUSED, "fault"), (ItemOutcome.DONE, None)]


async def test_a_cancelled_job_processes_no_more_items(database: Database, tenant: Tenant) -> None:
    job = await bulk(database, tenant.actor, await new_tickets(database, tenant, 3), AddNote("x"))
    assert await workers.work(database, job, now, most=1) == 1
    async with database.transaction() as tx:
        await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
    assert await run_until_idle(database) == 0
    stored_job, items = await job_and_items(database, job)
    assert (stored_job.state, stored_job.counts) == (JobState.CANCELLED, Counts(1, 0, 2, 0))
    assert [item.code for item in items] == [None, "cancelled", "cancelled"]


async def test_an_item_cancelled_while_it_is_processed_keeps_its_first_outcome(
    database: Database, tenant: Tenant
) -> None:
    job = await bulk(database, tenant.actor, [999_999], AddNote("x"))
    async with database.transaction() as tx:
        await jobs.cancel_job(tx, tenant.actor, job.id, now=NOW)
        await job_store.record(tx, job, 0, ItemResult(ItemOutcome.REFUSED, None, "not_found", "late"))
    assert [item.code for item in (await job_and_items(database, job))[1]] == ["cancelled"]


async def test_an_internal_error_refuses_the_item_and_not_the_job(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await new_tickets(database, tenant, 2)
    job = await bulk(database, OPERATOR, numbers, AddNote("x"))
    process_item = jobs.process_item

    async def faulty(tx: Tx, job: Job, item: Any, **more: Any) -> Any:
        if item.position == 0:
            await tx.fetchval("select 1 / 0")
        return await process_item(tx, job, item, **more)

    monkeypatch.setattr(workers, "process_item", faulty)
    assert await run_until_idle(database) == 2
    _, items = await job_and_items(database, job)
    assert [(item.outcome, item.code) for item in items] == [(ItemOutcome.REFUSED, "fault"), (ItemOutcome.DONE, None)]


def content(*lines: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(members).encode() for members in lines)


def line(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    return {
        "company": tenant.company.name, "title": "Port down", "description": "No light", "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"}, "contact": {"name": "Ada", "email": "ada@example.com"},
        "created_at": "2025-01-31T10:00:00Z", **changes,
    }  # fmt: skip


async def imported(database: Database, body: bytes, **more: Any) -> Job:
    items = import_file.read_file(body, "ndjson", now=NOW)
    async with database.statement() as tx:
        return await jobs.create_import_job(tx, OPERATOR, items, "ndjson", now=NOW, **more)


async def test_a_repeated_import_creates_no_second_ticket(database: Database) -> None:
    tenant = await new_tenant(database)
    lines = [line(tenant, external={"system": "old", "id": str(n)}) for n in range(3)]
    body = content(*lines, line(tenant, service={"id": "none", "type": "Port"}), line(tenant, created_at="soon"))
    counts = []
    for dry_run in (True, False, False):
        job = await imported(database, body, dry_run=dry_run)
        assert job.counts == Counts(0, 0, 1, 4)
        await run_until_idle(database)
        stored_job, items = await job_and_items(database, job)
        counts.append(stored_job.counts)
        assert [item.detail for item in items[3:]] == [
            "/service/id must be one of your company's services, or service.type Non-Console Service",
            "/created_at is wrong: invalid RFC3339 encoded datetime",
        ]
        assert [item.ticket_number is None for item in items[:3]] == [dry_run] * 3
    assert counts == [Counts(3, 0, 2, 0), Counts(3, 0, 2, 0), Counts(0, 3, 2, 0)]
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from ticket where company_id = $1", tenant.company.id) == 3
        assert await report_store.miscounted(tx) == []


async def test_the_input_of_a_processed_item_is_deleted(database: Database, tenant: Tenant) -> None:
    job = await imported(database, content(line(tenant), line(tenant, company="nobody"), line(tenant)))
    assert await workers.work(database, job, now, most=2) == 2
    async with database.statement() as tx:
        inputs = await tx.fetch("select input from job_item where job_id = $1 order by position", job.id)
    assert [row[0] == "{}" for row in inputs] == [True, True, False]
    async with database.transaction() as tx:
        await jobs.cancel_job(tx, OPERATOR, job.id, now=NOW)
        assert await tx.fetchval("select count(*) from job_item where job_id = $1 and input <> '{}'", job.id) == 0


async def test_only_jobs_finished_long_ago_are_purged(database: Database, tenant: Tenant) -> None:
    old, young, waiting = [await bulk(database, tenant.actor, [999_999], AddNote("x")) for _ in range(3)]
    for job, age in ((old, kept("jobs") + timedelta(seconds=1)), (young, kept("jobs"))):
        async with database.transaction() as tx:
            await jobs.cancel_job(tx, OPERATOR, job.id, now=NOW - age)
            await tx.write("update job set created_at = finished_at where id = $1", job.id)
    async with database.transaction() as tx:
        await tx.write("update job set created_at = $2 where id = $1", waiting.id, NOW - kept("jobs") * 2)
    purge = purge_job(database, Kind.JOBS, now)
    assert (await purge.run(), await purge.run()) == (2, 0), "an item and its job"
    async with database.statement() as tx:
        rows = await tx.fetch("select id from job where id = any($1)", [old.id, young.id, waiting.id])
        assert {row[0] for row in rows} == {young.id, waiting.id}
        assert await tx.fetchval("select count(*) from job_item where job_id = $1", old.id) == 0
    await run_until_idle(database)


async def test_two_imports_at_once_create_no_second_ticket(database: Database) -> None:
    tenant = await new_tenant(database)
    lines = [line(tenant, external={"system": "old", "id": str(uuid4())}) for _ in range(10)]
    import_jobs = [await imported(database, content(*lines)) for _ in range(2)]
    await asyncio.gather(*(workers.work(database, job, now, most=100) for job in import_jobs * 2))
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from ticket where company_id = $1", tenant.company.id) == 10
    counts = [(await job_and_items(database, job))[0].counts for job in import_jobs]
    assert sum(job_counts.done for job_counts in counts if job_counts) == 10
    assert sum(job_counts.unchanged for job_counts in counts if job_counts) == 10


async def test_an_inactive_user_is_refused_with_the_rule(database: Database, tenant: Tenant) -> None:
    job = await bulk(database, tenant.actor, await new_tickets(database, tenant, 1), AddNote("x"))
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, {"is_active": False}, now=NOW)
    await run_until_idle(database)
    _, [item] = await job_and_items(database, job)
    assert (item.code, item.detail) == ("forbidden", "the person who asked for this is not active any more")
