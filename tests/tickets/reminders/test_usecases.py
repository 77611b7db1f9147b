"""A ticket comes back at the moment of its reminder, once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET

from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden, InvalidInput, TicketFinished
from clearline.identity import OPERATOR, PROVIDER_ID, Actor
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.timers import Timers
from clearline.reminders.domain import AHEAD_MAX, KIND, Reminder, ReminderChange
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Content, NewAttachment
from clearline.tickets.domain import Channel, Status, Ticket
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from clearline.tickets.reminders.usecases import fire
from clearline.tickets.status_domain import ENDS_REMINDER, FINISHED, OPEN, TRANSITIONS
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import later_events, raised
from tests.patience import patient

AT = NOW + timedelta(hours=1)
LATER = NOW + timedelta(minutes=1)


async def look(database: Database, now: datetime = AT) -> int:
    """Fire what is due."""
    return await Timers(database, {KIND: fire}, lambda: now).job().run()


async def set_reminder(tx: Tx, number: int, actor: Actor = OPERATOR, /, **values: Any) -> Ticket:
    change = ReminderChange(**{"at": AT, "reason": "Call the carrier", **values})
    return (await ticket_changes.change_ticket(tx, actor, number, {"reminder": change}, now=NOW)).ticket


async def ticket_of(database: Database, number: int) -> Ticket:
    async with database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


async def events_of(database: Database, number: int) -> list[tuple[str, dict[str, Any]]]:
    async with database.transaction() as tx:
        return await later_events(tx, number)


async def timer_of(database: Database, number: int) -> datetime | None:
    async with database.statement() as tx:
        due_at: datetime | None = await tx.fetchval(
            "select due_at from timer where kind = $1 and subject = $2", KIND, number
        )
    return due_at


async def ticket_with_reminder(
    database: Database, tenant: Tenant, status: Status = Status.PENDING, /, **values: Any
) -> int:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        await set_reminder(tx, number, **values)
    return number


@pytest.mark.parametrize("status", sorted(OPEN))
async def test_a_ticket_of_each_open_status_comes_back_at_its_moment(
    database: Database, tenant: Tenant, status: Status
) -> None:
    number = await ticket_with_reminder(database, tenant, status)
    before = len(await events_of(database, number))
    await look(database, AT - timedelta(seconds=1))
    assert len(await events_of(database, number)) == before
    await look(database)
    await look(database, AT + timedelta(days=1))
    events = (await events_of(database, number))[before:]
    reminded = {"at": "2026-03-01T13:00:00.123000Z", "reason": "Call the carrier", "set_by": "operator"}
    moved = {"before": status, "after": "in_progress", "reason": ""}
    waits = status in {Status.PENDING, Status.HELD}
    assert events == [("ticket.reminded", reminded), *([("ticket.status_changed", moved)] if waits else [])]
    ticket = await ticket_of(database, number)
    assert (ticket.status, ticket.reminder) == (Status.IN_PROGRESS if waits else status, None)
    assert await timer_of(database, number) is None


async def test_the_customer_sees_that_the_work_goes_on_and_not_why(database: Database, tenant: Tenant) -> None:
    number = await ticket_with_reminder(database, tenant)
    await look(database)
    async with database.transaction() as tx:
        history = await tickets.history(tx, tenant.actor, number)
    assert [(event.type, event.data) for event in history[2:]] == [
        ("ticket.status_changed", {"before": "pending", "after": "in_progress", "reason": ""})
    ]
    assert "carrier" not in str(history)


async def test_a_reminder_is_replaced_by_setting_it_anew_and_removed_by_none(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, "Ben Ito")
        number = await raised(tx, tenant)
        first = (await set_reminder(tx, number)).reminder
        same = (await set_reminder(tx, number, agent)).reminder
        second = (await set_reminder(tx, number, agent, at=AT + timedelta(hours=1), reason=UNSET)).reminder
    assert first == same == Reminder(AT, "Call the carrier", False, "operator", NOW)
    assert second == Reminder(AT + timedelta(hours=1), "Call the carrier", False, "Ben Ito", NOW)
    assert await timer_of(database, number) == AT + timedelta(hours=1)
    await look(database)
    assert (await ticket_of(database, number)).reminder == second
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, agent, number, {"reminder": None}, now=NOW)
    assert await timer_of(database, number) is None
    events = await events_of(database, number)
    names = [[change["field"] for change in data["changes"]] for _type, data in events]
    assert names == [["reminder"]] * 3
    assert events[-1][1]["changes"][0]["after"] is None
    assert events[0][1]["changes"][0]["before"] is None


@pytest.mark.parametrize(
    ("values", "field", "rule"),
    [
        ({"at": UNSET}, "reminder.at", "is required"),
        ({"at": NOW}, "reminder.at", "must lie in the future"),
        ({"at": NOW + AHEAD_MAX + timedelta(seconds=1)}, "reminder.at", "must not be more than 5 years ahead"),
        ({"reason": "x" * 1001}, "reminder.reason", "must have at most 1000 characters"),
        ({"reason": "\0"}, "reminder.reason", "must not contain the NUL character or lone surrogates"),
    ],
)
async def test_a_reminder_that_breaks_a_rule_is_refused(
    database: Database, tenant: Tenant, values: dict[str, Any], field: str, rule: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(InvalidInput) as refused:
            await set_reminder(tx, number, **values)
    assert [(violation.field, violation.rule) for violation in refused.value.violations] == [(field, rule)]


async def test_customers_set_no_reminders_and_finished_tickets_have_none(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(Forbidden):
            await set_reminder(tx, number, tenant.actor)
        for status in FINISHED:
            number = await raised(tx, tenant, status=status)
            with pytest.raises(TicketFinished):
                await set_reminder(tx, number)


@pytest.mark.parametrize(
    ("status", "to"), [(status, to) for status in sorted(OPEN) for to in sorted(TRANSITIONS[status])]
)
async def test_a_reminder_ends_with_the_work_on_its_ticket(
    database: Database, tenant: Tenant, status: Status, to: Status
) -> None:
    number = await ticket_with_reminder(database, tenant, status)
    async with database.transaction() as tx:
        moved, _fact = await ticket_changes.move_ticket(tx, OPERATOR, number, to, reason="", now=LATER)
        assert (await tickets.get_ticket(tx, OPERATOR, number)).ticket == moved
    ends = to in ENDS_REMINDER
    assert (moved.reminder is None, await timer_of(database, number) is None) == (ends, ends)
    changed = [data for kind, data in await events_of(database, number) if kind == "ticket.changed"]
    assert len(changed) == 1 + ends
    if ends:
        [change] = changed[-1]["changes"]
        assert (change["field"], change["before"], change["after"]) == (
            "reminder", changed[0]["changes"][0]["after"], None
        )  # fmt: skip


async def test_a_merge_ends_the_reminder_of_the_ticket_that_is_merged(database: Database, tenant: Tenant) -> None:
    number = await ticket_with_reminder(database, tenant)
    async with database.transaction() as tx:
        into = await raised(tx, tenant)
        await merging.merge_ticket(tx, OPERATOR, number, into, now=LATER)
    assert (await ticket_of(database, number)).reminder is None
    await look(database)
    assert (await ticket_of(database, number)).status is Status.CLOSED
    assert "ticket.reminded" not in dict(await events_of(database, number))


def _kept(by: str, is_cancelled: bool) -> bool:  # noqa: FBT001 - a table of the test
    return not (is_cancelled and by in {"customer", "file"})


@pytest.mark.parametrize("is_cancelled", [True, False])
@pytest.mark.parametrize("by", ["customer", "file", "staff", "internal"])
async def test_an_answer_of_the_customer_cancels_a_reminder_that_is_set_so(
    database: Database, tenant: Tenant, by: str, *, is_cancelled: bool
) -> None:
    number = await ticket_with_reminder(database, tenant, cancelled_by_answer=is_cancelled)
    before = await ticket_of(database, number)
    async with database.transaction() as tx:
        if by == "file":
            await attachments.add_attachment(
                tx, tenant.actor, number, NewAttachment("log.txt", "text/plain", Visibility.PUBLIC),
                Content(UUID(int=number), 3, b"0" * 32), now=LATER,
            )  # fmt: skip
        else:
            actor = tenant.actor if by == "customer" else OPERATOR
            visibility = Visibility.INTERNAL if by == "internal" else Visibility.PUBLIC
            added = await notes.add_note(
                tx, actor, number, "Any news?", channel=Channel.API, visibility=visibility, now=LATER
            )
            assert (added.ticket.reminder is not None) == _kept(by, is_cancelled)
    after = await ticket_of(database, number)
    assert after.reminder == (before.reminder if _kept(by, is_cancelled) else None)
    events = [data for kind, data in await events_of(database, number) if kind == "ticket.changed"]
    if not _kept(by, is_cancelled):
        [change] = events[1]["changes"]
        assert change == {"field": "reminder", "before": events[0]["changes"][0]["after"], "after": None}
    assert len(events) == 1 + (not _kept(by, is_cancelled))
    await look(database)
    reminded = [kind for kind, _data in await events_of(database, number) if kind == "ticket.reminded"]
    assert len(reminded) == _kept(by, is_cancelled)
    assert await timer_of(database, number) is None


@pytest.mark.parametrize("is_active", [True, False])
async def test_a_ticket_of_somebody_who_works_no_more_returns_to_its_queue(
    database: Database, tenant: Tenant, *, is_active: bool
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        assert agent.user is not None
        number = await raised(tx, tenant, status=Status.HELD)
        await ticket_changes.assign(tx, OPERATOR, number, agent.user.id, now=NOW)
        await set_reminder(tx, number)
        if not is_active:
            await accounts.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, {"is_active": False}, now=NOW)
    await look(database)
    ticket = await ticket_of(database, number)
    assert (ticket.status, ticket.assignee_id) == (Status.IN_PROGRESS, agent.user.id if is_active else None)
    assigned = [data for kind, data in await events_of(database, number) if kind == "ticket.assigned"]
    unassigned = {"before": str(agent.user.id), "after": None, "by": "reminder"}
    assert assigned[1:] == ([] if is_active else [unassigned])


async def test_a_locked_ticket_keeps_no_other_waiting(database: Database, tenant: Tenant) -> None:
    numbers = [await ticket_with_reminder(database, tenant) for _ in range(3)]
    async with database.transaction() as tx:
        await ticket_changes.lock_ticket(tx, OPERATOR, numbers[1])
        async with asyncio.timeout(patient(10)):
            await look(database)
    statuses = [(await ticket_of(database, number)).status for number in numbers]
    assert statuses == [Status.IN_PROGRESS, Status.PENDING, Status.IN_PROGRESS]
    await look(database, AT + timedelta(seconds=1))
    assert (await ticket_of(database, numbers[1])).status is Status.IN_PROGRESS


async def test_a_reminder_that_is_set_while_another_fires_is_not_lost(database: Database, tenant: Tenant) -> None:
    number = await ticket_with_reminder(database, tenant)
    async with database.transaction() as tx:
        await set_reminder(tx, number, at=AT + timedelta(hours=1))
        await look(database)
    assert await timer_of(database, number) == AT + timedelta(hours=1)
    await look(database, AT + timedelta(hours=1))
    assert [kind for kind, _ in await events_of(database, number)].count("ticket.reminded") == 1
