"""The facts of a fault in the console: shown beside the ticket, changed on a page, in the history and in lists."""

from datetime import UTC, datetime

import httpx
import pytest
from msgspec.structs import replace

from clearline.catalogue.published import ServiceType
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.chronic import usecases as chronic
from clearline.tickets.chronic.domain import ChronicRule
from clearline.tickets.domain import Ticket, ticket_number
from clearline.tickets.faults.domain import NO_FAULT, SiteAccess, TestingConsent
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import a_new_ticket, raised
from tests.builders.web.pages import Page, Person, person

FACTS = {
    "occurred_at": "2026-03-01T02:00", "observed_impact": "down", "service_end": "both", "path_state": "both_down",
    "detected_by": "third_party", "intermittent": "", "testing_consent": "within_hours",
    "testing_hours": "22:00 to 04:00", "dispatch_allowed": "no", "site_access_contact": "Guard",
    "site_access_hours": "", "site_access_hazards": "Asbestos",
}  # fmt: skip


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT, "Ines Duarte")


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


async def ticket_of(database: Database, number: int) -> Ticket:
    async with database.statement() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


async def test_an_agent_gives_and_removes_the_facts_of_a_fault(
    agent: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    path = f"/console/tickets/{ticket_number(number)}"
    assert "Nothing said yet" in (await agent.page(path)).text
    answer = await agent.post(f"{path}/fault", **FACTS)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    ticket = await ticket_of(database, number)
    assert ticket.occurred_at == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert ticket.fault.testing_consent is TestingConsent.WITHIN_HOURS
    assert ticket.fault.site_access == SiteAccess("Guard", None, "Asbestos")
    text = (await agent.page(path)).text
    for part in (
        "Began 1 Mar 2026",
        "Intrusive tests 22:00 to 04:00",
        "Technician on site No",
        "hazards Asbestos",
    ):
        assert part in text
    history = (await agent.page(f"{path}/history")).text
    for part in ("Noticed by None Somebody else", "Technician on site None No", "Began None 1 Mar 2026"):
        assert part in history
    form = await agent.page(f"{path}/fault")
    shown = {each.get("name"): each.get("value") for each in form.all("input")}
    assert (shown["occurred_at"], shown["site_access_hazards"]) == ("2026-03-01T02:00", "Asbestos")
    await agent.post(f"{path}/fault", **dict.fromkeys(FACTS, ""))
    ticket = await ticket_of(database, number)
    assert (ticket.occurred_at, ticket.fault) == (None, NO_FAULT)


async def test_a_beginning_keeps_its_seconds_when_another_fact_changes(
    agent: Person, tenant: Tenant, database: Database
) -> None:
    began = datetime(2026, 3, 1, 2, 0, 17, tzinfo=UTC)
    async with database.transaction() as tx:
        new = replace(a_new_ticket(), occurred_at=began)
        number = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket.number
    await agent.post(f"/console/tickets/{ticket_number(number)}/fault", **FACTS)
    assert (await ticket_of(database, number)).occurred_at == began


async def test_a_refused_fact_is_shown_at_its_field_with_what_was_typed(
    agent: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    wrong = FACTS | {"testing_hours": " ", "occurred_at": "2999-01-01T00:00"}
    answer = await agent.post(f"/console/tickets/{ticket_number(number)}/fault", **wrong)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert {each.get("id") for _tag, each in page.tags if "aria-invalid" in each} == {"testing_hours", "occurred_at"}
    assert "Asbestos" in [each.get("value") for each in page.all("input")]
    assert (await ticket_of(database, number)).fault == NO_FAULT


async def test_a_chronic_ticket_has_a_badge_and_shows_the_others(
    agent: Person, tenant: Tenant, database: Database
) -> None:
    new = replace(a_new_ticket(), service_type=ServiceType.NON_CONSOLE, service_id="CPE-7")
    async with database.transaction() as tx:
        numbers = [
            (await tickets.create_ticket(tx, tenant.actor, replace(new, title=title), now=NOW)).ticket.number
            for title in ("First fault", "Second fault", "Third fault")
        ]
        await chronic.mark_new_ticket(tx, tenant.company.id, numbers[-1], ChronicRule(3, 45), now=NOW)
    page = await agent.page(f"/console/tickets/{ticket_number(numbers[-1])}")
    assert "chronic 3 tickets in 45 days" in page.text
    for number in numbers[:2]:
        assert f"/console/tickets/{ticket_number(number)}" in page.links("/console/tickets/")
    listed = await agent.page(f'/console/open?q=company:"{tenant.company.code}"&sort=-number')
    assert listed.text.count("chronic") == 3, listed.text


async def test_a_list_shows_and_is_sorted_by_the_beginning(agent: Person, tenant: Tenant, database: Database) -> None:
    async with database.transaction() as tx:
        for title, day in (("Later fault", 3), ("Earlier fault", 2)):
            new = replace(a_new_ticket(title), occurred_at=datetime(2026, 2, day, tzinfo=UTC))
            await tickets.create_ticket(tx, tenant.actor, new, now=NOW)
    query = f'q=company:"{tenant.company.code}"'
    for sort, first, second in (("occurred", "Earlier", "Later"), ("-occurred", "Later", "Earlier")):
        text = (await agent.page(f"/console/open?{query}&sort={sort}")).text
        assert text.index(f"{first} fault") < text.index(f"{second} fault")
