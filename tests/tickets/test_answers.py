"""An answer of the customer: a note or a file, which continues a pending ticket and reopens a resolved one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.bulk import action_usecases as actions
from clearline.bulk.domain import AddNote, BulkRequest
from clearline.errors import TicketFinished
from clearline.identity import OPERATOR, Actor
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Content, NewAttachment
from clearline.tickets.domain import Channel, Status, Ticket
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress import store as progress_store
from clearline.tickets.reports import store as report_store
from clearline.tickets.status_domain import OPEN
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import later_events, raised
from tests.patience import patient

LATER = NOW + timedelta(hours=1)
WEEK = timedelta(days=7)
Add = Callable[..., Awaitable[object]]


async def write(tx: Tx, actor: Actor, number: int, *, at: datetime, **options: Any) -> None:
    await notes.append_note(tx, actor, number, "No light", channel=Channel.API, now=at, **options)


async def attach(
    tx: Tx, actor: Actor, number: int, *, at: datetime, visibility: Visibility = Visibility.PUBLIC, **options: Any
) -> None:
    new, content = NewAttachment("port.log", "text/plain", visibility), Content(uuid4(), 5, b"\x07" * 32)
    await attachments.add_attachment(tx, actor, number, new, content, now=at, **options)


async def apply(tx: Tx, actor: Actor, number: int, *, at: datetime, **options: Any) -> None:
    visibility = options.pop("visibility", Visibility.PUBLIC)
    request = BulkRequest(AddNote("No light", visibility), Channel.API)
    await actions.apply_action(tx, actor, number, request, now=at, **options)


WAYS = {"note": write, "file": attach, "bulk note": apply}


async def ticket_of(tx: Tx, number: int) -> Ticket:
    return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


async def resolved(tx: Tx, tenant: Tenant, at: datetime = NOW) -> int:
    number = await raised(tx, tenant, status=Status.IN_PROGRESS)
    await ticket_changes.move_ticket(tx, OPERATOR, number, Status.RESOLVED, reason="", now=at)
    return number


async def close(database: Database, at: datetime) -> int:
    async with database.transaction() as tx:
        return await ticket_changes.close_resolved(tx, after=WEEK, limit=100, now=at)


@pytest.fixture
async def emptied(database: Database) -> Database:
    """Return the database without resolved tickets."""
    while await close(database, NOW + timedelta(days=9999)):
        pass
    return database


@pytest.mark.parametrize("reopens", [True, False])
@pytest.mark.parametrize("status", sorted(OPEN))
@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_continues_a_pending_ticket_and_reopens_a_resolved_one(
    database: Database, tenant: Tenant, way: str, status: Status, *, reopens: bool
) -> None:
    to = {Status.PENDING: Status.IN_PROGRESS, **({Status.RESOLVED: Status.REOPENED} if reopens else {})}.get(status)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        before, events_before = await ticket_of(tx, number), await later_events(tx, number)
        await WAYS[way](tx, tenant.actor, number, at=LATER, reopens=reopens)
        after, events = await ticket_of(tx, number), (await later_events(tx, number))[len(events_before) :]
        assert await report_store.miscounted(tx) == []
    assert (after.status, after.updated_at) == (to or status, LATER)
    assert after.status_changed_at == (LATER if to else before.status_changed_at)
    assert after.resolved_at == (None if to is Status.REOPENED else before.resolved_at)
    assert next(kind for kind, _data in events) == ("attachment.added" if way == "file" else "note.added")
    assert events[1:] == (
        [("ticket.status_changed", {"before": status, "after": to, "reason": "the customer answered"})] if to else []
    )


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("status", [Status.PENDING, Status.RESOLVED])
@pytest.mark.parametrize("way", WAYS)
async def test_what_the_provider_writes_is_no_answer(
    database: Database, tenant: Tenant, way: str, status: Status, visibility: Visibility
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant, status=status)
        before = await ticket_of(tx, number)
        await WAYS[way](tx, agent, number, at=LATER, visibility=visibility)
        after = await ticket_of(tx, number)
    assert (after.status, after.status_changed_at, after.resolved_at) == (
        status, before.status_changed_at, before.resolved_at,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["note", "file"])
async def test_concurrent_answers_reopen_a_ticket_once(database: Database, tenant: Tenant, way: str) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.RESOLVED)
        before = len(await later_events(tx, number))

    async def answer() -> None:
        async with database.transaction() as tx:
            await WAYS[way](tx, tenant.actor, number, at=LATER)

    await asyncio.gather(*(answer() for _ in range(4)))
    async with database.transaction() as tx:
        kinds = [kind for kind, _data in (await later_events(tx, number))[before:]]
        assert (await ticket_of(tx, number)).status is Status.REOPENED
    assert kinds.count("ticket.status_changed") == 1
    assert len(kinds) == 5


@pytest.mark.parametrize("way", ["note", "file"])
async def test_an_answer_that_does_not_reopen_restarts_the_time_to_closing(
    emptied: Database, tenant: Tenant, way: str
) -> None:
    async with emptied.transaction() as tx:
        answered, silent = await resolved(tx, tenant), await resolved(tx, tenant)
        await write(tx, tenant.actor, silent, at=NOW - timedelta(hours=1), reopens=False)
        await WAYS[way](tx, tenant.actor, answered, at=NOW + timedelta(days=5), reopens=False)
        await write(tx, OPERATOR, answered, at=NOW + timedelta(days=6))
    assert await close(emptied, NOW + timedelta(days=8)) == 1
    async with emptied.transaction() as tx:
        assert (await ticket_of(tx, silent)).status is Status.CLOSED
        assert (await later_events(tx, silent))[-1][1]["reason"] == "closed automatically 7 days after it was resolved"
    assert await close(emptied, NOW + timedelta(days=12)) == 0
    assert await close(emptied, NOW + timedelta(days=12, seconds=1)) == 1
    async with emptied.transaction() as tx:
        reason = "closed automatically 7 days after the customer's last answer"
        assert (await later_events(tx, answered))[-1][1]["reason"] == reason


async def test_answered_tickets_do_not_keep_others_from_closing(emptied: Database, tenant: Tenant) -> None:
    async with emptied.transaction() as tx:
        for _ in range(3):
            number = await resolved(tx, tenant)
            await write(tx, tenant.actor, number, at=NOW + timedelta(days=7), reopens=False)
        due = await resolved(tx, tenant, NOW + timedelta(hours=1))
        assert await ticket_changes.close_resolved(tx, after=WEEK, limit=1, now=NOW + timedelta(days=8)) == 1
        assert (await ticket_of(tx, due)).status is Status.CLOSED


@pytest.mark.parametrize("reopens", [True, False])
@pytest.mark.parametrize("way", ["note", "file"])
async def test_a_ticket_that_is_being_answered_is_not_closed(
    emptied: Database, tenant: Tenant, way: str, *, reopens: bool
) -> None:
    async with emptied.transaction() as tx:
        number = await resolved(tx, tenant)
    at = NOW + timedelta(days=8)
    async with emptied.transaction() as customer:
        await WAYS[way](customer, tenant.actor, number, at=at, reopens=reopens)
        async with asyncio.timeout(patient(5)):
            assert await close(emptied, at) == 0
    assert await close(emptied, at) == 0
    async with emptied.transaction() as tx:
        assert (await ticket_of(tx, number)).status is (Status.REOPENED if reopens else Status.RESOLVED)


async def test_an_answer_that_was_committed_while_the_closing_job_looked_for_tickets_is_not_missed(
    emptied: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with emptied.transaction() as tx:
        number = await resolved(tx, tenant)
    at = NOW + timedelta(days=8)
    look = progress_store.last_answers

    async with emptied.transaction() as tx:
        [stale] = await progress_store.lock_resolved(tx, before=at - WEEK, limit=9)
    async with emptied.transaction() as customer:
        await write(customer, tenant.actor, number, at=at, reopens=False)

    async def lock_resolved(_tx: Tx, **_options: object) -> list[Ticket]:
        return [stale]

    monkeypatch.setattr(progress_store, "lock_resolved", lock_resolved)
    assert await close(emptied, at) == 0
    async with emptied.transaction() as tx:
        assert (await look(tx, [stale])) == {number: at}
        assert (await ticket_of(tx, number)).status is Status.RESOLVED


@pytest.mark.parametrize("way", ["note", "file"])
async def test_an_answer_that_waits_for_the_closing_job_is_refused(emptied: Database, tenant: Tenant, way: str) -> None:
    async with emptied.transaction() as tx:
        number = await resolved(tx, tenant)
    at = NOW + timedelta(days=8)

    async def answer() -> None:
        async with emptied.transaction() as tx:
            await WAYS[way](tx, tenant.actor, number, at=at)

    async with emptied.transaction() as tx:
        assert await ticket_changes.close_resolved(tx, after=WEEK, limit=9, now=at) == 1
        waiting = asyncio.create_task(answer())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    with pytest.raises(TicketFinished):
        await waiting
    async with emptied.transaction() as tx:
        assert (await ticket_of(tx, number)).status is Status.CLOSED
        assert await report_store.miscounted(tx) == []
