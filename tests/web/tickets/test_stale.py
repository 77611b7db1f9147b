"""Two people who fill in the same form: the second is told what is stored by now, and loses nothing that was typed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from clearline.companies import usecases as companies
from clearline.fields import usecases as fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, Waiting, ticket_number
from clearline.tickets.progress.facts import StatusFacts
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.companies import COMPANY, new_portal_company
from tests.builders.web.pages import Page, Person, person, session_of
from tests.builders.web.typed_forms import form_pairs, send_pairs

MEANWHILE = "Somebody changed this meanwhile."


@pytest.fixture(autouse=True)
async def own(database: Database) -> AsyncIterator[None]:
    """Have two fields that customers edit, of tickets and of companies, and leave none behind."""
    await no_fields(database)
    regions = (Option("emea", "Europe"), Option("apac", "Asia"))
    async with database.transaction() as tx:
        for kind in (RecordKind.TICKET, RecordKind.COMPANY):
            for key, more in (
                ("reference", {"type": FieldType.TEXT}),
                ("area", {"type": FieldType.CHOICE, "options": regions}),
            ):
                new = {
                    "record": kind, "key": key, "label": f"The {key}", "visible_to": FieldAudience.CUSTOMER,
                    "edited_by": FieldAudience.CUSTOMER, **more,
                }  # fmt: skip
                await fields.add_field(tx, OPERATOR, new, now=NOW)
    yield
    await no_fields(database)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT)


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> Person:
    return await session_of(client, database, tenant.user)


@pytest.fixture
async def number(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        values = {"reference": "BIR-1", "area": "emea"}
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": values}, now=NOW)
    return number


async def test_two_admins_of_a_company_do_not_overwrite_each_other(
    client: httpx.AsyncClient, database: Database
) -> None:
    company = await new_portal_company(client, database)
    company_id, path = company.tenant.company.id, f"{COMPANY}/fields"
    old = form_pairs((await company.admin.get(COMPANY)).text, path)
    async with database.transaction() as tx:
        values = {"fields": {"reference": "ERP-1", "area": "emea"}}
        await companies.change_company(tx, OPERATOR, company_id, values, now=NOW)
    refused = await send_pairs(company.admin, path, old, **{"fields.reference": "ERP-2"})
    assert refused.status_code == 409
    page = Page(refused.text)
    assert MEANWHILE in page.text
    assert "Now stored: ERP-1" in page.text
    assert "Now stored: Europe" in page.text
    again = form_pairs(refused.text, path)
    assert ("fields.reference", "ERP-2") in again
    saved = await send_pairs(company.admin, path, again, **{"fields.area": "emea"})
    assert saved.status_code == 303, Page(saved.text).text
    async with database.statement() as tx:
        stored = await companies.get_company_details(tx, OPERATOR, company_id)
    assert stored.fields == {"reference": "ERP-2", "area": "emea"}
    without = [pair for pair in again if pair[0] != "version"]
    assert (await send_pairs(company.admin, path, without)).status_code == 409


async def test_a_wrong_value_keeps_the_version_that_the_form_was_made_from(
    client: httpx.AsyncClient, database: Database
) -> None:
    company = await new_portal_company(client, database)
    path = f"{COMPANY}/fields"
    old = form_pairs((await company.admin.get(COMPANY)).text, path)
    wrong = await send_pairs(company.admin, path, old, **{"fields.reference": "x" * 300})
    assert wrong.status_code == 422
    async with database.transaction() as tx:
        values = {"fields": {"area": "apac"}}
        await companies.change_company(tx, OPERATOR, company.tenant.company.id, values, now=NOW)
    again = form_pairs(wrong.text, path)
    assert (await send_pairs(company.admin, path, again, **{"fields.reference": "ERP-2"})).status_code == 409


@pytest.mark.parametrize("side", ["console", "portal"])
async def test_own_fields_of_a_ticket_are_not_overwritten(
    database: Database, agent: Person, customer: Person, number: int, side: str
) -> None:
    who, form = (agent, "console") if side == "console" else (customer, "portal")
    path = f"/{form}/tickets/{ticket_number(number)}/fields"
    shown = path if form == "console" else path.removesuffix("/fields")
    old = form_pairs((await who.get(shown)).text, path)
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": {"area": "apac"}}, now=NOW)
    refused = await send_pairs(who, path, old, **{"fields.reference": "BIR-2"})
    assert refused.status_code == 409
    page = Page(refused.text)
    assert MEANWHILE in page.text
    assert "ow stored: Asia" in page.text
    again = form_pairs(refused.text, path)
    assert {("fields.reference", "BIR-2"), ("fields.area", "emea")} <= {*again}
    saved = await send_pairs(who, path, again, **{"fields.area": "apac"})
    assert saved.status_code == 303, Page(saved.text).text
    async with database.statement() as tx:
        stored = (await tickets.get_ticket(tx, OPERATOR, number)).ticket.fields
    assert stored == {"reference": "BIR-2", "area": "apac"}


@pytest.mark.parametrize("side", ["console", "portal"])
async def test_the_facts_of_a_fault_are_not_overwritten(
    database: Database, agent: Person, customer: Person, number: int, side: str
) -> None:
    who, other = (agent, customer) if side == "console" else (customer, agent)
    path = f"/{side}/tickets/{ticket_number(number)}/fault"
    shown = path if side == "console" else path.removesuffix("/fault")
    beside = f"/{'portal' if side == 'console' else 'console'}/tickets/{ticket_number(number)}/fault"
    old = form_pairs((await who.get(shown)).text, path)
    assert (await other.post(beside, observed_impact="down", testing_consent="yes")).status_code == 303
    refused = await send_pairs(who, path, old, site_access_contact="Reception")
    assert refused.status_code == 409
    page = Page(refused.text)
    assert MEANWHILE in page.text
    assert "ow stored: Down" in page.text
    again = form_pairs(refused.text, path)
    assert ("site_access_contact", "Reception") in again
    saved = await send_pairs(who, path, again, observed_impact="down", testing_consent="yes")
    assert saved.status_code == 303, Page(saved.text).text
    async with database.statement() as tx:
        fault = (await tickets.get_ticket(tx, OPERATOR, number)).ticket.fault
    assert (fault.observed_impact, fault.site_access and fault.site_access.contact) == ("down", "Reception")


async def test_why_a_ticket_waits_is_not_overwritten(database: Database, agent: Person, number: int) -> None:
    facts = StatusFacts(None, Waiting("third_party", "Splices"))
    async with database.transaction() as tx:
        for status, given in ((Status.IN_PROGRESS, StatusFacts()), (Status.HELD, facts)):
            await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", facts=given, now=NOW)
    path = f"/console/tickets/{ticket_number(number)}/status/facts"
    old = form_pairs((await agent.get(f"{path.removesuffix('/facts')}?status=held")).text, path)
    async with database.transaction() as tx:
        values = {"waiting": {"reason": "third_party", "text": "A boat"}}
        await ticket_changes.change_facts(tx, OPERATOR, number, values, now=NOW)
    refused = await send_pairs(agent, path, old, waiting_text="A crew")
    assert refused.status_code == 409
    assert MEANWHILE in Page(refused.text).text
    assert "ow stored: A boat" in Page(refused.text).text
    saved = await send_pairs(agent, path, form_pairs(refused.text, path))
    assert saved.status_code == 303, Page(saved.text).text
    async with database.statement() as tx:
        waiting = (await tickets.get_ticket(tx, OPERATOR, number)).ticket.waiting
    assert waiting is not None
    assert (waiting.reason, waiting.text) == ("third_party", "A crew")


async def test_a_saved_view_is_not_overwritten(client: httpx.AsyncClient, database: Database) -> None:
    admin = await person(client, database, Role.ADMIN)
    answer = await admin.post("/console/views?list=open", name="Mine", query="status:open")
    path = answer.headers["location"]
    old = form_pairs((await admin.get(path)).text, path)
    assert ("name", "Mine") in old
    changed = await send_pairs(admin, path, old, query="status:pending")
    assert changed.status_code == 303, Page(changed.text).text
    refused = await send_pairs(admin, path, old, name="Ours")
    assert refused.status_code in {409, 422}
    assert "changed this meanwhile" in Page(refused.text).text
    again = form_pairs((await admin.get(path)).text, path)
    assert {("name", "Mine"), ("query", "status:pending")} <= {*again}


async def test_the_columns_of_a_saved_view_are_not_overwritten(client: httpx.AsyncClient, database: Database) -> None:
    admin = await person(client, database, Role.ADMIN)
    saved = await admin.post("/console/views?list=open", name="Columns", query="status:open")
    path = saved.headers["location"]
    choose = f"/console/columns?list={path.removeprefix('/console/')}"
    old = form_pairs((await admin.get(path)).text, "/console/columns")
    assert (await send_pairs(admin, choose, old, column=["number", "queue"])).status_code == 303
    refused = await send_pairs(admin, choose, old, column=["number", "contact"])
    assert refused.status_code == 409
    assert "changed this meanwhile" in Page(refused.text).text
    again = form_pairs((await admin.get(path)).text, "/console/columns")
    assert [value for name, value in again if name == "column"] == ["number", "queue"]


@pytest.mark.parametrize("path", ["/console/me", "/portal/me"])
async def test_what_an_admin_changed_of_a_person_is_not_overwritten(
    database: Database, agent: Person, customer: Person, path: str
) -> None:
    who = agent if path.startswith("/console") else customer
    action = f"{path}/person"
    old = form_pairs((await who.get(path)).text, action)
    async with database.transaction() as tx:
        await tx.write("update app_user set phone = '+1-555-0177' where id = $1", who.user.id)
    refused = await send_pairs(who, action, old, name="Nia Roy")
    assert refused.status_code == 409
    assert "ow stored: +1-555-0177" in Page(refused.text).text
    again = form_pairs(refused.text, action)
    assert ("name", "Nia Roy") in again
    assert (await send_pairs(who, action, again, phone="+1-555-0177")).status_code == 303


async def test_the_reason_of_a_reminder_is_not_overwritten(agent: Person, number: int) -> None:
    path = f"/console/tickets/{ticket_number(number)}"
    at = {"reminder": "save", "reminder_at": f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"}
    assert (await agent.post(f"{path}/reminder", **at, reminder_reason="Ask", shown="")).status_code == 303
    old = form_pairs((await agent.get(path)).text, f"{path}/reminder")
    assert (await agent.post(f"{path}/reminder", **at, reminder_reason="Call")).status_code == 303
    refused = await send_pairs(agent, f"{path}/reminder", old, reminder="save")
    assert refused.status_code == 409
    assert "somebody changed the reminder to" in Page(refused.text).text
