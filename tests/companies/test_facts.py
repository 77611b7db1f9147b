"""The facts of companies: tier, time zone, language, addresses for notices; who may set which."""

from typing import Any

import pytest

from clearline.accounts.domain import NoticeAddresses
from clearline.accounts.tiers import usecases as tiers
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.companies import usecases as companies
from clearline.errors import Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, Actor, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant, new_person

FACTS = {
    "tier": "silver", "time_zone": "Europe/Amsterdam", "language": "de",
    "notice_addresses": {"incidents": ["noc@example.com", "noc2@example.com"], "billing": ["pay@example.com"]},
}  # fmt: skip


async def boss_of(database: Database, tenant: Tenant) -> Actor:
    async with database.transaction() as tx:
        return await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)


async def test_the_facts_of_a_company_are_stored_with_their_event(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        changed = await companies.change_company(tx, OPERATOR, fresh.company.id, FACTS, now=NOW)
        assert await companies.get_company_details(tx, OPERATOR, fresh.company.id) == changed
        more = {"notice_addresses": {"maintenance": ["plan@example.com"], "billing": None}}
        again = await companies.change_company(tx, OPERATOR, fresh.company.id, more, now=NOW)
        events = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id, type="company."), None, 9)
    assert (changed.tier, changed.time_zone, changed.language) == ("silver", "Europe/Amsterdam", "de")
    assert changed.notice_addresses == NoticeAddresses(
        ("noc@example.com", "noc2@example.com"), (), ("pay@example.com",)
    )
    assert again.notice_addresses == NoticeAddresses(("noc@example.com", "noc2@example.com"), ("plan@example.com",))
    [addresses] = events[0].data["changes"]
    assert addresses["before"] == {"incidents": ["noc@example.com", "noc2@example.com"], "billing": ["pay@example.com"]}
    assert {change["field"] for change in events[1].data["changes"]} == set(FACTS)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tier": "tin"}, "tier"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"notice_addresses": {"billing": ["pay@example.com", "nobody"]}}, "notice_addresses.billing.1"),
        ({"notice_addresses": {"billing": ["pay@example.com", "Pay@Example.com"]}}, "notice_addresses.billing"),
        ({"notice_addresses": {"incidents": [f"a{n}@example.com" for n in range(21)]}}, "notice_addresses.incidents"),
    ],
)
async def test_a_wrong_fact_of_a_company_is_named(
    database: Database, fresh: Tenant, values: dict[str, Any], field: str
) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput) as refused:
            await companies.change_company(tx, OPERATOR, fresh.company.id, values, now=NOW)
        with pytest.raises(InvalidInput):
            await companies.add_company(tx, OPERATOR, "New", "NEWCODE", facts=values, now=NOW)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_retired_tier_stays_where_it_is_and_can_be_set_no_more(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        key = f"t{fresh.company.code.lower()}"
        await tiers.add_tier(tx, OPERATOR, key, f"Tier {key}", now=NOW)
        await companies.change_company(tx, OPERATOR, fresh.company.id, {"tier": key}, now=NOW)
        await tiers.change_tier(tx, OPERATOR, key, {"is_active": False}, now=NOW)
        renamed = await companies.change_company(tx, OPERATOR, fresh.company.id, {"time_zone": "UTC"}, now=NOW)
        assert renamed.tier == key
        with pytest.raises(InvalidInput):
            await companies.change_company(tx, OPERATOR, other_tenant.company.id, {"tier": key}, now=NOW)


async def test_the_admin_of_a_customer_sets_what_is_its_own_business(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    boss = await boss_of(database, fresh)
    own = {name: value for name, value in FACTS.items() if name != "tier"}
    async with database.transaction() as tx:
        changed = await companies.change_company(tx, boss, fresh.company.id, own, now=NOW)
        assert (changed.time_zone, changed.tier) == ("Europe/Amsterdam", None)
        for values in ({"tier": "gold"}, {"name": "Ours"}, {"code": "OURS"}, {**own, "tier": "gold"}):
            with pytest.raises(Forbidden):
                await companies.change_company(tx, boss, fresh.company.id, values, now=NOW)
        with pytest.raises(NotFound):
            await companies.change_company(tx, boss, other_tenant.company.id, own, now=NOW)
        with pytest.raises(Forbidden):
            await companies.change_company(tx, fresh.actor, fresh.company.id, own, now=NOW)
