import asyncio
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from clearline.catalogue.assessment import Priority
from clearline.errors import (
    AlreadyExists,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    ScopeMissing,
    TicketFinished,
)
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import usecases as queues
from clearline.reminders.domain import Reminder
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, ticket_number, values_of
from clearline.tickets.note_domain import Source, Visibility
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroReminder
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import later_events, raised


async def new_macro(tx: Tx, **values: Any) -> Macro:
    """Add and return a macro; by default it writes a note."""
    name = f"Macro {uuid4().hex[:8]}"
    return await macros.add_macro(tx, OPERATOR, {"name": name, "text": "Hello", **values}, now=NOW)


async def a_queue(tx: Tx) -> UUID:
    details = await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)
    return details.queue.id


async def events_of(tx: Tx, macro_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    rows = await tx.fetch(
        "select type, data::text from event where data->>'id' = $1 and ticket_number is null order by id", str(macro_id)
    )
    return [(row[0], row[1]) for row in rows]


async def test_a_macro_is_added_changed_and_deleted_with_an_event_each(database: Database) -> None:
    async with database.transaction() as tx:
        macro = await new_macro(tx, add_tags=("Fibre", "fibre"), visibility=Visibility.INTERNAL)
        assert macro.add_tags == ("fibre",)
        assert await macros.get_macro(tx, OPERATOR, macro.id) == macro
        assert await macros.macro_named(tx, OPERATOR, macro.name.upper()) == macro
        assert await macros.change_macro(tx, OPERATOR, macro.id, {"text": "Hello"}, now=NOW) == macro
        values = {"status": Status.PENDING, "priority": Priority.HIGH, "add_tags": ()}
        changed = await macros.change_macro(tx, OPERATOR, macro.id, values, now=NOW)
        assert (changed.status, changed.priority, changed.add_tags) == (Status.PENDING, Priority.HIGH, ())
        assert await macros.get_macro(tx, OPERATOR, macro.id) == changed
        await macros.delete_macro(tx, OPERATOR, macro.id, now=NOW)
        with pytest.raises(NotFound):
            await macros.get_macro(tx, OPERATOR, macro.id)
        with pytest.raises(NotFound):
            await macros.macro_named(tx, OPERATOR, macro.name)
        assert [kind for kind, _data in await events_of(tx, macro.id)] == [
            "macro.created",
            "macro.changed",
            "macro.deleted",
        ]
        data = (await events_of(tx, macro.id))[1][1]
        assert [name in data for name in ('"status"', '"priority"', '"add_tags"', '"text"')] == [
            True,
            True,
            True,
            False,
        ]


async def test_an_invalid_macro_is_neither_added_nor_stored_by_a_change(database: Database) -> None:
    wrong: list[dict[str, Any]] = [
        {"text": "{{ticket.secret}}"},
        {"queue_id": uuid4()},
        {"name": ""},
        {"text": ""},
        {"add_tags": ("no spaces",)},
        {"reminder": MacroReminder("soon")},
        {"reminder": MacroReminder("")},
        {"reminder": MacroReminder("1826d")},
        {"reminder": MacroReminder("1825d 09:00")},
        {"reminder": MacroReminder("tomorrow")},
        {"reminder": MacroReminder("tomorrow 24:00")},
        {"reminder": MacroReminder("0d 09:00")},
        {"reminder": MacroReminder("4h", "x" * 1001)},
        {"reminder": MacroReminder("4h"), "status": Status.RESOLVED},
    ]
    async with database.transaction() as tx:
        macro, other = await new_macro(tx), await new_macro(tx)
        for values in wrong:
            with pytest.raises(InvalidInput):
                await new_macro(tx, **values)
            with pytest.raises(InvalidInput):
                await macros.change_macro(tx, OPERATOR, macro.id, values, now=NOW)
        with pytest.raises(AlreadyExists):
            await new_macro(tx, name=macro.name.upper())
        with pytest.raises(AlreadyExists):
            await macros.change_macro(tx, OPERATOR, other.id, {"name": macro.name.upper()}, now=NOW)
        await macros.change_macro(tx, OPERATOR, macro.id, {"name": macro.name.upper()}, now=NOW)
        for work in (
            macros.change_macro(tx, OPERATOR, uuid4(), {"name": "x"}, now=NOW),
            macros.delete_macro(tx, OPERATOR, uuid4(), now=NOW),
        ):
            with pytest.raises(NotFound):
                await work


async def test_macros_are_listed_by_name_page_by_page(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("delete from macro")
        for name in ("beta", "Alpha", "gamma", "Delta", "alpha 2"):
            await new_macro(tx, name=name)
        names: list[str] = []
        after = None
        while page := await macros.list_macros(tx, OPERATOR, after=after, limit=2):
            assert len(page) <= 2
            names += [macro.name for macro in page]
            after = names[-1]
    assert names == ["Alpha", "alpha 2", "beta", "Delta", "gamma"]


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.CUSTOMER_ADMIN, Role.VIEWER, Role.AGENT, Role.ADMIN])
async def test_the_staff_reads_macros_agents_use_them_and_admins_manage_them(
    database: Database, tenant: Tenant, role: Role
) -> None:
    async with database.transaction() as tx:
        customer = role in {Role.CUSTOMER, Role.CUSTOMER_ADMIN}
        actor = await new_person(tx, role=role, company=tenant.company.code if customer else "PROVIDER")
        macro, number = await new_macro(tx), await raised(tx, tenant)

        async def refusal(work: Any) -> type[Exception] | None:
            try:
                await work
            except (Forbidden, ScopeMissing) as error:
                return type(error)
            return None

        reads = [
            await refusal(macros.list_macros(tx, actor, after=None, limit=10)),
            await refusal(macros.get_macro(tx, actor, macro.id)),
            await refusal(macros.preview(tx, actor, number, macro.id)),
        ]
        uses = await refusal(macros.apply_macro(tx, actor, number, macro.id, now=NOW))
        keeps = [
            await refusal(macros.add_macro(tx, actor, {"name": f"By {role}", "text": "x"}, now=NOW)),
            await refusal(macros.change_macro(tx, actor, macro.id, {"text": "y"}, now=NOW)),
            await refusal(macros.delete_macro(tx, actor, macro.id, now=NOW)),
        ]
    assert reads == ([Forbidden] * 3 if customer else [None] * 3)
    assert uses == (Forbidden if customer else ScopeMissing if role is Role.VIEWER else None)
    assert keeps == ([None] * 3 if role is Role.ADMIN else [Forbidden] * 3)


