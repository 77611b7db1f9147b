"""The sections of issue types and of service types, and what the pages of both sides show of them."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import IssueEntry
from clearline.catalogue.entry_usecases import ISSUE_TYPES, SERVICE_TYPES
from clearline.catalogue.published import IssueType
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import ticket_number
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person, session_of

ISSUES, SERVICES = "/console/admin/issue-types", "/console/admin/service-types"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


@pytest.fixture(scope="module")
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


def form(name: str, **fields: str) -> dict[str, str]:
    usual = {
        "name": name, "key": "", "customer_name": "", "customer_name_de": "Faserbruch", "help": "No light",
        "help_de": "Kein Licht", "is_active": "on", "position": "", "severity": "significant", "impact": "down",
        "priority": "high", "console_connect": "Circuit Down", "once": uuid4().hex,
    }  # fmt: skip
    return usual | fields


async def stored(database: Database, path: str) -> IssueEntry:
    async with database.statement() as tx:
        return await entries.get_entry(tx, OPERATOR, ISSUE_TYPES, UUID(path.rsplit("/", 1)[1]))


async def add(admin: Person, **fields: str) -> str:
    answer = await admin.post(ISSUES, **form(**fields))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def test_an_issue_type_is_added_retired_and_deleted(database: Database, admin: Person) -> None:
    name = f"Fibre cut {uuid4().hex}"
    path = await add(admin, name=name, service_types="Port")
    entry = await stored(database, path)
    assert (entry.key, entry.priority, entry.console_connect) == (name, "high", IssueType.CIRCUIT_DOWN)
    assert (entry.service_types, entry.is_active) == (("Port",), True)
    assert f"{name} High" in (await admin.page(ISSUES)).text
    page = await admin.page(path)
    version = next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")
    fields = {key: value for key, value in form(name).items() if key not in {"is_active", "key", "once"}}
    assert (await admin.post(path, **fields, version=version)).status_code == 303
    assert not (await stored(database, path)).is_active
    assert f"{name} retired" in (await admin.page(ISSUES)).text.replace(" High", "")
    assert (await admin.post(f"{path}/delete")).status_code == 303
    assert name not in (await admin.page(ISSUES)).text


async def test_what_is_wrong_is_shown_at_its_field(admin: Person) -> None:
    refused = await admin.post(ISSUES, **form("Fibre, cut", position="last"))
    assert refused.status_code == 422
    assert "Must be a whole number from 0 to 9999." in Page(refused.text).text
    refused = await admin.post(ISSUES, **form("Fibre, cut"))
    assert "Must be without commas, quotation marks" in Page(refused.text).text
    refused = await admin.post(SERVICES, **form("port", console_connect="Port"))
    assert (refused.status_code, "exists already" in Page(refused.text).text) == (409, True)


async def test_a_published_type_stays(database: Database, admin: Person) -> None:
    async with database.statement() as tx:
        port = await entries.entry_called(tx, OPERATOR, SERVICE_TYPES, "Port")
    refused = await admin.post(f"{SERVICES}/{port.id}/delete")
    assert refused.status_code == 409
    assert "it is a word of the Console Connect API; retire it instead" in Page(refused.text).text


async def test_an_agent_sets_the_issue_of_a_ticket(database: Database, admin: Person, tenant: Tenant) -> None:
    name = f"Fibre cut {uuid4().hex}"
    await add(admin, name=name, service_types="CloudRouter")
    other = f"Loss of light {uuid4().hex}"
    await add(admin, name=other)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "A slow port")
    at = f"/console/tickets/{ticket_number(number)}"
    page = await admin.page(at)
    offered = [each["value"] for each in page.all("button") if each.get("name") == "issue"]
    assert other in offered
    assert name not in offered
    assert (await admin.post(f"{at}/issue", issue=other)).status_code == 303
    async with database.statement() as tx:
        assert (await tickets.get_ticket(tx, OPERATOR, number)).ticket.issue_type == other
    assert f"set the issue to {other}" in (await admin.page(at)).text
    refused = await admin.post(f"{at}/issue", issue=name)
    assert refused.status_code == 422
    stale = await admin.post(f"{at}/issue", issue="Unstable", shown="Others")
    assert (stale.status_code, f"somebody changed the issue to {other} meanwhile" in stale.text) == (409, True)


async def test_customers_read_the_names_in_their_language(
    client: httpx.AsyncClient, database: Database, admin: Person, tenant: Tenant
) -> None:
    name, german = f"Fibre cut {uuid4().hex}", f"Faserbruch {uuid4().hex}"
    await add(admin, name=name, customer_name="The fibre is cut", customer_name_de=german, service_types="Port")
    elsewhere = f"Wrong routes {uuid4().hex}"
    await add(admin, name=elsewhere, service_types="CloudRouter")
    customer = await session_of(client, database, tenant.user)
    await customer.post("/portal/me/language", language="de")
    text = (await customer.page("/portal/tickets/new?service=SVC-1")).text
    assert f"{german} Kein Licht Hoch" in text
    assert elsewhere not in text
    async with database.transaction() as tx:
        entry = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, name)
        await entries.change_entry(tx, OPERATOR, ISSUE_TYPES, entry.id, {"is_active": False}, now=now())
    assert german not in (await customer.page("/portal/tickets/new?service=SVC-1")).text
