import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing, TicketFinished
from clearline.events.store import Event
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.reminders.domain import ReminderChange
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import CUSTOMER_EDITABLE_FIELDS, Status, TicketValues, values_of
from clearline.tickets.faults.domain import DetectedBy, Fault, SiteAccess
from clearline.tickets.list_store import Filter
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.queues import new_queue
from tests.builders.tickets import STEPS, a_new_ticket, raised

LATER = NOW + timedelta(minutes=5)
CONTACT = Contact("Lena Brandt", "+1-555-0123", "lena@example.org")
BEGAN = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
NEW: dict[str, Any] = {
    "title": "Port is down",
    "issue_type": IssueType.CIRCUIT_DOWN,
    "severity": Severity.EXTENSIVE,
    "impact": Impact.DOWN,
    "priority": Priority.CRITICAL,
    "contact": CONTACT,
    "asked_severity": Severity.SIGNIFICANT,
    "asked_priority": Priority.HIGH,
    "tags": ("bgp", "site:ams"),
    "external_ids": {"snow": "INC0042"},
    "occurred_at": BEGAN,
    "fault": Fault(detected_by=DetectedBy.CUSTOMER, site_access=SiteAccess("Front desk", None, "None known")),
}
"""Values of every kind but the own fields, which have tests of their own."""
EVENT_VALUES: dict[str, tuple[object, object]] = {
    "title": ("Port is slow", "Port is down"),
    "issue_type": ("Slow Response", "Circuit Down"),
    "severity": ("moderate", "extensive"),
    "impact": ("degraded", "down"),
    "priority": ("medium", "critical"),
    "contact": (
        {"name": "Ada Okoro", "phone": "+1-555-0199", "email": "ada@example.com"},
        {"name": "Lena Brandt", "phone": "+1-555-0123", "email": "lena@example.org"},
    ),
    "asked_severity": (None, "significant"),
    "asked_priority": (None, "high"),
    "tags": ([], ["bgp", "site:ams"]),
    "external_ids": ({}, {"snow": "INC0042"}),
    "occurred_at": (None, "2026-03-01T06:30:00Z"),
    "detected_by": (None, "customer"),
    "site_access": (None, {"contact": "Front desk", "hours": None, "hazards": "None known"}),
}
"""The values before and after in the event."""


async def later_history(tx: Tx, number: int) -> list[Event]:
    """Return every event of a ticket except its creation."""
    return [event for event in await tickets.history(tx, OPERATOR, number) if event.type != "ticket.created"]


async def change(tx: Tx, actor: Actor, number: int, values: Mapping[str, Any]) -> TicketValues:
    return values_of((await ticket_changes.change_ticket(tx, actor, number, values, now=LATER)).ticket)


def test_every_value_has_a_case() -> None:
    assert {*NEW, "queue_id", "assignee_id", "reminder", "fields"} == set(TicketValues.__struct_fields__)
    assert set(EVENT_VALUES) == {fact for field in NEW for fact in facts_of(field)}


def facts_of(field: str) -> tuple[str, ...]:
    """Return what an event calls a changed field: the facts of a fault stand in it one by one."""
    return ("detected_by", "site_access") if field == "fault" else (field,)


