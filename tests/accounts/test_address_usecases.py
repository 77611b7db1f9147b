"""Whose addresses are confirmed, who may confirm them, and how many a company may have invited."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import address_usecases as addresses
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import DEFAULT_LIMITS
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.errors import Forbidden, InvalidInput
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role, User
from clearline.limit_errors import TooManyInvitations, TooManyUsers
from clearline.platform.database.transactions import Database, Tx
from tests.builders.people import NOW, Tenant, new_person


def address() -> str:
    return f"{uuid4().hex[:8]}@example.com"


async def admin_of(tx: Tx, tenant: Tenant) -> Actor:
    return await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=tenant.company.code)


async def add(tx: Tx, actor: Actor, tenant: Tenant, email: str | None = None) -> User:
    company_id = tenant.company.id
    return await accounts.add_user(tx, actor, company_id, name="Kim", email=email or address(), phone="", now=NOW)


async def change(tx: Tx, actor: Actor, user: User, **values: Any) -> User:
    return await accounts.change_user(tx, actor, user.company_id, user.id, values, now=NOW)


async def mails(tx: Tx, tenant: Tenant) -> Sequence[tuple[str, str]]:
    rows = await tx.fetch("select kind, address from account_mail where company_id = $1", tenant.company.id)
    return sorted((row[0], row[1]) for row in rows)


async def test_a_user_is_confirmed_only_if_the_provider_adds_it(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        for actor, is_confirmed in ((OPERATOR, True), (await new_person(tx, role=Role.ADMIN), True), (customer, False)):
            user = await add(tx, actor, fresh)
            assert user.is_confirmed is is_confirmed
            assert await accounts.get_user(tx, OPERATOR, fresh.company.id, user.id) == user
        assert await mails(tx, fresh) == [("invitation", user.email)]
        [event] = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id), None, 1)
    assert {"field": "is_confirmed", "before": None, "after": False} in event.data["changes"]


async def test_another_address_is_unconfirmed_if_a_customer_sets_it(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer, user = await admin_of(tx, fresh), await add(tx, OPERATOR, fresh)
        old, new = user.email, address()
        assert (await change(tx, customer, user, email=old.upper(), phone="+1-555-0101")).is_confirmed
        assert await mails(tx, fresh) == []
        changed = await change(tx, customer, user, email=new, is_confirmed=True)
        assert (changed.email, changed.is_confirmed) == (new, False)
        assert await mails(tx, fresh) == [("address_changed", old), ("invitation", new)]
        later = address()
        assert not (await change(tx, customer, changed, email=later)).is_confirmed
        assert await mails(tx, fresh) == sorted([("address_changed", old), ("invitation", new), ("invitation", later)])


async def test_the_provider_vouches_for_an_address_that_it_sets(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        user, old = await add(tx, OPERATOR, fresh), None
        old = user.email
        assert (await change(tx, OPERATOR, user, email=address())).is_confirmed
        assert await mails(tx, fresh) == [("address_changed", old)]
        claimed = await add(tx, customer, fresh)
        assert (await change(tx, OPERATOR, claimed, email=address())).is_confirmed


async def test_only_the_provider_confirms_by_its_word(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer, agent = await admin_of(tx, fresh), await new_person(tx, "Mara Lind", Role.ADMIN)
        claimed = await add(tx, customer, fresh)
        with pytest.raises(Forbidden):
            await change(tx, customer, claimed, is_confirmed=True)
        assert await change(tx, customer, claimed, is_confirmed=False) == claimed
        assert (await change(tx, agent, claimed, is_confirmed=True)).is_confirmed
        [event] = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id), None, 1)
        assert (event.type, event.actor_name) == ("user.changed", "Mara Lind")
        assert event.data["changes"] == [{"field": "is_confirmed", "before": False, "after": True}]
        with pytest.raises(Forbidden):
            await change(tx, customer, claimed, is_confirmed=False)
        assert not (await change(tx, agent, claimed, is_confirmed=False)).is_confirmed


async def test_the_provider_s_people_are_always_confirmed(database: Database) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        assert agent.user is not None
        with pytest.raises(InvalidInput):
            await accounts.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, {"is_confirmed": False}, now=NOW)


async def test_an_address_is_invited_once_by_each_company(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        customer, other = await admin_of(tx, fresh), await admin_of(tx, other_tenant)
        first, second = address(), address()
        user = await add(tx, customer, fresh, first)
        for email in (second, first.upper(), second, first):
            user = await change(tx, customer, user, email=email)
        assert await mails(tx, fresh) == sorted([("invitation", first), ("invitation", second)])
        await add(tx, other, other_tenant, first)
        assert ("invitation", first) in await mails(tx, other_tenant)


async def test_confirming_changes_nothing_for_a_user_with_another_address(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        claimed = await add(tx, customer, fresh)
        moved = await change(tx, customer, claimed, email=address())
        assert not (await addresses.confirm_address(tx, fresh.company, claimed, now=NOW)).is_confirmed
        inactive = await change(tx, customer, moved, is_active=False)
        assert not (await addresses.confirm_address(tx, fresh.company, inactive, now=NOW)).is_confirmed
        active = await change(tx, customer, moved, is_active=True)
        assert (await addresses.confirm_address(tx, fresh.company, active, now=NOW)).is_confirmed
        [event] = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id), None, 1)
    assert (event.actor_id, event.actor_name) == (claimed.id, "Kim")


async def test_a_company_adds_a_limited_number_of_users(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        await tx.write(
            """insert into app_user (company_id, id, name, email, phone, role, created_at)
               select $1, gen_random_uuid(), 'User', n || '@bulk.example.com', '', 'customer', now()
                 from generate_series(1, $2::int) n""",
            fresh.company.id,
            DEFAULT_LIMITS.users - 2,
        )
        with pytest.raises(TooManyUsers):
            await add(tx, customer, fresh)
        assert (await add(tx, OPERATOR, fresh)).is_confirmed


@pytest.mark.parametrize("by", ["adding", "changing"])
async def test_a_company_has_a_limited_number_of_addresses_invited(database: Database, fresh: Tenant, by: str) -> None:
    async with database.transaction() as tx:
        customer, user = await admin_of(tx, fresh), await add(tx, OPERATOR, fresh)
        await tx.write(
            """insert into account_mail (company_id, id, kind, address, created_at)
               select $1, gen_random_uuid(), 'invitation', n || '@bulk.example.com', $3
                 from generate_series(1, $2::int) n""",
            fresh.company.id,
            DEFAULT_LIMITS.invitations,
            NOW - timedelta(hours=23),
        )
    with pytest.raises(TooManyInvitations):
        async with database.transaction() as tx:
            await (add(tx, customer, fresh) if by == "adding" else change(tx, customer, user, email=address()))
    async with database.transaction() as tx:
        await tx.write("update account_mail set created_at = $1", NOW - timedelta(days=1))
        assert not (await add(tx, customer, fresh)).is_confirmed