async def test_a_macro_writes_its_note_and_sets_its_values_and_its_status(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, role=Role.AGENT)
        number, queue_id = await raised(tx, tenant), await a_queue(tx)
        macro = await new_macro(
            tx,
            text="{{company.name}}, {{contact.name}}: {{ticket.number}} is with {{agent.name}} ({{service.label}})",
            visibility=Visibility.INTERNAL,
            status=Status.IN_PROGRESS,
            queue_id=queue_id,
            priority=Priority.CRITICAL,
            add_tags=("fibre",),
        )
        text = f"{tenant.company.name}, Ada Okoro: {ticket_number(number)} is with {agent.name} (Service 1)"
        before = len(await later_events(tx, number))
        shown = await macros.preview(tx, agent, number, macro.id)
        assert (shown.text, shown.note_number, shown.ticket.ticket.version) == (text, None, 1)
        assert len(await later_events(tx, number)) == before
        used = await macros.apply_macro(tx, agent, number, macro.id, channel=Channel.API, now=NOW)
        read = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
        [note] = read.notes
        assert (used.text, used.note_number) == (text, note.number)
        assert (note.text, note.visibility, note.source, note.author, note.channel) == (
            text,
            Visibility.INTERNAL,
            Source.SELLER,
            agent.name,
            "API",
        )
        assert used.ticket.ticket == read.ticket
        assert (read.ticket.status, read.ticket.priority) == (Status.IN_PROGRESS, Priority.CRITICAL)
        assert (used.ticket.ticket.queue_id, used.ticket.ticket.tags) == (queue_id, ("fibre",))
        kinds = [kind for kind, _data in await later_events(tx, number)]
        assert kinds == ["note.added", "ticket.changed", "ticket.routed", "ticket.status_changed"]


async def test_a_macro_sets_a_reminder_from_its_use_on(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, role=Role.AGENT)
        number = await raised(tx, tenant)
        reminder = MacroReminder("4h", "Ask the carrier", cancelled_by_answer=True)
        macro = await new_macro(tx, text="", status=Status.HELD, reminder=reminder)
        assert (await macros.get_macro(tx, OPERATOR, macro.id)).reminder == reminder
        assert (await macros.preview(tx, agent, number, macro.id)).ticket.ticket.reminder is None
        for used_at in (NOW, NOW + timedelta(days=1)):
            used = await macros.apply_macro(tx, agent, number, macro.id, now=used_at)
            at = used_at + timedelta(hours=4)
            assert used.ticket.ticket.reminder == Reminder(at, "Ask the carrier", True, agent.name, used_at)
            due = await tx.fetchval("select due_at from timer where kind = 'reminder' and subject = $1", number)
            assert due == at
        kinds = [kind for kind, _data in await later_events(tx, number)]
        assert kinds == ["ticket.changed", "ticket.status_changed", "ticket.changed"]
        none = await macros.change_macro(tx, OPERATOR, macro.id, {"reminder": None}, now=NOW)
        assert (none.reminder, none.status) == (None, Status.HELD)
        changed = (await events_of(tx, macro.id))[1][1]
        assert "Ask the carrier" in changed


