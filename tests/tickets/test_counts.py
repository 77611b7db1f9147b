import asyncio
import random

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.tickets.reports import store as report_store
from clearline.tickets.status_domain import TRANSITIONS
from tests.builders.databases import Undone, undo
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised


async def create_and_move_at_random(database: Database, tenant: Tenant, chance: random.Random, *, steps: int) -> None:
    """Raise and move random tickets; some of the transactions are rolled back."""
    mine: dict[int, Status] = {}
    for _ in range(steps):
        change: dict[int, Status] = {}
        undone = chance.random() < 0.2
        try:
            async with database.transaction() as tx:
                movable = [number for number, status in mine.items() if TRANSITIONS[status]]
                if not movable or chance.random() < 0.4:
                    change[await raised(tx, tenant)] = Status.ACKNOWLEDGED
                else:
                    number = chance.choice(movable)
                    to = chance.choice(sorted(TRANSITIONS[mine[number]]))
                    await ticket_changes.move_ticket(tx, OPERATOR, number, to, reason="", now=NOW)
                    change[number] = to
                if undone:
                    undo()
        except Undone:
            continue
        mine.update(change)


async def assert_counts_agree(database: Database, *tenants: Tenant) -> None:
    async with database.transaction() as tx:
        assert await report_store.miscounted(tx) == []
        for tenant in tenants:
            for is_open in (True, False):
                page = await tickets.list_tickets_with_notes(tx, tenant.actor, is_open=is_open, page=1, page_size=1)
                actual = await tx.fetchval(
                    "select count(*) from ticket where company_id = $1 and is_open = $2", tenant.company.id, is_open
                )
                assert page.total == actual


async def test_counts_agree_after_random_creates_and_moves(database: Database) -> None:
    tenant = await new_tenant(database)
    await create_and_move_at_random(database, tenant, random.Random(1), steps=150)
    await assert_counts_agree(database, tenant)


async def test_counts_agree_after_concurrent_writers_of_two_companies(database: Database) -> None:
    tenants = [await new_tenant(database) for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        for seed in range(8):
            group.create_task(create_and_move_at_random(database, tenants[seed % 2], random.Random(seed), steps=40))
    await assert_counts_agree(database, *tenants)


async def test_concurrent_changes_of_one_ticket_change_the_count_once(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)

    async def cancel() -> None:
        async with database.transaction() as tx:
            await ticket_changes.move_ticket(tx, OPERATOR, number, Status.CANCELLED, reason="", now=NOW)

    outcomes = await asyncio.gather(cancel(), cancel(), cancel(), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert {str(outcome) for outcome in outcomes if outcome} == {"a ticket that is cancelled cannot become cancelled"}
    await assert_counts_agree(database, tenant)


async def test_a_count_changed_by_hand_is_detected(database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await raised(tx, tenant)
        await tx.write("update ticket_count set open = open + 1 where company_id = $1", tenant.company.id)
        assert await report_store.miscounted(tx) == [tenant.company.code]
        await tx.write("update ticket_count set open = open - 1 where company_id = $1", tenant.company.id)
