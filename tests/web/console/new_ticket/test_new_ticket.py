"""The form of a new ticket: its steps, what it creates, what it refuses, and that it takes effect once."""

import asyncio
from typing import Any

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Status, Ticket, TicketView, ticket_number
from clearline.tickets.list_store import Filter
from clearline.web import csrf
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/tickets/new"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7 * 7 }}%s"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT, "Ines Duarte")


@pytest.fixture
async def customer(database: Database) -> Tenant:
    return await new_tenant(database)


def fields(customer: Tenant, **changes: str) -> dict[str, str]:
    values = {
        "once": f"key-{customer.company.code}", "company": str(customer.company.id), "service": "SVC-1",
        "title": "Port is down", "description": "No light since 08:00 UTC", "issue_type": "Circuit Down",
        "name": "Ada Okoro", "email": "ada@example.com", "phone": "+1-555-0199",
    }  # fmt: skip
    return values | changes


async def all_tickets(database: Database, customer: Tenant) -> list[TicketView]:
    async with database.statement() as tx:
        of_company = Filter(state="all", company_id=customer.company.id)
        return await ticket_lists.list_tickets(tx, OPERATOR, of_company, after=None, limit=10)


async def only_ticket(database: Database, customer: Tenant, answer: httpx.Response) -> Ticket:
    assert answer.status_code == 303, answer.text
    [view] = await all_tickets(database, customer)
    assert answer.headers["location"] == f"/console/tickets/{ticket_number(view.ticket.number)}"
    async with database.statement() as tx:
        both = await ticket_store.get_with_notes(tx, customer.company.id, view.ticket.number, [])
    assert both is not None
    return both[0]


async def test_the_steps_lead_from_the_company_over_the_service_to_the_form(agent: Person, customer: Tenant) -> None:
    company, code = customer.company, customer.company.code
    first = await agent.page(f"{PATH}?find={code.lower()[:-1]}")
    assert f"{PATH}?company={company.id}" in first.links(PATH)
    assert company.name in first.text
    services = await agent.page(f"{PATH}?company={company.id}")
    assert [link for link in services.links(PATH) if "service=" in link] == [
        f"{PATH}?company={company.id}&service=SVC-{at}" for at in (2, 4, 3, 1)
    ]
    by_label = await agent.page(f"{PATH}?company={company.id}&find=VICE+3")
    assert [link for link in by_label.links(PATH) if "service=" in link] == [
        f"{PATH}?company={company.id}&service=SVC-3"
    ]
    assert "Ada Okoro, ada@" in (await agent.page(f"{PATH}?company={code}&service=SVC-1")).text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("find=nobodyiscalledthis", "No company has this"),
        ("find=%00", "No company has this"),
        ("company=5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42", "For which company?"),
        ("company=PROVIDER", "For which company?"),
        ("company=%00", "For which company?"),
        ("company={code}&find=nothing", "No service of this company"),
        ("company={code}&find=%00", "No service of this company"),
        ("company={code}&service=SVC-9", "SVC-9 is not in the inventory of"),
        ("company={code}&service=%00&listed=no", "Must not contain the NUL character"),
        ("company={code}&service=" + "x" * 65 + "&listed=no", "Must have 1 to 64 characters"),
        ("company={code}&service=radio+link+7&listed=no", "not in the inventory Non-Console Service"),
        ("company={code}&service=SVC-1&listed=no", "Service 1 Port"),
    ],
)
async def test_an_address_shows_the_step_that_it_can(agent: Person, customer: Tenant, query: str, shown: str) -> None:
    page = await agent.page(f"{PATH}?{query.format(code=customer.company.code)}")
    assert shown in page.text


