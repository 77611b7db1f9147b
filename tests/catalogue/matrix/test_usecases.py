"""The priority matrix against a real PostgreSQL: who changes it, what is kept in memory, and what new tickets get."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from clearline.accounts.key_ring import KeyRing
from clearline.catalogue.assessment import Impact, Priority, Severity, Stated
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import Cell, matrix_of
from clearline.companies import usecases as companies
from clearline.errors import Forbidden, InvalidInput, ScopeMissing
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.presence.presence_board import PresenceBoard
from clearline.schedule import ServerListener
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import NewTicket, Ticket
from tests.builders.catalogue.matrix import new_tier, set_matrix, without_matrix
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import a_new_ticket
from tests.patience import patient

_CELL = Cell(None, Impact.DEGRADED, Priority.HIGH, Priority.CRITICAL, Severity.EXTENSIVE)


@pytest.fixture
async def matrix_database(database: Database) -> AsyncIterator[Database]:
    """Yield a database whose matrix ends with the test."""
    yield database
    await without_matrix(database)


async def created(tx: Tx, tenant: Tenant, new: NewTicket) -> Ticket:
    return (await tickets.create_ticket(tx, OPERATOR, new, company_id=tenant.company.id, now=NOW)).ticket


def assessed(ticket: Ticket) -> tuple[str, str, str]:
    return ticket.severity, ticket.impact, ticket.priority


async def test_a_new_ticket_begins_with_what_the_matrix_says(matrix_database: Database, tenant: Tenant) -> None:
    asked = replace(a_new_ticket(), asked_priority=Priority.HIGH)
    usual = ("moderate", "degraded", "medium")
    async with matrix_database.transaction() as tx:
        assert assessed(await created(tx, tenant, asked)) == usual
        tier = await new_tier(tx, tenant.company.id)
        await set_matrix(tx, _CELL, Cell(tier, Impact.DEGRADED, Priority.LOW, Priority.LOW))
        assert assessed(await created(tx, tenant, asked)) == ("extensive", "degraded", "critical")
        assert assessed(await created(tx, tenant, a_new_ticket())) == usual
        low = replace(asked, asked_priority=Priority.LOW)
        assert assessed(await created(tx, tenant, low)) == ("moderate", "degraded", "low")
        await set_matrix(tx)
        assert assessed(await created(tx, tenant, asked)) == usual


async def test_what_staff_state_stands_and_the_matrix_goes_by_their_impact(
    matrix_database: Database, tenant: Tenant
) -> None:
    asked = replace(a_new_ticket(), asked_priority=Priority.HIGH)
    async with matrix_database.transaction() as tx:
        await set_matrix(tx, _CELL, Cell(None, Impact.DOWN, Priority.HIGH, Priority.LOW))
        for stated, expected in (
            (Stated(priority=Priority.LOW), ("extensive", "degraded", "low")),
            (Stated(severity=Severity.MINOR), ("minor", "degraded", "critical")),
            (Stated(impact=Impact.DOWN), ("moderate", "down", "low")),
            (Stated(Severity.MINOR, Impact.DOWN, Priority.HIGH), ("minor", "down", "high")),
        ):
            assert assessed(await created(tx, tenant, replace(asked, stated=stated))) == expected
            with pytest.raises(Forbidden, match="severity, impact and priority"):
                await tickets.create_ticket(tx, tenant.actor, replace(asked, stated=stated), now=NOW)


async def test_tickets_that_exist_stay_as_they_are(matrix_database: Database, tenant: Tenant) -> None:
    asked = replace(a_new_ticket(), asked_priority=Priority.HIGH)
    async with matrix_database.transaction() as tx:
        before = await created(tx, tenant, asked)
        await set_matrix(tx, _CELL)
        assert (await tickets.get_ticket(tx, OPERATOR, before.number)).ticket == before


async def test_a_change_is_in_the_audit_and_one_that_changes_nothing_is_not(matrix_database: Database) -> None:
    async with matrix_database.transaction() as tx:
        statement = "select actor_name, data::text from event where type = 'priority_matrix.changed' and id > $1"
        before = await tx.fetchval("select max(id) from event")
        for _ in range(2):
            assert await set_matrix(tx, _CELL) == matrix_of([_CELL])
        rows = await tx.fetch(statement, before)
    assert [row[0] for row in rows] == ["operator"]
    assert '"*.degraded.high.priority"' in rows[0][1]
    assert '"critical"' in rows[0][1]


async def test_only_admins_change_the_matrix_and_customers_do_not_see_it(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        agent, reader = await new_person(tx), await new_person(tx, role=Role.ADMIN, scopes=frozenset())
        assert await matrix.get_matrix(tx, agent) == matrix_of([])
        with pytest.raises(Forbidden):
            await matrix.get_matrix(tx, tenant.actor)
        for actor in (agent, tenant.actor):
            with pytest.raises(Forbidden):
                await matrix.replace_matrix(tx, actor, [_CELL], now=NOW)
        with pytest.raises(ScopeMissing):
            await matrix.replace_matrix(tx, reader, [_CELL], now=NOW)
        with pytest.raises(InvalidInput, match=r"cells\.0\.tier"):
            await matrix.replace_matrix(tx, OPERATOR, [replace(_CELL, tier="nothing")], now=NOW)


class _Counted:
    """Counts the statements of a transaction."""

    def __init__(self, connection: object) -> None:
        self._connection, self.statements = connection, 0

    def __getattr__(self, name: str) -> object:
        if name in {"fetch", "fetchrow", "fetchval", "execute", "executemany"}:
            self.statements += 1
        return getattr(self._connection, name)


async def test_a_process_with_notifications_needs_no_statement_more(matrix_database: Database, tenant: Tenant) -> None:
    database = matrix_database
    listener = ServerListener(database, KeyRing(database), PresenceBoard(), lambda: None)
    assert await listener.connect() == 1

    async def statements() -> int:
        async with database.transaction() as tx:
            counted = _Counted(tx._connection)  # noqa: SLF001 - what a transaction sends is nowhere else
            tx._connection = counted  # noqa: SLF001
            new = replace(a_new_ticket(), asked_priority=Priority.HIGH)
            ticket = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket
            tx._connection = counted._connection  # noqa: SLF001
        seen.append(assessed(ticket))
        return counted.statements

    async def until(expected: int) -> None:
        """Raise tickets until the notification of the change has come, and no more statement is needed for it."""
        async with asyncio.timeout(patient(10)):
            while await statements() != expected:
                pass

    seen: list[tuple[str, str, str]] = []
    try:
        await statements()
        without = await statements()
        async with database.transaction() as tx:
            tier = await new_tier(tx, tenant.company.id)
            await set_matrix(tx, _CELL, replace(_CELL, tier=tier, priority=Priority.LOW))
        await until(without)
        async with database.transaction() as tx:
            await companies.change_company(tx, OPERATOR, tenant.company.id, {"tier": None}, now=NOW)
        await until(without)
    finally:
        await listener.close()
    usual = ("moderate", "degraded", "medium")
    low, critical = ("extensive", "degraded", "low"), ("extensive", "degraded", "critical")
    assert list(dict.fromkeys(seen)) == [usual, low, critical]
