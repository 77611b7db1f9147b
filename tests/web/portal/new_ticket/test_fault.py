"""What the form of a new ticket asks about the fault, without scripts, and how it refuses it."""

import httpx
import pytest

from clearline.catalogue.assessment import Impact
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.faults.domain import DetectedBy, Fault, PathState, ServiceEnd, SiteAccess, TestingConsent
from clearline.tickets.list_store import Filter
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, session_of

PATH = "/portal/tickets/new"
FACTS = {
    "observed_impact": "intermittent", "service_end": "z", "path_state": "unprotected",
    "detected_by": "customer_monitoring", "intermittent": "Every night", "testing_consent": "within_hours",
    "testing_hours": "22:00 to 04:00", "dispatch_allowed": "yes", "site_access_contact": "Guard",
    "site_access_hours": "always", "site_access_hazards": " ",
}  # fmt: skip
TYPED = {
    "once": "a key of this form", "service": "SVC-1", "title": "Port is down", "description": "No light",
    "issue_type": "Circuit Down",
}  # fmt: skip


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> Person:
    return await session_of(client, database, tenant.user)


async def test_the_facts_of_the_fault_are_asked_for(customer: Person, tenant: Tenant, database: Database) -> None:
    asked = {
        each.get("name")
        for tag in ("input", "select")
        for each in (await customer.page(f"{PATH}?service=SVC-1")).all(tag)
    }
    assert {*FACTS, "occurred_at"} <= asked
    assert (await customer.post(PATH, **TYPED, **FACTS)).status_code == 303
    async with database.statement() as tx:
        [view] = await ticket_lists.list_tickets(
            tx, OPERATOR, Filter(company_id=tenant.company.id), after=None, limit=2
        )
    assert view.ticket.fault == Fault(
        DetectedBy.CUSTOMER_MONITORING, "Every night", Impact.INTERMITTENT, ServiceEnd.Z, PathState.UNPROTECTED,
        TestingConsent.WITHIN_HOURS, "22:00 to 04:00", True, SiteAccess("Guard", "always", None),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        ({"testing_hours": " "}, "testing_hours", "Is required: within which hours"),
        ({"testing_consent": "no"}, "testing_hours", "Is only for consent to tests within hours."),
        ({"site_access_hazards": "x" * 1001}, "site_access_hazards", "Must have 1 to 1000 characters."),
        ({"dispatch_allowed": "maybe"}, "dispatch_allowed", "Must be one of yes, no."),
        ({"path_state": "fine"}, "path_state", "Must be one of both_up"),
    ],
)
async def test_a_refused_fact_is_shown_at_its_field_in_an_open_part_of_the_form(
    customer: Person, changes: dict[str, str], field: str, shown: str
) -> None:
    answer = await customer.post(PATH, **TYPED, **FACTS | changes)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert shown in page.text
    assert [each["id"] for _tag, each in page.tags if "aria-invalid" in each] == [field]
    assert f"#{field}" in page.links("#")
    assert ["open" in each for each in page.all("details") if each.get("class") == "more"] == [True, True, False, True]
    assert "Every night" in [each.get("value") for each in page.all("input")]
