"""The cases of a ticket at third parties: who may see and change them, what is stored, and what happened."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.errors import AlreadyExists, Forbidden, InvalidInput, NotFound, TicketFinished
from clearline.identity import OPERATOR
from clearline.limit_errors import TooManyCases
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.cases import usecases as cases
from clearline.tickets.domain import Status, Ticket, Waiting
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.progress.facts import StatusFacts
from clearline.tickets.third_parties.domain import CASES_MAX, Case, CaseKind, CaseRef, CaseState
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import later_events, raised

LATER = NOW + timedelta(hours=4)


async def add(tx: Tx, number: int, party: str = "Fernhill", case_number: str = "FH-1", **values: Any) -> Case:
    return await cases.add_case(tx, OPERATOR, number, {"party": party, "number": case_number, **values}, now=NOW)


async def ticket_of(tx: Tx, number: int) -> Ticket:
    return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


async def held(tx: Tx, number: int, case: Case) -> Waiting:
    """Set a ticket to held for a case, and return why it waits."""
    facts = StatusFacts(waiting=Waiting("third_party", case=CaseRef(case.id, "")))
    await ticket_changes.move_ticket(tx, OPERATOR, number, Status.IN_PROGRESS, reason="", now=NOW)
    moved, _fact = await ticket_changes.move_ticket(tx, OPERATOR, number, Status.HELD, reason="", facts=facts, now=NOW)
    assert moved.waiting is not None
    return moved.waiting


async def test_each_change_of_a_case_is_an_event_that_the_customer_does_not_see(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        seen = (await tickets.get_ticket(tx, tenant.actor, number)).ticket
        case = await add(tx, number, expected_at=LATER)
        await cases.change_case(
            tx, OPERATOR, number, case.id, {"state": CaseState.RESOLVED, "notes": "Spliced"}, now=LATER
        )
        again = await cases.change_case(tx, OPERATOR, number, case.id, {"notes": "Spliced"}, now=LATER)
        assert (again.state, again.notes, again.updated_at, again.created_at) == ("resolved", "Spliced", LATER, NOW)
        await cases.remove_case(tx, OPERATOR, number, case.id, now=LATER)
        assert (await tickets.get_ticket(tx, OPERATOR, number)).cases == ()
        events = await later_events(tx, number)
        assert (await ticket_of(tx, number)).version == seen.version + 3
        assert (await tickets.get_ticket(tx, tenant.actor, number)).ticket == seen, "nothing that the customer sees"
        assert [event.type for event in await tickets.history(tx, tenant.actor, number)] == ["ticket.created"]
    named = {"id": str(case.id), "party": "Fernhill", "number": "FH-1"}
    first = [
        {"field": "party", "before": None, "after": "Fernhill"},
        {"field": "number", "before": None, "after": "FH-1"},
        {"field": "kind", "before": None, "after": "carrier"},
        {"field": "state", "before": None, "after": "open"},
        {"field": "opened_at", "before": None, "after": NOW.isoformat().replace("+00:00", "Z")},
        {"field": "expected_at", "before": None, "after": LATER.isoformat().replace("+00:00", "Z")},
    ]
    changed = [
        {"field": "state", "before": "open", "after": "resolved"},
        {"field": "notes", "before": None, "after": "Spliced"},
    ]
    assert events[:2] == [
        ("ticket.case_added", named | {"changes": first}),
        ("ticket.case_changed", named | {"changes": changed}),
    ]
    kind, data = events[2]
    assert kind == "ticket.case_removed"
    assert {change["field"]: change["before"] for change in data["changes"]}["state"] == "resolved"


async def test_customers_and_strangers_find_no_cases(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        case = await add(tx, number)
        assert (await tickets.get_ticket(tx, tenant.actor, number)).cases == ()
        for refused in (
            cases.list_cases(tx, tenant.actor, number),
            cases.get_case(tx, tenant.actor, number, case.id),
            cases.add_case(tx, tenant.actor, number, {"party": "X"}, now=NOW),
            cases.change_case(tx, tenant.actor, number, case.id, {}, now=NOW),
            cases.remove_case(tx, tenant.actor, number, case.id, now=NOW),
            cases.known_parties(tx, tenant.actor),
        ):
            with pytest.raises(Forbidden):
                await refused
        other = await raised(tx, tenant)
        with pytest.raises(NotFound):
            await cases.get_case(tx, OPERATOR, other, case.id)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"party": " "}, "party"),
        ({"party": "P" * 121}, "party"),
        ({"number": "1" * 101}, "number"),
        ({"opened_at": LATER}, "opened_at"),
        ({"expected_at": NOW - timedelta(hours=1)}, "expected_at"),
        ({"contact_email": "nobody"}, "contact.email"),
        ({"contact_name": "N" * 256}, "contact.name"),
        ({"contact_phone": "1" * 65}, "contact.phone"),
        ({"notes": "n" * 4001}, "notes"),
        ({"notes": "\0"}, "notes"),
    ],
)
async def test_a_value_that_breaks_a_rule_is_refused(
    database: Database, tenant: Tenant, values: dict[str, Any], field: str
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(InvalidInput) as refused:
            await cases.add_case(tx, OPERATOR, number, {"party": "Fernhill", **values}, now=NOW)
    assert refused.value.violations[0].field == field


async def test_a_ticket_has_each_number_of_a_party_once_and_at_most_20_cases(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        first = await add(tx, number)
        with pytest.raises(AlreadyExists):
            await add(tx, number, " fernhill ", "fh-1")
        other = await add(tx, number, "Fernhill", "")
        await add(tx, number, "Fernhill", "")
        with pytest.raises(AlreadyExists):
            await cases.change_case(tx, OPERATOR, number, other.id, {"number": "FH-1"}, now=NOW)
        await cases.change_case(tx, OPERATOR, number, first.id, {"number": "fh-1"}, now=NOW)
        for place in range(CASES_MAX - 3):
            await add(tx, number, "Lumenor", f"L-{place}")
        with pytest.raises(TooManyCases):
            await add(tx, number, "Lumenor", "one more")


async def test_a_finished_ticket_gets_no_new_case_but_its_cases_go_on(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        case = await add(tx, number)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.RESOLVED, reason="", now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.CLOSED, reason="", now=NOW)
        with pytest.raises(TicketFinished):
            await add(tx, number, "Lumenor")
        changed = await cases.change_case(tx, OPERATOR, number, case.id, {"state": CaseState.CLOSED}, now=LATER)
        assert changed.state is CaseState.CLOSED
        await cases.remove_case(tx, OPERATOR, number, case.id, now=LATER)


async def test_a_held_ticket_names_the_case_that_it_waits_for_also_after_its_removal(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        case = await add(tx, number, case_number="")
        waiting = await held(tx, number, case)
        assert waiting.case == CaseRef(case.id, "Fernhill")
        await cases.change_case(tx, OPERATOR, number, case.id, {"number": "FH-9", "state": CaseState.OPEN}, now=LATER)
        named = CaseRef(case.id, "Fernhill", "FH-9")
        waits = (await ticket_of(tx, number)).waiting
        assert waits is not None
        assert (waits.case, waits.at, waits.by) == (named, waiting.at, waiting.by), "only its name is another"
        await cases.remove_case(tx, OPERATOR, number, case.id, now=LATER)
        changed = await ticket_changes.change_facts(
            tx, OPERATOR, number, {"waiting": {"text": "Call them", "case": CaseRef(case.id, "")}}, now=LATER
        )
        assert changed.ticket.waiting is not None
        assert changed.ticket.waiting.case == named, "readable, and may stay"
        seen = (await tickets.get_ticket(tx, tenant.actor, number)).ticket
        assert seen.waiting is not None
        assert (seen.waiting.reason, seen.waiting.case) == ("third_party", None)
        events = dict(await later_events(tx, number))
    assert events["ticket.status_changed"]["waiting"]["case"] == "Fernhill"


async def test_a_ticket_waits_for_its_own_cases_only(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
        case = await add(tx, other)
        with pytest.raises(InvalidInput) as refused:
            await held(tx, number, case)
        assert [each.field for each in refused.value.violations] == ["waiting.case"]
        own = await add(tx, number)
        await held(tx, other, case)
        with pytest.raises(InvalidInput) as refused:
            await ticket_changes.change_facts(tx, OPERATOR, other, {"waiting": {"case": CaseRef(own.id, "")}}, now=NOW)
        assert [each.field for each in refused.value.violations] == ["waiting.case"]
        cleared = await ticket_changes.change_facts(tx, OPERATOR, other, {"waiting": {"case": None}}, now=NOW)
        assert cleared.ticket.waiting is not None
        assert cleared.ticket.waiting.case is None


async def test_a_merge_copies_the_cases_that_the_target_does_not_have(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        await add(tx, source)
        await add(tx, source, "Lumenor", "L-1", kind=CaseKind.VENDOR, notes="RMA")
        await add(tx, target, "FERNHILL", "fh-1", notes="Ours")
        await merging.merge_ticket(tx, OPERATOR, source, target, now=LATER)
        copied = await cases.list_cases(tx, OPERATOR, target)
        assert sorted((case.party, case.number, case.notes) for case in copied) == [
            ("FERNHILL", "fh-1", "Ours"),
            ("Lumenor", "L-1", "RMA"),
        ]
        kept = await cases.list_cases(tx, OPERATOR, source)
        assert len(kept) == 2
        assert {case.id for case in kept}.isdisjoint(case.id for case in copied)
        added = [data["number"] for kind, data in await later_events(tx, target) if kind == "ticket.case_added"]
    assert added == ["fh-1", "L-1"]


async def test_the_third_parties_of_all_cases_are_known_each_once(database: Database, tenant: Tenant) -> None:
    name = f"Ridge {uuid4()}"
    async with database.transaction() as tx:
        for party in (f"{name} B", f"{name} A", f"{name} B"):
            await add(tx, await raised(tx, tenant), party)
        known = await cases.known_parties(tx, OPERATOR)
    assert [party for party in known if party.startswith(name)] == [f"{name} A", f"{name} B"]
