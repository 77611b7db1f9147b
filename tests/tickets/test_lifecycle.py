import asyncio
from datetime import timedelta
from itertools import product

import pytest

from clearline.errors import Forbidden, IllegalTransition, InvalidInput, TicketFinished
from clearline.events.store import Event
from clearline.identity import OPERATOR, Actor
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.reports import store as report_store
from clearline.tickets.status_domain import CUSTOMER_CLOSES, CUSTOMER_TRANSITIONS, FINISHED, OPEN, TRANSITIONS
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import STEPS, raised
from tests.patience import patient

LATER = NOW + timedelta(hours=1)


async def moves(tx: Tx, number: int) -> list[Event]:
    history = await tickets.history(tx, OPERATOR, number)
    return [event for event in history if event.type == "ticket.status_changed"]


async def status_of(tx: Tx, number: int) -> Status:
    return (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket.status


async def miscounted(database: Database) -> list[str]:
    async with database.statement() as tx:
        return await report_store.miscounted(tx)


def test_every_status_can_be_reached() -> None:
    assert set(STEPS) == set(Status)


@pytest.mark.parametrize(("status", "to"), list(product(Status, Status)))
@pytest.mark.parametrize("author", ["customer", "staff"])
async def test_each_transition_is_allowed_to_its_authors(
    database: Database, tenant: Tenant, status: Status, to: Status, author: str
) -> None:
    actor = tenant.actor if author == "customer" else OPERATOR
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        before = await moves(tx, number)
        allowed = CUSTOMER_TRANSITIONS.get(status, frozenset()) if author == "customer" else frozenset()
        if to not in TRANSITIONS[status] | allowed:
            with pytest.raises(IllegalTransition):
                await ticket_changes.move_ticket(tx, actor, number, to, reason="why", now=LATER)
        elif author == "customer" and to not in allowed:
            with pytest.raises(Forbidden):
                await ticket_changes.move_ticket(tx, actor, number, to, reason="why", now=LATER)
        else:
            moved, _fact = await ticket_changes.move_ticket(tx, actor, number, to, reason="why", now=LATER)
            assert (moved.status, moved.status_changed_at, moved.updated_at) == (to, LATER, LATER)
            assert (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket == moved
            [event] = (await moves(tx, number))[len(before) :]
            assert event.data == {"before": status, "after": to, "reason": "why"}
            assert (event.actor_name, event.at) == (actor.name, LATER)
            return
        assert await status_of(tx, number) is status
        assert await moves(tx, number) == before


async def test_the_counts_are_correct_after_all_transitions(database: Database) -> None:
    assert await miscounted(database) == []


def test_only_closing_what_is_not_resolved_is_a_transition_of_customers_alone() -> None:
    alone = {(status, to) for status, moves in CUSTOMER_TRANSITIONS.items() for to in moves - TRANSITIONS[status]}
    assert alone == {(status, Status.CLOSED) for status in CUSTOMER_CLOSES}


@pytest.mark.parametrize("reason", ["", " ", "\u200b\n"])
async def test_only_a_customer_needs_a_reason_to_reopen(database: Database, tenant: Tenant, reason: str) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.RESOLVED)
        with pytest.raises(InvalidInput) as refused:
            await ticket_changes.move_ticket(tx, tenant.actor, number, Status.REOPENED, reason=reason, now=LATER)
        assert [violation.field for violation in refused.value.violations] == ["reason"]
        moved, _fact = await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REOPENED, reason=reason, now=LATER)
    assert moved.resolved_at is None


async def test_the_customer_requests_cancellation_and_the_staff_confirms_it(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.IN_PROGRESS)
        await ticket_changes.move_ticket(tx, tenant.actor, number, Status.CANCELLATION_REQUESTED, reason="", now=NOW)
        with pytest.raises(Forbidden):
            await ticket_changes.move_ticket(tx, tenant.actor, number, Status.CANCELLED, reason="", now=NOW)
        await notes.add_note(tx, tenant.actor, number, "please", channel=Channel.API, now=NOW)
        moved, _fact = await ticket_changes.move_ticket(
            tx, OPERATOR, number, Status.CANCELLED, reason="as asked", now=LATER
        )
        with pytest.raises(TicketFinished):
            await notes.add_note(tx, OPERATOR, number, "late", channel=Channel.API, now=NOW)
    assert moved.status is Status.CANCELLED
    assert await miscounted(database) == []