async def test_a_time_of_day_is_that_of_who_uses_the_macro(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent, other = await new_person(tx, role=Role.AGENT), await new_person(tx, role=Role.AGENT)
        for person, zone in ((agent, "Asia/Singapore"), (other, "America/New_York")):
            assert person.user is not None
            own = {"time_zone": zone}
            await preferences.change_preferences(tx, OPERATOR, person.user.company_id, person.user.id, own, now=NOW)
        await tx.write("update company set time_zone = 'Europe/Berlin' where id = $1", PROVIDER_ID)
        number = await raised(tx, tenant)
        macro = await new_macro(tx, text="", reminder=MacroReminder("tomorrow 09:00"))
        for actor, zone in ((agent, "Asia/Singapore"), (other, "America/New_York"), (OPERATOR, "Europe/Berlin")):
            used = await macros.apply_macro(tx, actor, number, macro.id, now=NOW)
            local = NOW.astimezone(ZoneInfo(zone))
            at = datetime.combine(local.date() + timedelta(days=1), time(9), ZoneInfo(zone))
            assert used.ticket.ticket.reminder is not None
            assert used.ticket.ticket.reminder.at == at
        await tx.write("update company set time_zone = null where id = $1", PROVIDER_ID)


async def test_a_macro_without_a_text_writes_no_note_and_one_without_values_changes_none(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        quiet = await new_macro(tx, text="", status=Status.HELD)
        used = await macros.apply_macro(tx, OPERATOR, number, quiet.id, now=NOW)
        assert (used.text, used.note_number, used.ticket.ticket.status) == ("", None, Status.HELD)
        again = await macros.apply_macro(tx, OPERATOR, number, quiet.id, now=NOW)
        assert again.ticket == used.ticket
        noted = await macros.apply_macro(tx, OPERATOR, number, (await new_macro(tx)).id, now=NOW)
        assert values_of(noted.ticket.ticket) == values_of(used.ticket.ticket)
        assert [kind for kind, _data in await later_events(tx, number)] == ["ticket.status_changed", "note.added"]


async def test_a_refused_macro_is_rolled_back(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        macro = await new_macro(tx, priority=Priority.CRITICAL, status=Status.CLOSED)
    with pytest.raises(IllegalTransition):
        async with database.transaction() as tx:
            await macros.apply_macro(tx, OPERATOR, number, macro.id, now=NOW)
    async with database.transaction() as tx:
        read = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
        assert (read.notes, read.ticket.version, read.ticket.priority) == ([], 1, Priority.MEDIUM)
        assert await later_events(tx, number) == []


async def test_a_macro_is_refused_when_one_of_its_changes_would_be(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async def apply(actor: Actor, number: int, macro_id: UUID) -> None:
        async with database.transaction() as tx:
            await macros.apply_macro(tx, actor, number, macro_id, now=NOW)

    async with database.transaction() as tx:
        number = await raised(tx, tenant, title="x" * 255)
        finished = await raised(tx, tenant)
        await ticket_changes.move_ticket(tx, OPERATOR, finished, Status.REJECTED, reason="", now=NOW)
        long = await new_macro(tx, text="{{ticket.title}}" * 16)
        tagging = await new_macro(tx, text="", add_tags=("fibre",))
        plain = await new_macro(tx)
    with pytest.raises(InvalidInput, match="4000"):
        await apply(OPERATOR, number, long.id)
    for macro in (plain, tagging):
        with pytest.raises(TicketFinished):
            await apply(OPERATOR, finished, macro.id)
    with pytest.raises(NotFound, match="macro"):
        await apply(OPERATOR, number, uuid4())
    with pytest.raises(NotFound, match="ticket"):
        await apply(OPERATOR, 999_999_999, plain.id)
    with pytest.raises(Forbidden):
        await apply(other_tenant.actor, number, plain.id)


async def test_a_macro_outlives_its_queue(database: Database) -> None:
    async with database.transaction() as tx:
        queue_id = await a_queue(tx)
        macro = await new_macro(tx, queue_id=queue_id)
        await queues.delete_queue(tx, OPERATOR, queue_id, now=NOW)
        assert (await macros.get_macro(tx, OPERATOR, macro.id)).queue_id is None


async def test_only_one_of_several_concurrent_additions_of_a_name_succeeds(database: Database) -> None:
    async def add() -> None:
        async with database.transaction() as tx:
            await new_macro(tx, name="At once")

    outcomes = await asyncio.gather(add(), add(), add(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists", "AlreadyExists", "NoneType"]
