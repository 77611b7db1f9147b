"""Forms with conditions in the portal and in the console, without scripts: the server asks for the fields anew."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, RecordKind
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import ContactRole, People
from clearline.tickets.domain import TicketView
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import Condition, FormField
from clearline.tickets.list_store import Filter
from tests.builders.house import no_fields, no_forms
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.web.pages import Page, Person, person, session_of

PORTAL, CONSOLE = "/portal/tickets/new", "/console/tickets/new"
TYPED = {"once": "a key of this form", "service": "SVC-1", "title": "Port is down", "description": "No light"}
DOWN = {**TYPED, "issue_type": "Circuit Down"}
FIELDS = (
    FormField("title", is_required=True),
    FormField("description", is_required=True),
    FormField("dispatch_allowed", is_required=True),
    FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,))),
    FormField("fields.floor", when=Condition("site_access")),
    FormField("contacts", when=Condition("dispatch_allowed", (True,))),
    FormField("cc"),
)


@pytest.fixture(autouse=True)
async def defined(database: Database) -> AsyncIterator[None]:
    """Define a form of one issue type for both sides, and leave none behind."""
    async with database.transaction() as tx:
        values = {
            "record": RecordKind.TICKET, "key": "floor", "label": "Floor", "label_de": "Etage", "type": FieldType.TEXT,
            "visible_to": FieldAudience.CUSTOMER, "edited_by": FieldAudience.CUSTOMER,
        }  # fmt: skip
        await own_fields.add_field(tx, OPERATOR, values, now=NOW)
        for audience in FieldAudience:
            await forms.set_form(tx, OPERATOR, "Circuit Down", audience, FIELDS, now=NOW)
    yield
    await no_forms(database)
    await no_fields(database)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture(params=["portal", "console"])
async def side(
    request: pytest.FixtureRequest, client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> tuple[Person, str, dict[str, str]]:
    """Return somebody of each side, the address of the form, and what names the company."""
    if request.param == "portal":
        return await session_of(client, database, tenant.user), PORTAL, {}
    agent = await person(client, database, Role.AGENT)
    return agent, CONSOLE, {"company": str(tenant.company.id), "name": "Ada", "email": "ada@example.com"}


def names_in(page: Page) -> set[str]:
    """Return the names of the inputs that people see."""
    return {
        str(each.get("name"))
        for tag in ("input", "select", "textarea")
        for each in page.all(tag)
        if each.get("type") != "hidden" and each.get("name")
    }


def asked_by(page: Page) -> str:
    """Return the names of the fields that a page asks for."""
    [asked] = [each for each in page.all("input") if each.get("name") == "asked"]
    return str(asked.get("value"))


async def raised(database: Database, tenant: Tenant) -> TicketView:
    async with database.statement() as tx:
        of_company = Filter(state="all", company_id=tenant.company.id)
        [listed] = await ticket_lists.list_tickets(tx, OPERATOR, of_company, after=None, limit=2)
        return await tickets.get_ticket(tx, OPERATOR, listed.ticket.number)


async def test_the_fields_of_the_issue_type_are_asked_for_when_it_is_chosen(side: Any) -> None:
    somebody, path, company = side
    query = "&".join(f"{name}={value}" for name, value in {**company, "service": "SVC-1"}.items())
    page = await somebody.page(f"{path}?{query}")
    assert asked_by(page) == "title description"
    assert "Update the form" in page.text
    answer = await somebody.post(path, **company, **DOWN, step="form")
    page = Page(answer.text)
    assert (answer.status_code, asked_by(page)) == (200, "title description dispatch_allowed cc")
    assert "dispatch_allowed" in names_in(page)
    assert not {"occurred_at", "site_access_hours", "fields.floor", "contact_name"} & names_in(page)
    other = Page((await somebody.post(path, **company, **TYPED, issue_type="Others", step="form")).text)
    assert {"occurred_at", "fields.floor", "contact_name", "cc"} <= names_in(other)


async def test_a_condition_shows_a_field_and_what_is_hidden_again_is_kept_but_not_taken(
    side: Any, database: Database, tenant: Tenant
) -> None:
    somebody, path, company = side
    chosen = {**company, **DOWN, "dispatch_allowed": "yes", "asked": "title description dispatch_allowed cc"}
    shown = await somebody.post(path, **chosen)
    page = Page(shown.text)
    assert (shown.status_code, asked_by(page)) == (422, "title description dispatch_allowed site_access contacts cc")
    assert "asks for more" in page.text
    chosen["asked"] = asked_by(page)
    refused = await somebody.post(path, **chosen)
    assert refused.status_code == 422
    assert "#site_access_contact" in Page(refused.text).links("#")
    filled = {**chosen, "site_access_hours": "08:00 to 18:00", "asked": f"{chosen['asked']} fields.floor"}
    hidden = Page((await somebody.post(path, **{**filled, "dispatch_allowed": "no"}, step="form")).text)
    assert "site_access_hours" not in names_in(hidden)
    assert [each.get("value") for each in hidden.all("input") if each.get("name") == "site_access_hours"] == [
        "08:00 to 18:00"
    ]
    created = await somebody.post(path, **{**filled, "dispatch_allowed": "no"})
    assert created.status_code == 303, created.text
    fault = (await raised(database, tenant)).ticket.fault
    assert (fault.dispatch_allowed, fault.site_access) == (False, None)


async def test_contacts_with_roles_and_copies_are_entered_with_the_ticket(
    side: Any, database: Database, tenant: Tenant
) -> None:
    somebody, path, company = side
    rows: dict[str, Any] = {
        "contact_role": ["0.site_access", "0.on_duty", "2.on_duty"], "contact_name": ["Kim", "", "Lee", ""],
        "contact_email": ["", "", "lee@example.com", ""], "contact_phone": ["+1-555-0101", "", "", ""],
    }  # fmt: skip
    both = {**company, **DOWN, "dispatch_allowed": "yes", "site_access_hours": "08:00", "cc": "a@example.com, b@"}
    refused = await somebody.post(path, **both, **rows)
    page = Page(refused.text)
    assert refused.status_code == 422
    assert "2: must be an e-mail address" in page.text.replace("Must", "must")
    assert [each.get("value") for each in page.all("input") if each.get("name") == "contact_name"] == ["Kim", "Lee", ""]
    checked = {each.get("value") for each in page.all("input") if "checked" in each}
    assert {"0.site_access", "0.on_duty", "1.on_duty"} <= checked, "the rows have no gap"
    both["cc"] = "a@example.com, b@example.com"
    nothing = {**rows, "contact_role": ["0.technical", "1.technical", "x", "2.boss"]}
    without = Page((await somebody.post(path, **both, **nothing)).text)
    assert "2: must name a role" in without.text.replace("Must", "must")
    created = await somebody.post(path, **both, **rows)
    assert created.status_code == 303, created.text
    people: People = (await raised(database, tenant)).people
    assert [(each.name, each.email, each.phone, each.roles) for each in people.contacts] == [
        ("Kim", "", "+1-555-0101", (ContactRole.SITE_ACCESS, ContactRole.ON_DUTY)),
        ("Lee", "lee@example.com", "", (ContactRole.ON_DUTY,)),
    ]  # fmt: skip
    assert [each.email for each in people.cc] == ["a@example.com", "b@example.com"]