@pytest.mark.parametrize("status", sorted(OPEN))
@pytest.mark.parametrize(
    ("author", "visibility"),
    [("customer", Visibility.PUBLIC), ("staff", Visibility.PUBLIC), ("staff", Visibility.INTERNAL)],
)
async def test_only_a_customers_note_continues_a_pending_ticket_and_reopens_a_resolved_one(
    database: Database, tenant: Tenant, status: Status, author: str, visibility: Visibility
) -> None:
    actor = tenant.actor if author == "customer" else OPERATOR
    to = {Status.PENDING: Status.IN_PROGRESS, Status.RESOLVED: Status.REOPENED}.get(status, status)
    resumes = author == "customer" and to is not status
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        before, events_before = (
            (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket,
            await moves(tx, number),
        )
        details = await notes.add_note(tx, actor, number, "news", channel=Channel.API, visibility=visibility, now=LATER)
        after, events_after = (
            (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket,
            await moves(tx, number),
        )
    assert after == details.ticket
    assert after.status is (to if resumes else status)
    assert after.resolved_at == (None if resumes else before.resolved_at)
    assert after.status_changed_at == (LATER if resumes else before.status_changed_at)
    assert (after.version, after.updated_at) == (before.version + 1, LATER)
    assert [(event.data, event.actor_name, event.at) for event in events_after[len(events_before) :]] == (
        [({"before": status, "after": to, "reason": "the customer answered"}, "Ada Okoro", LATER)] if resumes else []
    )


async def test_a_note_at_the_time_of_a_transition_is_no_transition(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.IN_PROGRESS)
        await notes.add_note(tx, tenant.actor, number, "at once", channel=Channel.API, now=NOW)
        assert len(await moves(tx, number)) == 1


async def test_concurrent_notes_of_customers_resume_a_pending_ticket_once(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, status=Status.PENDING) for _ in range(5)]

    async def answer(number: int, text: str) -> None:
        async with database.statement() as tx:
            await notes.add_note(tx, tenant.actor, number, text, channel=Channel.API, now=LATER)

    await asyncio.gather(*(answer(number, f"answer {index}") for number in numbers for index in range(4)))
    async with database.statement() as tx:
        for number in numbers:
            details = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
            assert details.ticket.status is Status.IN_PROGRESS
            assert len(details.notes) == 4
            assert [event.data["after"] for event in await moves(tx, number)] == ["pending", "in_progress"]


@pytest.mark.parametrize(
    ("status", "move", "expected"),
    [
        (Status.PENDING, Status.IN_PROGRESS, ["in_progress"]),
        (Status.IN_PROGRESS, Status.PENDING, ["pending", "in_progress"]),
        (Status.PENDING, Status.HELD, ["held"]),
    ],
)
async def test_a_customers_note_that_waits_for_a_transition_uses_the_status_after_it(
    database: Database, tenant: Tenant, status: Status, move: Status, expected: list[str]
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        before = len(await moves(tx, number))

    async def answer() -> None:
        async with database.statement() as tx:
            await notes.add_note(tx, tenant.actor, number, "answer", channel=Channel.API, now=LATER)

    async with database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, number, move, reason="", now=LATER)
        waiting = asyncio.create_task(answer())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await waiting
    async with database.statement() as tx:
        assert [event.data["after"] for event in (await moves(tx, number))[before:]] == expected
        assert await status_of(tx, number) == expected[-1]


@pytest.fixture
async def emptied(database: Database) -> Database:
    """Return the database without resolved tickets."""
    async with database.transaction() as tx:
        while await ticket_changes.close_resolved(tx, after=timedelta(0), limit=1000, now=NOW + timedelta(days=9999)):
            pass
    return database


async def resolved(tx: Tx, tenant: Tenant, age: timedelta) -> int:
    number = await raised(tx, tenant, status=Status.IN_PROGRESS)
    await ticket_changes.move_ticket(tx, OPERATOR, number, Status.RESOLVED, reason="", now=NOW - age)
    return number


async def test_old_resolved_tickets_are_closed_oldest_first(emptied: Database, tenant: Tenant) -> None:
    ages = (5, 10, 2, 7)
    async with emptied.transaction() as tx:
        numbers = {days: await resolved(tx, tenant, timedelta(days=days)) for days in ages}
        young = await resolved(tx, tenant, timedelta(days=1))
        held = await raised(tx, tenant, status=Status.HELD)
    closed: list[list[int]] = []
    while True:
        async with emptied.transaction() as tx:
            count = await ticket_changes.close_resolved(tx, after=timedelta(days=1), limit=3, now=NOW)
        async with emptied.statement() as tx:
            done = {days for days, number in numbers.items() if await status_of(tx, number) is Status.CLOSED}
        closed.append(sorted(done, reverse=True))
        if not count:
            break
    assert closed == [[10, 7, 5], [10, 7, 5, 2], [10, 7, 5, 2]]
    async with emptied.statement() as tx:
        assert await status_of(tx, young) is Status.RESOLVED
        assert await status_of(tx, held) is Status.HELD
        last = (await moves(tx, numbers[10]))[-1]
        assert last.data == {
            "before": "resolved",
            "after": "closed",
            "reason": "closed automatically 1 day after it was resolved",
        }
        assert (last.actor_name, last.actor_id, last.at) == ("Clearline", None, NOW)
    assert await miscounted(emptied) == []


async def test_a_locked_resolved_ticket_is_skipped_without_waiting(emptied: Database, tenant: Tenant) -> None:
    async with emptied.transaction() as tx:
        held, free = [await resolved(tx, tenant, timedelta(days=days)) for days in (9, 8)]
    async with emptied.transaction() as customer:
        await ticket_changes.move_ticket(customer, tenant.actor, held, Status.REOPENED, reason="no light", now=NOW)
        async with asyncio.timeout(patient(5)), emptied.transaction() as tx:
            assert await ticket_changes.close_resolved(tx, after=timedelta(days=1), limit=9, now=NOW) == 1
            assert await status_of(tx, free) is Status.CLOSED
    async with emptied.transaction() as tx:
        assert await ticket_changes.close_resolved(tx, after=timedelta(days=1), limit=9, now=NOW) == 0
        assert await status_of(tx, held) is Status.REOPENED
    assert await miscounted(emptied) == []


async def test_tickets_are_closed_company_by_company_to_prevent_deadlocks(
    emptied: Database,
) -> None:
    tenants = [await new_tenant(emptied) for _ in range(2)]
    async with emptied.transaction() as tx:
        resolved_tickets = [
            (t.company.id, await resolved(tx, t, timedelta(days=9 - n))) for n in range(4) for t in tenants
        ]
        await ticket_changes.close_resolved(tx, after=timedelta(days=1), limit=9, now=NOW)
        closed = await tx.fetch("select company_id, ticket_number from event order by id desc limit 8")
    assert [tuple(row) for row in reversed(closed)] == sorted(resolved_tickets)


async def test_two_workers_close_each_ticket_once(emptied: Database) -> None:
    tenant = await new_tenant(emptied)
    async with emptied.transaction() as tx:
        numbers = [await resolved(tx, tenant, timedelta(days=3)) for _ in range(12)]

    async def close() -> int:
        total = 0
        while True:
            async with emptied.transaction() as tx:
                done = await ticket_changes.close_resolved(tx, after=timedelta(days=2), limit=2, now=NOW)
            total += done
            if not done:
                return total

    assert sum(await asyncio.gather(close(), close(), close())) == len(numbers)
    async with emptied.statement() as tx:
        for number in numbers:
            assert [event.data["after"] for event in await moves(tx, number)][-1:] == ["closed"]
    assert await miscounted(emptied) == []


@pytest.mark.parametrize(
    ("after", "span"),
    [(timedelta(hours=1), "1 hour"), (timedelta(hours=36), "36 hours"), (timedelta(days=5), "5 days")],
)
async def test_the_reason_of_automatic_closing_names_the_delay(
    emptied: Database, tenant: Tenant, after: timedelta, span: str
) -> None:
    async with emptied.transaction() as tx:
        number = await resolved(tx, tenant, timedelta(days=30))
        await ticket_changes.close_resolved(tx, after=after, limit=1, now=NOW)
        assert (await moves(tx, number))[-1].data["reason"] == f"closed automatically {span} after it was resolved"


@pytest.mark.parametrize("status", sorted(FINISHED))
@pytest.mark.parametrize("author", ["customer", "staff"])
async def test_a_finished_ticket_accepts_no_note(
    database: Database, tenant: Tenant, status: Status, author: str
) -> None:
    actor: Actor = tenant.actor if author == "customer" else OPERATOR
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        before = (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket
        with pytest.raises(TicketFinished):
            await notes.add_note(tx, actor, number, "late", channel=Channel.API, now=LATER)
        assert (await tickets.get_ticket_with_notes(tx, OPERATOR, number)).ticket == before