@pytest.mark.parametrize("field", NEW)
async def test_a_change_is_stored_with_an_event_that_has_the_value_before(
    database: Database, tenant: Tenant, field: str
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        before = await tickets.get_ticket(tx, OPERATOR, number)
        after = await ticket_changes.change_ticket(tx, agent, number, {field: NEW[field]}, now=LATER)
        assert after == await tickets.get_ticket(tx, OPERATOR, number)
        [event] = await later_history(tx, number)
    assert getattr(values_of(after.ticket), field) == NEW[field]
    same = set(TicketValues.__struct_fields__) - {field}
    assert all(
        getattr(values_of(after.ticket), unchanged) == getattr(values_of(before.ticket), unchanged)
        for unchanged in same
    )
    assert (after.ticket.version, after.ticket.updated_at) == (2, LATER)
    assert (event.type, event.actor_id, event.actor_name, event.at) == (
        "ticket.changed",
        id_of(agent),
        "Ben Ito",
        LATER,
    )
    assert event.data == {
        "changes": [
            {"field": fact, "before": EVENT_VALUES[fact][0], "after": EVENT_VALUES[fact][1]} for fact in facts_of(field)
        ]
    }


async def test_a_change_of_everything_is_one_version_and_an_event_for_each_kind(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        queue = (await new_queue(tx, agent)).queue
        number = await raised(tx, tenant)
        values = NEW | {"queue_id": queue.id, "assignee_id": id_of(agent)}
        after = await ticket_changes.change_ticket(tx, agent, number, values, now=LATER)
        changed, *other_events = await later_history(tx, number)
    assert after.ticket.version == 2
    assert (after.queue_name, after.assignee_name) == (queue.name, "Ben Ito")
    assert [change["field"] for change in changed.data["changes"]] == [f for field in NEW for f in facts_of(field)]
    assert {(event.type, str(event.data)) for event in other_events} == {
        ("ticket.routed", str({"rule": None, "after": str(queue.id), "before": None})),
        ("ticket.assigned", str({"by": "manual", "after": str(id_of(agent)), "before": None})),
    }


@pytest.mark.parametrize("role", ["customer", "agent", "admin", "viewer", "operator"])
@pytest.mark.parametrize("field", [*NEW, "queue_id", "assignee_id"])
async def test_each_role_sets_only_its_editable_fields(
    database: Database, tenant: Tenant, role: str, field: str
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        actors = {"customer": tenant.actor, "agent": agent, "operator": OPERATOR}
        actor = actors.get(role) or await new_person(tx, role=Role(role))
        number = await raised(tx, tenant)
        queue_id = (await new_queue(tx)).queue.id
        reminder = ReminderChange(LATER + timedelta(hours=1))
        value = {**NEW, "queue_id": queue_id, "assignee_id": id_of(agent), "reminder": reminder}[field]
        if role == "viewer" or (role == "customer" and field not in CUSTOMER_EDITABLE_FIELDS):
            with pytest.raises(ScopeMissing if role == "viewer" else Forbidden):
                await change(tx, actor, number, {field: value})
            assert await later_history(tx, number) == []
        else:
            after = getattr(await change(tx, actor, number, {field: value}), field)
            assert (after.at if field == "reminder" else after) == (reminder.at if field == "reminder" else value)


async def test_one_forbidden_value_refuses_the_whole_change_of_a_customer(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(Forbidden, match=r"may set priority, tags$"):
            await change(tx, tenant.actor, number, {"contact": CONTACT, "priority": Priority.LOW, "tags": ()})
        assert await later_history(tx, number) == []


@pytest.mark.parametrize(
    "values", [{}, {"title": "Port is slow"}, {"tags": ()}, {"external_ids": {}, "queue_id": None}]
)
async def test_a_change_to_the_same_values_changes_nothing(
    database: Database, tenant: Tenant, values: dict[str, Any]
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        before = await tickets.get_ticket(tx, OPERATOR, number)
        assert await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=LATER) == before
        assert await tickets.get_ticket(tx, OPERATOR, number) == before
        assert await later_history(tx, number) == []


async def test_the_same_tags_in_another_case_and_order_are_no_change(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await change(tx, OPERATOR, number, {"tags": ("B", "a")})
        assert (await change(tx, OPERATOR, number, {"tags": ("A", "b", "a")})).tags == ("a", "b")
        assert len(await later_history(tx, number)) == 1


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"title": ""}, ["title"]),
        ({"title": "x" * 256}, ["title"]),
        ({"title": "a\x00"}, ["title"]),
        ({"contact": Contact("", "x" * 65, "nobody")}, ["contact.name", "contact.phone", "contact.email"]),
        ({"tags": ("no blanks",)}, ["tags"]),
        ({"tags": tuple(f"t{index}" for index in range(51))}, ["tags"]),
        ({"external_ids": {"a": ""}}, ["external_ids.a"]),
        ({"external_ids": {f"s{index}": "x" for index in range(21)}}, ["external_ids"]),
        ({"queue_id": uuid4()}, ["queue_id"]),
        ({"assignee_id": uuid4()}, ["assignee_id"]),
        ({"queue_id": uuid4(), "assignee_id": uuid4(), "title": ""}, ["title", "queue_id", "assignee_id"]),
    ],
)
async def test_every_broken_rule_is_named_and_nothing_is_stored(
    database: Database, tenant: Tenant, values: dict[str, Any], fields: list[str]
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        before = await tickets.get_ticket(tx, OPERATOR, number)
        with pytest.raises(InvalidInput) as refused:
            await change(tx, OPERATOR, number, values)
        assert [violation.field for violation in refused.value.violations] == fields
        assert await tickets.get_ticket(tx, OPERATOR, number) == before


@pytest.mark.parametrize("assignee", ["viewer", "customer", "retired", "agent", "admin", "away"])
async def test_a_ticket_is_assigned_only_to_active_agents(database: Database, tenant: Tenant, assignee: str) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        if assignee == "customer":
            user_id = tenant.user.id
        else:
            user_id = id_of(
                await new_person(tx, role=Role(assignee) if assignee in {"viewer", "admin"} else Role.AGENT)
            )
        if assignee in {"retired", "away"}:
            column = "is_active" if assignee == "retired" else "is_available"
            statement = f"update app_user set {column} = false where company_id = $1 and id = $2"  # noqa: S608
            await tx.write(statement, PROVIDER_ID, user_id)
        if assignee in {"agent", "admin", "away"}:
            assigned = await ticket_changes.assign(tx, OPERATOR, number, user_id, now=LATER)
            assert assigned.ticket.assignee_id == user_id
            unassigned = await ticket_changes.assign(tx, OPERATOR, number, None, now=LATER)
            assert (unassigned.ticket.assignee_id, unassigned.assignee_name) == (None, None)
            assert [event.data for event in await later_history(tx, number)] == [
                {"before": None, "after": str(user_id), "by": "manual"},
                {"before": str(user_id), "after": None, "by": "manual"},
            ]
        else:
            with pytest.raises(InvalidInput) as refused:
                await ticket_changes.assign(tx, OPERATOR, number, user_id, now=LATER)
            assert [violation.field for violation in refused.value.violations] == ["assignee_id"]


async def test_an_inactive_assignee_does_not_prevent_other_changes(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW)
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), {"is_active": False}, now=NOW)
        changed = await ticket_changes.change_ticket(tx, OPERATOR, number, {"title": "New"}, now=LATER)
    assert (changed.ticket.title, changed.ticket.assignee_id) == ("New", id_of(agent))


