"""The company of a ticket is read once in a transaction, and says nothing to a customer."""

from uuid import UUID

import pytest

from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from tests.builders.people import Tenant
from tests.builders.tickets import raised


async def test_the_staff_read_the_company_of_a_ticket_once_in_a_transaction(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    place_of = ticket_store.place_of

    async def counting(tx: Tx, number: int) -> tuple[UUID | None, UUID | None]:
        read.append(number)
        return await place_of(tx, number)

    monkeypatch.setattr(ticket_store, "place_of", counting)
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant), await raised(tx, tenant)
    for _transaction in range(2):
        read.clear()
        async with database.transaction() as tx:
            for asked in (number, number, other, number):
                assert await access.require_ticket(tx, OPERATOR, asked) == tenant.company.id
            assert (await access.lock_ticket(tx, OPERATOR, number)).number == number
        assert read == [number, other]


async def test_a_customer_learns_nothing_from_what_the_staff_read_in_its_transaction(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        assert await access.require_ticket(tx, OPERATOR, number) == tenant.company.id
        assert await access.ticket_company(tx, other_tenant.actor, number) == other_tenant.company.id
        for ask in (access.require_ticket, access.lock_ticket, tickets.get_ticket):
            with pytest.raises(NotFound):
                await ask(tx, other_tenant.actor, number)
            with pytest.raises(NotFound):
                await ask(tx, other_tenant.actor, 10**11)
        assert await access.require_ticket(tx, tenant.actor, number) == tenant.company.id


async def test_a_ticket_that_is_not_there_is_looked_for_again(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        missing = number + 1
        with pytest.raises(NotFound):
            await access.require_ticket(tx, OPERATOR, missing)
        async with database.transaction() as other:
            assert await raised(other, tenant) == missing
        assert await access.require_ticket(tx, OPERATOR, missing) == tenant.company.id
