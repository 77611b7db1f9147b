"""A service with many tickets in a short time is chronic: its open tickets are marked, once, whatever dies."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import OPERATOR
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.chronic import usecases as chronic
from clearline.tickets.chronic.domain import ChronicRule
from clearline.tickets.chronic.worker import chronic_job
from clearline.tickets.domain import UNKNOWN_SERVICE, NewTicket, Status, ticket_number
from clearline.tickets.links import merge_usecases as merging
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.search.index import follow, numbers_found
from tests.builders.tickets import STEPS, a_new_ticket, later_events
from tests.patience import patient

RULE = ChronicRule(3, 45)
MARKED = ("ticket.changed", {"changes": [{"field": "is_chronic", "before": False, "after": True}]})


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    """Return a customer without tickets."""
    return await new_tenant(database)


def about(service_id: str, title: str = "Port is down", kind: ServiceType = ServiceType.NON_CONSOLE) -> NewTicket:
    return replace(a_new_ticket(title), service_type=kind, service_id=service_id)


async def raised(
    tx: Tx, tenant: Tenant, new: NewTicket, *, days: float = 0, status: Status = Status.ACKNOWLEDGED
) -> int:
    """Raise a ticket some days ago and return its number."""
    number = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW - timedelta(days=days))).ticket.number
    for step in STEPS[status]:
        await ticket_changes.move_ticket(tx, OPERATOR, number, step, reason="test", now=NOW)
    return number


async def run(database: Database, rule: ChronicRule = RULE) -> None:
    job = chronic_job(database, rule, lambda: NOW)
    while await job.run():
        pass


async def marks(database: Database, *numbers: int) -> list[bool]:
    async with database.statement() as tx:
        return [(await tickets.get_ticket(tx, OPERATOR, number)).ticket.is_chronic for number in numbers]


async def service_events(database: Database, tenant: Tenant) -> list[dict[str, Any]]:
    async with database.statement() as tx:
        rows = await tx.fetch(
            "select data from event where company_id = $1 and type = 'service.chronic' order by id", tenant.company.id
        )
    return [json.loads(row[0]) for row in rows]


async def test_the_third_ticket_marks_all_and_stores_one_event(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        first, second = [await raised(tx, tenant, about("CPE-7"), days=days) for days in (44, 2)]
    await run(database)
    assert await marks(database, first, second) == [False, False]
    async with database.transaction() as tx:
        third = await raised(tx, tenant, about("CPE-7"))
        other = await raised(tx, tenant, about("CPE-8"))
    await run(database)
    assert await marks(database, first, second, third, other) == [True, True, True, False]
    numbers = [ticket_number(number) for number in (first, second, third)]
    [event] = await service_events(database, tenant)
    assert event == {
        "id": "CPE-7", "name": "CPE-7",
        "changes": [
            {"field": "tickets", "before": None, "after": numbers}, {"field": "days", "before": None, "after": 45},
        ],
    }  # fmt: skip
    async with database.transaction() as tx:
        fourth = await raised(tx, tenant, about("CPE-7"))
    await run(database)
    assert await marks(database, fourth) == [True]
    assert len(await service_events(database, tenant)) == 1
    async with database.transaction() as tx:
        for number in (first, second, third, fourth):
            assert await later_events(tx, number) == [MARKED]
        ticket = (await tickets.get_ticket(tx, OPERATOR, fourth)).ticket
        counted = await chronic.tickets_of_service(tx, OPERATOR, ticket, RULE)
        assert (counted.count, [each.number for each in counted.visible]) == (4, [first, second, third, fourth])
        assert (await chronic.tickets_of_service(tx, tenant.actor, ticket, RULE)).count == 0
        agent = await new_person(tx)
        assert agent.user is not None
        limited = replace(agent, user=replace(agent.user, only_queues=()))
        counted = await chronic.tickets_of_service(tx, limited, ticket, RULE)
        assert (counted.count, counted.visible) == (4, [])


async def test_the_customer_sees_neither_the_mark_nor_a_change(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, about("CPE-7")) for _ in range(3)]
    await run(database)
    async with database.statement() as tx:
        seen = (await tickets.get_ticket(tx, tenant.actor, numbers[0])).ticket
        assert (seen.version, seen.updated_at) == (1, NOW)
        assert [event.type for event in await tickets.history(tx, tenant.actor, numbers[0])] == ["ticket.created"]
        assert (await tickets.get_ticket(tx, OPERATOR, numbers[0])).ticket.version == 2


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.REJECTED])
async def test_a_cancelled_or_rejected_ticket_is_not_counted(
    database: Database, tenant: Tenant, status: Status
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant, about("CPE-7"), status=status)
        numbers = [await raised(tx, tenant, about("CPE-7")) for _ in range(2)]
    await run(database)
    assert await marks(database, *numbers) == [False, False]


async def test_a_merged_ticket_is_not_counted_and_a_finished_one_is_not_marked(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        merged, target = [await raised(tx, tenant, about("CPE-7")) for _ in range(2)]
        await merging.merge_ticket(tx, OPERATOR, merged, target, now=NOW)
        closed = await raised(tx, tenant, about("CPE-7"), status=Status.CLOSED)
    await run(database)
    assert await marks(database, merged, target, closed) == [False, False, False]
    async with database.transaction() as tx:
        last = await raised(tx, tenant, about("CPE-7"))
    await run(database)
    assert await marks(database, merged, target, closed, last) == [False, True, False, True]


async def test_tickets_without_a_service_of_other_types_companies_and_days_are_not_counted(
    database: Database, tenant: Tenant
) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        unnamed = [await raised(tx, tenant, about(UNKNOWN_SERVICE)) for _ in range(4)]
        old = await raised(tx, tenant, about("SVC-1"), days=45.1)
        typed = await raised(tx, tenant, about("SVC-1", kind=ServiceType.PORT))
        foreign = [await raised(tx, other, about("SVC-1")) for _ in range(2)]
        own = [await raised(tx, tenant, about("SVC-1")) for _ in range(2)]
    await run(database)
    assert not any(await marks(database, *unnamed, old, typed, *foreign, *own))


@pytest.mark.parametrize(("rule", "expected"), [(ChronicRule(0, 45), False), (ChronicRule(2, 1), True)])
async def test_the_settings_say_how_many_tickets_in_how_many_days(
    database: Database, tenant: Tenant, rule: ChronicRule, *, expected: bool
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant, about("CPE-7"), days=0.9)
        last = await raised(tx, tenant, about("CPE-7"))
    await run(database, rule)
    assert await marks(database, last) == [expected]


async def test_what_a_process_did_before_it_died_is_not_done_again(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, about("CPE-7")) for _ in range(3)]
    async with database.transaction() as tx:  # as the worker does, which dies before its offset is stored
        assert await chronic.mark_new_ticket(tx, tenant.company.id, numbers[-1], RULE, now=NOW)
    await run(database)
    assert await marks(database, *numbers) == [True, True, True]
    assert len(await service_events(database, tenant)) == 1
    async with database.statement() as tx:
        assert [await later_events(tx, number) for number in numbers] == [[MARKED]] * 3


async def test_a_locked_ticket_delays_no_other(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_lock_timeout(tx: Tx) -> None:
        await tx.fetchval("set local lock_timeout = '20ms'")

    monkeypatch.setattr(transactions, "set_lock_timeout", set_lock_timeout)
    async with database.transaction() as tx:
        await run(database)
        held = [await raised(tx, tenant, about("CPE-7")) for _ in range(3)]
        free = [await raised(tx, tenant, about("CPE-8")) for _ in range(3)]
    async with database.transaction() as holder:
        await ticket_changes.lock_ticket(holder, OPERATOR, held[-1])
        async with asyncio.timeout(patient(10)):
            await run(database)
    assert await marks(database, *held, *free) == [False] * 3 + [True] * 3
    async with database.transaction() as tx:
        later = await raised(tx, tenant, about("CPE-7"))
    await run(database)
    assert await marks(database, *held, later) == [True] * 4


async def test_chronic_tickets_are_found_by_the_search(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        plain = await raised(tx, tenant, about("CPE-1", "Chronicle"))
        numbers = [await raised(tx, tenant, about("CPE-7", "Chronicle")) for _ in range(3)]
    await run(database)
    await follow(database)
    code = tenant.company.code
    assert sorted(await numbers_found(database, f"is:chronic company:{code}")) == numbers
    assert await numbers_found(database, f"-is:chronic company:{code}") == [plain]
    assert sorted(await numbers_found(database, f"is:chronic Chronicle company:{code}")) == numbers


async def test_only_tickets_whose_type_counts_as_a_fault_count(database: Database, tenant: Tenant) -> None:
    request = replace(about("CPE-8"), issue_type=IssueType.OPERATIONAL_REQUEST)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, new, days=3) for new in (request, about("CPE-8"), request, about("CPE-8"))]
        entry = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, IssueType.REQUEST_REASON_OF_OUTAGE)
        assert not entry.counts_as_fault, "the published requests do not count"
    await run(database)
    assert await marks(database, *numbers) == [False] * 4
    async with database.transaction() as tx:
        third = await raised(tx, tenant, about("CPE-8"))
        later = await raised(tx, tenant, request)
    await run(database)
    assert await marks(database, *numbers, third, later) == [False, True, False, True, True, False]
    [event] = await service_events(database, tenant)
    assert event["changes"][0]["after"] == [ticket_number(number) for number in (numbers[1], numbers[3], third)]