@pytest.mark.parametrize("status", list(Status))
async def test_a_finished_ticket_is_not_changed(database: Database, tenant: Tenant, status: Status) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=status)
        version = len(STEPS[status]) + 1
        if status in {Status.CLOSED, Status.CANCELLED, Status.REJECTED}:
            with pytest.raises(TicketFinished):
                await change(tx, OPERATOR, number, {"title": "New"})
            with pytest.raises(TicketFinished):
                await ticket_changes.tag(tx, OPERATOR, number, add=("late",), now=LATER)
        else:
            await change(tx, OPERATOR, number, {"title": "New"})
            version += 1
        assert (await tickets.get_ticket(tx, OPERATOR, number)).ticket.version == version


@pytest.mark.parametrize("number_of", ["foreign", "unknown"])
async def test_a_foreign_ticket_is_refused_like_one_that_does_not_exist(
    database: Database, tenant: Tenant, other_tenant: Tenant, number_of: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant) if number_of == "foreign" else 999_999_999_999
        for attempt in (
            tickets.get_ticket(tx, other_tenant.actor, number),
            ticket_changes.lock_ticket(tx, other_tenant.actor, number),
            ticket_changes.change_ticket(tx, other_tenant.actor, number, {"priority": Priority.LOW}, now=NOW),
            ticket_changes.tag(tx, other_tenant.actor, number, add=("x",), now=NOW),
            ticket_changes.assign(tx, other_tenant.actor, number, None, now=NOW),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_tags_are_added_and_removed(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        number = await raised(tx, tenant)
        steps: list[tuple[dict[str, tuple[str, ...]], tuple[str, ...]]] = [
            ({"add": ("BGP", "a")}, ("a", "bgp")),
            ({"add": ("a",), "remove": ("nowhere",)}, ("a", "bgp")),
            ({"add": ("b",), "remove": ("A",)}, ("b", "bgp")),
            ({"add": ("c",), "remove": ("C", "b", "bgp")}, ("c",)),
            ({}, ("c",)),
        ]
        for change_of, expected in steps:
            tagged = await ticket_changes.tag(tx, agent, number, **change_of, now=LATER)
            assert tagged.ticket.tags == expected
        changes = [event.data["changes"][0] for event in await later_history(tx, number)]
        with pytest.raises(Forbidden):
            await ticket_changes.tag(tx, tenant.actor, number, add=("mine",), now=LATER)
        with pytest.raises(InvalidInput):
            await ticket_changes.tag(tx, agent, number, add=("no blanks",), now=LATER)
    assert [(value_change["field"], value_change["after"]) for value_change in changes] == [
        ("tags", ["a", "bgp"]),
        ("tags", ["b", "bgp"]),
        ("tags", ["c"]),
    ]


async def test_a_ticket_locked_after_a_wait_has_the_current_names(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        queue = (await new_queue(tx, agent)).queue
        number = await raised(tx, tenant)

    async def lock_later() -> Any:
        async with database.transaction() as tx:
            return await ticket_changes.lock_ticket(tx, OPERATOR, number)

    async with database.transaction() as tx:
        first = await ticket_changes.change_ticket(
            tx, OPERATOR, number, {"queue_id": queue.id, "assignee_id": id_of(agent)}, now=LATER
        )
        waiting = asyncio.create_task(lock_later())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    assert await waiting == first
    assert (first.queue_name, first.assignee_name) == (queue.name, "Ben Ito")


async def test_concurrent_changes_are_all_stored(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)

    async def tag(name: str) -> None:
        async with database.transaction() as tx:
            await ticket_changes.tag(tx, OPERATOR, number, add=(name,), now=LATER)

    names = [f"tag{index}" for index in range(8)]
    await asyncio.gather(*map(tag, names))
    async with database.statement() as tx:
        view = await tickets.get_ticket(tx, OPERATOR, number)
        assert view.ticket.tags == tuple(names)
        assert view.ticket.version == 9
        assert len(await later_history(tx, number)) == 8


async def test_only_the_staff_raises_tickets_with_tags_and_they_are_normalized(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        new = replace(a_new_ticket(), tags=("BGP", "a", "A"))
        with pytest.raises(Forbidden):
            await tickets.create_ticket(tx, tenant.actor, new, now=NOW)
        agent = await new_person(tx)
        created = await tickets.create_ticket(tx, agent, new, company_id=tenant.company.id, now=NOW)
        view = await tickets.get_ticket(tx, agent, created.ticket.number)
        assert view.ticket.tags == ("a", "bgp")
        for wrong, field in (({"tags": ("no blanks",)}, "tags"), ({"external_ids": {"": "x"}}, "external_ids")):
            with pytest.raises(InvalidInput) as refused:
                await tickets.create_ticket(tx, agent, replace(new, **wrong), company_id=tenant.company.id, now=NOW)
            assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_ticket_is_raised_only_for_a_customer(database: Database) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        new = replace(a_new_ticket(), service_type=ServiceType.NON_CONSOLE)
        with pytest.raises(InvalidInput):
            await tickets.create_ticket(tx, agent, new, company_id=PROVIDER_ID, now=NOW)
        with pytest.raises(Forbidden):
            await tickets.create_ticket(tx, agent, a_new_ticket(), now=NOW)


async def test_without_the_scope_nothing_is_read_or_changed(database: Database) -> None:
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    writer = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    async with database.transaction() as tx:
        number = await raised(tx, writer)
        with pytest.raises(ScopeMissing):
            await tickets.get_ticket(tx, writer.actor, number)
        with pytest.raises(ScopeMissing):
            await ticket_lists.list_tickets(tx, writer.actor, Filter(), after=None, limit=1)
        with pytest.raises(ScopeMissing):
            await ticket_changes.change_ticket(tx, reader.actor, number, {}, now=NOW)
