"""What pages show of the facts of a service and of a company: to the provider's people, and to the customer."""

from datetime import date
from uuid import uuid4

import httpx
import pytest

from clearline.accounts.tiers import usecases as tiers
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.inventory.facts_domain import End
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import Notice, RuleRole
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, person, session_of

KEY = "for_pages"
LABEL = "For the pages"
FACTS = {
    "state": "suspended", "rate": 2_500_000_000, "tier": KEY, "is_protected": True,
    "installed_on": date(2024, 5, 17), "customer_label": "WAN-7",
    "carrier": "Fernhill Access", "carrier_circuit_id": "FH-4471",
    "a_end": End("Amsterdam 3", "ams-pe-1", "xe-0/0/1", "100.200"), "z_end": End("Singapore 1"),
}  # fmt: skip
SHOWN = (
    "State Suspended", "2.5 Gbit/s", f"Tier {LABEL}", "Protected path Yes", "2024-05-17", "WAN-7", "Amsterdam 3",
    "ams-pe-1 xe-0/0/1", "VLAN 100.200", "Singapore 1",
)  # fmt: skip
HIDDEN = ("Fernhill Access", "FH-4471")


@pytest.fixture
async def number(database: Database, fresh: Tenant) -> str:
    async with database.transaction() as tx:
        if KEY not in {tier.key for tier in await tiers.list_tiers(tx, OPERATOR)}:
            await tiers.add_tier(tx, OPERATOR, KEY, LABEL, now=NOW)
        await inventory.change_service(tx, OPERATOR, fresh.company.id, "SVC-1", FACTS, now=NOW)
        zone = {"tier": KEY, "time_zone": "Asia/Tokyo"}
        await companies.change_company(tx, OPERATOR, fresh.company.id, zone, now=NOW)
        return ticket_number(await raised(tx, fresh))


async def test_agents_see_the_facts_on_the_pages_of_the_service_and_of_its_ticket(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, number: str
) -> None:
    agent = await person(client, database, Role.AGENT)
    for path in (f"/console/companies/{fresh.company.id}/service?id=SVC-1", f"/console/tickets/{number}"):
        text = (await agent.page(path)).text
        assert [fact for fact in (*SHOWN, *HIDDEN) if fact not in text] == [], path
    text = (await agent.page(f"/console/tickets/{number}")).text
    assert text.count(f"Tier {LABEL}") == 2, "of the service and of the company"
    assert "JST" in text


@pytest.mark.usefixtures("number")
async def test_agents_see_the_facts_of_a_company_and_what_its_contacts_get(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    agent, path = await person(client, database, Role.AGENT), f"/console/companies/{fresh.company.id}"
    page = await agent.page(path)
    assert all(fact in page.text for fact in (f"Tier {LABEL}", "JST", "Time zone Asia/Tokyo")), page.text
    assert "Mail to the people" not in page.text, "all is as by default"
    async with database.transaction() as tx:
        notices = {"incidents": ["noc@example.com", "boss@example.com"], "billing": ["pay@example.com"]}
        values = {"language": "de", "notice_addresses": notices}
        await companies.change_company(tx, OPERATOR, fresh.company.id, values, now=NOW)
        rules = {RuleRole.CC: [Notice.RESOLVED], RuleRole.ON_DUTY: []}
        await preferences.change_contact_mail(tx, OPERATOR, fresh.company.id, rules=rules, now=NOW)
        label = f"Label {uuid4().hex[:8]}"
        await tiers.change_tier(tx, OPERATOR, KEY, {"label": label}, now=NOW)
    page = await agent.page(path)
    async with database.transaction() as tx:
        await tiers.change_tier(tx, OPERATOR, KEY, {"label": LABEL}, now=NOW)
        await preferences.change_contact_mail(tx, OPERATOR, fresh.company.id, mails=False, now=NOW)
    for text in (
        f"Tier {label}", "Language Deutsch", "Incidents noc@example.com boss@example.com", "Billing pay@example.com",
        "On duty No mail", "Copy (CC) Resolution",
    ):  # fmt: skip
        assert text in page.text
    assert "Technical contact" not in page.text
    assert "Everybody No mail" in (await agent.page(path)).text


async def test_customers_see_all_but_the_carrier(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, number: str
) -> None:
    customer = await session_of(client, database, fresh.user)
    text = (await customer.page("/portal/service?id=SVC-1")).text
    assert [fact for fact in SHOWN if fact not in text] == []
    assert [fact for fact in HIDDEN if fact in text] == []
    for fact in HIDDEN:
        assert "No service matches" in (await customer.page(f"/portal/services?q={fact}")).text
    assert "SVC-1" in (await customer.page("/portal/services?q=ams-pe-1")).text
    ticket = (await customer.page(f"/portal/tickets/{number}")).text
    assert [fact for fact in HIDDEN if fact in ticket] == []


async def test_admins_set_the_facts_of_a_service_in_its_form(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/companies/{fresh.company.id}/services"
    form = {"id": "FORM-1", "type": "Port", "label": "Form", "state": "ordered", "rate": "10G", "tier": "gold",
            "is_protected": "yes", "installed_on": "2024-05-17", "a_port": "xe-0/0/1", "a_vlan": "5000"}  # fmt: skip
    refused = await admin.post(path, **form, once=uuid4().hex)
    assert refused.status_code == 422
    assert 'id="about-a_vlan"' in refused.text
    assert 'value="10G"' in refused.text
    refused = await admin.post(path, **{**form, "rate": "fast", "a_vlan": ""}, once=uuid4().hex)
    assert "Must be bit/s as a whole number" in Page(refused.text).text
    added = await admin.post(path, **{**form, "a_vlan": "5"}, once=uuid4().hex)
    assert added.status_code == 303
    async with database.statement() as tx:
        stored = await inventory.get_service(tx, OPERATOR, fresh.company.id, "FORM-1")
    assert (stored.rate, stored.tier, stored.is_protected, stored.a_end) == (
        10**10, "gold", True, End(port="xe-0/0/1", vlan="5"),
    )  # fmt: skip
    page = await admin.page(added.headers["location"])
    assert {field["value"] for field in page.all("input") if field.get("name") in {"rate", "a_port"}} == {
        "10G", "xe-0/0/1",
    }  # fmt: skip


async def test_admins_set_the_tier_zone_and_notice_addresses_of_a_company(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/companies/{fresh.company.id}"
    page = await admin.page(path)
    version = next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")
    form = {"name": fresh.company.name, "code": fresh.company.code, "language": "", "tier": "gold",
            "time_zone": "Europe/Berlin", "incidents": "a@example.com\nb@example.com", "maintenance": "",
            "billing": "nobody", "version": version}  # fmt: skip
    refused = await admin.post(path, **form)
    assert refused.status_code == 422
    assert 'id="about-billing"' in refused.text
    assert (await admin.post(path, **{**form, "billing": "pay@example.com"})).status_code == 303
    async with database.statement() as tx:
        stored = await companies.get_company_details(tx, OPERATOR, fresh.company.id)
    assert (stored.tier, stored.time_zone, stored.notice_addresses.incidents, stored.notice_addresses.billing) == (
        "gold", "Europe/Berlin", ("a@example.com", "b@example.com"), ("pay@example.com",),
    )  # fmt: skip