async def test_the_form_creates_the_ticket_and_leads_to_it(agent: Person, customer: Tenant, database: Database) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Queue {customer.company.code}", now=NOW)).queue
    answer = await agent.post(
        PATH,
        **fields(
            customer, severity="significant", priority="high", impact="degraded", channel="Phone", queue=str(queue.id),
            assignee=str(agent.user.id), tags="Optics, fibre", system="SAP", external_id=" 4711 ",
            description="Line one\r\n\r\n  indented\r\n",
        ),
    )  # fmt: skip
    ticket = await only_ticket(database, customer, answer)
    assert (ticket.title, ticket.description) == ("Port is down", "Line one\n\n  indented")
    assert (ticket.issue_type, ticket.service_id, ticket.service_type) == ("Circuit Down", "SVC-1", "Port")
    assert (ticket.asked_severity, ticket.asked_priority, ticket.impact) == ("significant", "high", "degraded")
    assert (ticket.severity, ticket.priority, ticket.channel) == ("extensive", "critical", "Phone")
    assert (ticket.queue_id, ticket.assignee_id) == (queue.id, agent.user.id)
    assert (ticket.tags, ticket.external_ids) == (("fibre", "optics"), {"SAP": "4711"})
    assert (ticket.contact.name, ticket.contact.email, ticket.contact.phone) == (
        "Ada Okoro", "ada@example.com", "+1-555-0199",
    )  # fmt: skip


async def test_a_person_of_the_customer_is_the_contact(agent: Person, customer: Tenant, database: Database) -> None:
    values = fields(customer, person=str(customer.user.id), name="", email="", phone="")
    ticket = await only_ticket(database, customer, await agent.post(PATH, **values))
    assert (ticket.contact.name, ticket.contact.email) == (customer.user.name, customer.user.email)


async def test_a_service_that_is_not_listed_needs_no_inventory(
    agent: Person, customer: Tenant, database: Database
) -> None:
    answer = await agent.post(PATH, **fields(customer, service="radio link 7", listed="no"))
    ticket = await only_ticket(database, customer, answer)
    assert (ticket.service_id, ticket.service_type, ticket.channel) == (
        "radio link 7",
        "Non-Console Service",
        "Console",
    )


async def test_the_open_tickets_of_the_service_are_shown_first(
    agent: Person, customer: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, customer, "Already raised")
        closed = await raised(tx, customer, "Long ago", status=Status.CLOSED)
    path = f"{PATH}?company={customer.company.code}&service="
    page = await agent.page(path + "SVC-1")
    assert "This service has open tickets already" in page.text
    assert f"/console/tickets/{ticket_number(number)}" in page.links("/console/tickets/INC")
    assert f"/console/tickets/{ticket_number(closed)}" not in page.links("/console/tickets/INC")
    assert "has open tickets" not in (await agent.page(path + "SVC-2")).text


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        ({"title": " "}, "title", "Must have 1 to 255 characters."),
        ({"title": "x" * 256}, "title", "Must have 1 to 255 characters."),
        ({"title": "a\x00b"}, "title", "Must not contain the NUL character"),
        ({"description": "\n"}, "description", "Must have 1 to 32000 characters."),
        ({"issue_type": ""}, "issue_type", "Is required."),
        ({"issue_type": "Fire"}, "issue_type", "Must be one of"),
        ({"severity": "awful"}, "severity", "Must be one of minor"),
        ({"priority": "now"}, "priority", "Must be one of low"),
        ({"impact": "none"}, "impact", "Must be one of degraded"),
        ({"channel": "System"}, "channel", "Must be one of API"),
        ({"name": ""}, "name", "Must have 1 to 255 characters."),
        ({"email": "ada"}, "email", "Must be an e-mail address"),
        ({"phone": "1" * 256}, "phone", "Must have at most"),
        ({"person": "nobody"}, "person", "Must be one of the company's people."),
        ({"queue": "x"}, "queue", "Must be an id."),
        ({"queue": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}, "queue", "Must be the id of a queue."),
        ({"assignee": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}, "assignee", "Must be the id of an active agent."),
        ({"tags": "-x"}, "tags", "Must each be 1 to 50"),
        ({"system": "", "external_id": "4711"}, "external_id", "Must have 1 to 50 characters."),
        ({"system": "SAP", "external_id": ""}, "external_id", "Must have 1 to 255 characters."),
    ],
)
async def test_a_refusal_is_shown_at_its_field_and_nothing_typed_is_lost(
    agent: Person, customer: Tenant, database: Database, changes: dict[str, str], field: str, shown: str
) -> None:
    sent = fields(customer, **changes)
    answer = await agent.post(PATH, **sent)
    assert answer.status_code == 422, answer.text
    page = Page(answer.text)
    assert shown in page.text
    controls = [a for _tag, a in page.tags if "aria-invalid" in a]
    assert [control["id"] for control in controls] == [field]
    assert controls[0]["aria-describedby"] == f"about-{field}"
    assert f"about-{field}" in [a.get("id") for _tag, a in page.tags]
    typed = {a.get("name"): a.get("value") for a in page.all("input")}
    assert typed["once"] == sent["once"]
    assert (typed["name"], typed["email"], typed["phone"]) == (sent["name"], sent["email"], sent["phone"])
    assert sent["description"].strip() in page.text
    assert await all_tickets(database, customer) == []


