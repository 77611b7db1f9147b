import asyncio

import pytest

from clearline.events import offset_store
from clearline.identity import OPERATOR
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, Tx
from clearline.queues.domain import Assignment
from clearline.routing import usecases as routing
from clearline.routing.worker import NAME, routing_job
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from tests.builders.databases import administer
from tests.builders.people import NOW, Tenant, id_of, new_person
from tests.builders.queues import new_queue, new_rule
from tests.builders.tickets import raised
from tests.patience import patient


@pytest.fixture(autouse=True)
async def _no_rules(database_url: str) -> None:
    await administer(database_url, "delete from routing_rule")


async def run_worker(database: Database) -> int:
    """Run the job until nothing is left, and return how many tickets it processed."""
    job = routing_job(database, lambda: NOW)
    total = 0
    while done := await job.run():
        total += done
    return total


async def routed_to(database: Database, *numbers: int) -> list[tuple[str | None, str | None]]:
    async with database.statement() as tx:
        views = [await tickets.get_ticket(tx, OPERATOR, number) for number in numbers]
    return [(view.queue_name, view.assignee_name) for view in views]


async def test_new_tickets_are_routed_and_assigned(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann, ben = await new_person(tx, "Ann"), await new_person(tx, "Ben")
        name = (queue := await new_queue(tx, ann, ben, assignment=Assignment.ROUND_ROBIN)).queue.name
        await new_rule(tx, queue)
        numbers = [await raised(tx, tenant) for _ in range(3)]
    assert await run_worker(database) > 0
    assert await routed_to(database, *numbers) == [(name, "Ann"), (name, "Ben"), (name, "Ann")]
    assert await run_worker(database) == 0


async def test_a_ticket_that_a_person_moves_to_a_queue_is_assigned(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        queue = (await new_queue(tx, ann, assignment=Assignment.LEAST_LOADED)).queue
        moved, owned, taken_out = [await raised(tx, tenant) for _ in range(3)]
    await run_worker(database)
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, ann, moved, {"queue_id": queue.id}, now=NOW)
        for values in ({"queue_id": queue.id}, {"queue_id": None}):
            await ticket_changes.change_ticket(tx, ann, taken_out, values, now=NOW)
        ben = await new_person(tx, "Ben")
        await ticket_changes.change_ticket(tx, ann, owned, {"queue_id": queue.id, "assignee_id": id_of(ben)}, now=NOW)
    await run_worker(database)
    assert await routed_to(database, moved, owned, taken_out) == [
        (queue.name, "Ann"),
        (queue.name, "Ben"),
        (None, None),
    ]


async def test_a_ticket_that_was_unassigned_is_not_assigned_again(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        ann = await new_person(tx, "Ann")
        await new_rule(tx, queue := await new_queue(tx, ann, assignment=Assignment.ROUND_ROBIN))
        number = await raised(tx, tenant)
    await run_worker(database)
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, ann, number, None, now=NOW)
    await run_worker(database)
    assert await routed_to(database, number) == [(queue.queue.name, None)]


async def test_a_ticket_that_cannot_be_routed_stops_no_other(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        name = (queue := await new_queue(tx)).queue.name
        await new_rule(tx, queue)
        broken, sound = await raised(tx, tenant), await raised(tx, tenant)
        # The schema allows this address and the domain does not, so every change of the ticket is refused.
        await tx.write("update ticket set contact_email = 'nonsense' where number = $1", broken)
    await run_worker(database)
    assert await routed_to(database, broken, sound) == [(None, None), (name, None)]
    async with database.transaction() as tx:
        await tx.write("update ticket set contact_email = 'ada@example.com' where number = $1", broken)
        await routing.route_ticket(tx, OPERATOR, broken, now=NOW)
    assert await routed_to(database, broken) == [(name, None)]


async def test_a_locked_ticket_delays_no_other_ticket(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def set_lock_timeout(tx: Tx) -> None:
        await tx.fetchval("set local lock_timeout = '20ms'")

    monkeypatch.setattr(transactions, "set_lock_timeout", set_lock_timeout)
    async with database.transaction() as tx:
        name = (queue := await new_queue(tx)).queue.name
        await new_rule(tx, queue)
        held, free = await raised(tx, tenant), await raised(tx, tenant)
    async with database.transaction() as holder:
        await ticket_changes.lock_ticket(holder, OPERATOR, held)
        async with asyncio.timeout(patient(5)):
            await run_worker(database)
    assert await routed_to(database, held, free) == [(None, None), (name, None)]


async def test_only_one_of_two_processes_routes(database: Database, tenant: Tenant) -> None:
    await run_worker(database)
    async with database.transaction() as tx:
        await new_rule(tx, await new_queue(tx))
        number = await raised(tx, tenant)
    async with database.transaction() as other:
        assert await offset_store.lock(other, NAME) is not None
        assert await run_worker(database) == 0
    assert await run_worker(database) > 0
    assert (await routed_to(database, number))[0][0] is not None