async def test_everything_that_is_wrong_is_named_at_once(agent: Person, customer: Tenant) -> None:
    wrong = {"title": "", "issue_type": "", "email": "x", "tags": "-", "queue": "x", "impact": "x", "severity": "x"}
    page = Page((await agent.post(PATH, **fields(customer, **wrong))).text)
    invalid = {a.get("id") for _tag, a in page.tags if "aria-invalid" in a}
    assert invalid == set(wrong)
    assert {f"#{name}" for name in wrong} == set(page.links("#")) - {"#main"}


async def test_a_service_that_is_gone_is_chosen_anew_and_everything_is_carried(
    agent: Person, customer: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        await inventory.delete_service(tx, OPERATOR, customer.company.id, "SVC-1", now=NOW)
    answer = await agent.post(PATH, **fields(customer, title="Typed already"))
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "SVC-1 is not in the inventory" in page.text
    assert ("title", "Typed already") in [(a.get("name"), a.get("value")) for a in page.all("input")]
    assert {"name": "service", "value": "SVC-2", "class": "choice"} in page.all("button")


@pytest.mark.parametrize(("step", "name"), [("company", "company"), ("service", "service")])
async def test_another_company_or_service_is_chosen_without_losing_what_was_typed(
    agent: Person, customer: Tenant, database: Database, step: str, name: str
) -> None:
    sent = fields(customer, system="SAP", external_id="4711", find=customer.company.code if step == "company" else "")
    page = Page((await agent.post(PATH, **sent, step=step)).text)
    carried = [(a["name"], a.get("value")) for a in page.all("input") if a.get("type") == "hidden" and a.get("name")]
    for pair in (("title", "Port is down"), ("system", "SAP"), ("external_id", "4711"), ("once", sent["once"])):
        assert pair in carried
    chosen = [a["value"] for a in page.all("button") if a.get("name") == name and a.get("class") == "choice"]
    assert (str(customer.company.id) if step == "company" else "SVC-2") in chosen
    back = await agent.post(PATH, **{**sent, "service": "SVC-2", "step": "form"})
    assert "Service 2" in Page(back.text).text
    assert ("title", "Port is down") in [(a.get("name"), a.get("value")) for a in Page(back.text).all("input")]
    assert await all_tickets(database, customer) == []


async def test_a_form_that_is_sent_again_leads_to_the_same_ticket(
    agent: Person, customer: Tenant, database: Database
) -> None:
    first = await agent.post(PATH, **fields(customer))
    again = await agent.post(PATH, **fields(customer))
    await only_ticket(database, customer, first)
    assert (again.status_code, again.headers["location"]) == (303, first.headers["location"])


async def test_many_clicks_at_once_create_one_ticket(agent: Person, customer: Tenant, database: Database) -> None:
    answers = await asyncio.gather(*(agent.post(PATH, **fields(customer)) for _click in range(5)))
    assert len({(answer.status_code, answer.headers.get("location")) for answer in answers}) == 1
    await only_ticket(database, customer, answers[0])


async def test_a_refused_form_can_be_sent_with_the_same_key(
    agent: Person, customer: Tenant, database: Database
) -> None:
    assert (await agent.post(PATH, **fields(customer, title=""))).status_code == 422
    await only_ticket(database, customer, await agent.post(PATH, **fields(customer)))


async def test_a_changed_form_that_was_sent_before_names_its_ticket(
    agent: Person, customer: Tenant, database: Database
) -> None:
    first = await agent.post(PATH, **fields(customer))
    changed = await agent.post(PATH, **fields(customer, title="Port is up again"))
    assert changed.status_code == 409
    page = Page(changed.text)
    assert first.headers["location"] in page.links("/console/tickets/INC")
    typed = {a.get("name"): a.get("value") for a in page.all("input")}
    assert typed["title"] == "Port is up again"
    assert typed["once"] not in {"", fields(customer)["once"]}
    await only_ticket(database, customer, first)


@pytest.mark.parametrize("key", ["", "x" * 65, "é", "a\x07"])
async def test_a_form_without_a_proper_key_is_shown_with_a_new_one(
    agent: Person, customer: Tenant, database: Database, key: str
) -> None:
    answer = await agent.post(PATH, **fields(customer, once=key))
    assert answer.status_code == 422
    typed = {a.get("name"): a.get("value") for a in Page(answer.text).all("input")}
    assert typed["once"] not in {"", key}
    assert await all_tickets(database, customer) == []


async def test_the_key_of_one_person_is_not_that_of_another(
    client: httpx.AsyncClient, agent: Person, customer: Tenant, database: Database
) -> None:
    other = await person(client, database)
    await agent.post(PATH, **fields(customer))
    await other.post(PATH, **fields(customer))
    assert len(await all_tickets(database, customer)) == 2


async def test_nothing_that_is_typed_becomes_markup(agent: Person, database: Database) -> None:
    customer = await new_tenant(database, f"{HOSTILE} {NOW.microsecond}")
    async with database.transaction() as tx:
        await accounts.change_user(
            tx, OPERATOR, customer.company.id, customer.user.id, {"name": HOSTILE, "phone": ""}, now=NOW
        )
        await inventory.add_service(tx, OPERATOR, customer.company.id, HOSTILE[:60], "Port", HOSTILE, now=NOW)
    names = (
        "title", "description", "issue_type", "severity", "priority", "impact", "channel", "person", "name", "email",
        "phone", "queue", "assignee", "tags", "system", "external_id", "find", "once", "listed", "service", "company",
    )  # fmt: skip
    known: dict[str, Any] = {"company": str(customer.company.id), "service": HOSTILE[:60]}
    for sent in (
        dict.fromkeys(names, HOSTILE),
        dict.fromkeys(names, HOSTILE) | {"company": known["company"]},
        dict.fromkeys(names, HOSTILE) | known,
        dict.fromkeys(names, HOSTILE) | known | {"step": "service", "find": ""},
        dict.fromkeys(names, HOSTILE) | known | {"step": "company", "find": customer.company.code},
    ):
        get = await agent.client.get(PATH, params=sent, headers=agent.headers)
        post = await agent.client.post(PATH, headers=agent.headers, data=sent | {csrf.FIELD: agent.token_of_form()})
        for answer in (get, post):
            assert answer.status_code in {200, 422}, answer.text
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text
            assert not any("onerror" in attributes for _tag, attributes in Page(answer.text).tags)


async def test_a_description_of_the_greatest_length_in_any_script_is_taken(
    agent: Person, customer: Tenant, database: Database
) -> None:
    answer = await agent.post(PATH, **fields(customer, description="線" * 32_000))
    assert len((await only_ticket(database, customer, answer)).description) == 32_000
