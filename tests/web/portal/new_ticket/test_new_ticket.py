"""The form in which a customer raises a ticket: its steps, what it creates, what it refuses, that it works once."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.catalogue.published import IssueType
from clearline.catalogue.usecases import current_catalogue
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import Status, Ticket, TicketView, ticket_number
from clearline.tickets.faults.domain import NO_FAULT
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.list_store import Filter
from clearline.web import csrf
from clearline.web.looks import PRIORITIES
from clearline.web.portal.new_ticket.fields import REFERENCE
from tests.builders.people import NOW, Tenant, customer_admin, new_person, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, Person, led_to, session_of

PATH = "/portal/tickets/new"
TYPED = {
    "service": "SVC-1", "title": "Port is down", "occurred_at": "2026-03-01T09:12",
    "description": "No light on *both*\n  lanes", "issue_type": "Circuit Down",
    "reference": "CHG-4711", "priority": "high",
}  # fmt: skip


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> Person:
    return await session_of(client, database, tenant.user)


def form(**changes: str) -> dict[str, str]:
    return {"once": "a key of this form", **TYPED, **changes}


async def all_tickets(database: Database, tenant: Tenant) -> list[TicketView]:
    async with database.statement() as tx:
        of_company = Filter(state="all", company_id=tenant.company.id)
        return await ticket_lists.list_tickets(tx, OPERATOR, of_company, after=None, limit=10)


async def only_ticket(database: Database, tenant: Tenant, answer: httpx.Response) -> Ticket:
    assert answer.status_code == 303, answer.text
    [view] = await all_tickets(database, tenant)
    number = view.ticket.number
    assert led_to(answer) == f"/portal/tickets/{ticket_number(number)}?done=raised"
    async with database.statement() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


def typed_in(page: Page) -> dict[str | None, str | None]:
    """Return what the fields of a page have: of choices what is chosen."""
    fields = [each for each in page.all("input") if each.get("type") != "radio" or "checked" in each]
    return {each.get("name"): each.get("value") for each in fields}


def services_in(page: Page) -> list[str | None]:
    return [
        each["value"] for each in page.all("input") if each.get("name") == "service" and each.get("type") == "radio"
    ]


async def test_the_services_of_the_newest_tickets_come_first(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    assert services_in(await customer.page(PATH)) == ["SVC-2", "SVC-4", "SVC-3", "SVC-1", ""]
    async with database.transaction() as tx:
        await raised(tx, tenant, "Slow", status=Status.CLOSED)
    assert services_in(await customer.page(PATH)) == ["SVC-1", "SVC-2", "SVC-4", "SVC-3", ""]


async def test_a_service_is_found_by_its_id_and_by_its_name(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        for at in range(10, 20):
            await inventory.add_service(tx, OPERATOR, tenant.company.id, f"FRA-{at}", "Port", f"Edge {at}", now=NOW)
    first = await customer.page(PATH)
    assert len(services_in(first)) == 8 + 1
    assert "There are more services" in first.text
    assert services_in(await customer.page(f"{PATH}?step=service&find=fra-17")) == ["FRA-17", ""]
    assert services_in(await customer.page(f"{PATH}?step=service&find=edge+1&service=")) == [
        *(f"FRA-{at}" for at in range(10, 20)), "",
    ]  # fmt: skip
    nothing = await customer.page(f"{PATH}?step=service&find=radio+link")
    assert "No service has this" in nothing.text
    assert typed_in(nothing)["other"] == "radio link"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", "Which service is affected?"),
        ("?service=&step=form", "must be chosen"),
        ("?other=&step=form", "must be chosen"),
        ("?service=SVC-9", "SVC-9 is not in the inventory of"),
        ("?other=%00", "Must not contain the NUL character"),
        ("?other=" + "x" * 65, "Must have 1 to 64 characters"),
        ("?service=SVC-1", "Service 1 SVC-1 Change"),
        ("?service=&other=radio+link+7", "radio link 7 not in the list of your services"),
        ("?other=SVC-1", "Service 1 SVC-1 Change"),
    ],
)
async def test_an_address_shows_the_step_that_it_can(customer: Person, query: str, shown: str) -> None:
    page = await customer.page(PATH + query)
    assert shown.casefold() in page.text.casefold()


async def test_the_form_raises_the_ticket_and_leads_to_it(customer: Person, tenant: Tenant, database: Database) -> None:
    answer = await customer.post(PATH, **form())
    ticket = await only_ticket(database, tenant, answer)
    assert (ticket.title, ticket.issue_type, ticket.channel) == ("Port is down", "Circuit Down", "Portal")
    assert ticket.description == "No light on *both*\n  lanes"
    assert (ticket.occurred_at, ticket.fault) == (datetime(2026, 3, 1, 9, 12, tzinfo=UTC), NO_FAULT)
    assert (ticket.service_id, ticket.service_type) == ("SVC-1", "Port")
    assert (ticket.asked_priority, ticket.priority, ticket.severity) == ("high", "critical", "extensive")
    assert ticket.external_ids == {REFERENCE: "CHG-4711"}
    contact = tenant.user
    assert (ticket.contact.name, ticket.contact.email, ticket.contact.phone) == (
        contact.name, contact.email, contact.phone,
    )  # fmt: skip
    page = await customer.page(answer.headers["location"])
    for part in ("Your ticket is raised.", "Began 1 Mar 2026", "No light on", "Your reference CHG-4711"):
        assert part in page.text


async def test_what_is_not_said_is_left_out(customer: Person, tenant: Tenant, database: Database) -> None:
    few = {"service": "", "other": " radio link 7 ", "occurred_at": " ", "reference": "", "priority": ""}
    ticket = await only_ticket(database, tenant, await customer.post(PATH, **form(**few)))
    assert (ticket.service_id, ticket.service_type) == ("radio link 7", "Non-Console Service")
    assert ticket.description == "No light on *both*\n  lanes"
    assert (ticket.external_ids, ticket.asked_priority) == ({}, None)
    assert (ticket.occurred_at, ticket.fault) == (None, NO_FAULT)


@pytest.mark.parametrize("kind", IssueType)
async def test_every_type_of_problem_is_offered_with_the_priority_that_it_implies(
    customer: Person, tenant: Tenant, database: Database, kind: IssueType
) -> None:
    async with database.statement() as tx:
        issue = (await current_catalogue(tx)).issue_types[kind]
    page, priority = await customer.page(f"{PATH}?service=SVC-1"), PRIORITIES[issue.priority].label
    assert f"{issue.customer_name} {issue.help} {priority}" in page.text
    assert kind in [each["value"] for each in page.all("input") if each.get("name") == "issue_type"]
    ticket = await only_ticket(database, tenant, await customer.post(PATH, **form(issue_type=kind)))
    assert (ticket.issue_type, ticket.priority) == (kind, issue.priority)


async def test_somebody_else_can_be_the_contact(customer: Person, tenant: Tenant, database: Database) -> None:
    other = {"person": "", "name": "Night desk", "email": "night@example.com", "phone": "+1-555-0123"}
    contact = (await only_ticket(database, tenant, await customer.post(PATH, **form(**other)))).contact
    assert (contact.name, contact.email, contact.phone) == ("Night desk", "night@example.com", "+1-555-0123")


async def test_an_admin_chooses_the_contact_from_the_active_people(
    client: httpx.AsyncClient, database: Database
) -> None:
    tenant = await customer_admin(database)
    async with database.transaction() as tx:
        people = [
            await new_person(tx, name, company=tenant.company.code, role=Role.CUSTOMER)
            for name in ("Marek N", "Gone G")
        ]
        marek, gone = [person.user for person in people if person.user]
        await accounts.change_user(tx, OPERATOR, tenant.company.id, gone.id, {"is_active": False}, now=NOW)
    admin = await session_of(client, database, tenant.user)
    page = await admin.page(f"{PATH}?service=SVC-1")
    assert f"Me, {tenant.user.name}" in page.text
    assert f"Marek N, {marek.email}" in page.text
    assert "Gone G" not in page.text
    assert (await admin.post(PATH, **form(person=str(gone.id)))).status_code == 422
    ticket = await only_ticket(database, tenant, await admin.post(PATH, **form(person=str(marek.id))))
    assert ticket.contact.email == marek.email


async def test_who_may_not_list_the_people_does_not_see_or_guess_them(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        marek = (await new_person(tx, "Marek N", company=tenant.company.code, role=Role.CUSTOMER)).user
    assert marek is not None
    assert "Marek N" not in (await customer.page(f"{PATH}?service=SVC-1")).text
    answer = await customer.post(PATH, **form(person=str(marek.id)))
    assert answer.status_code == 422
    assert "Marek N" not in answer.text


async def test_the_open_tickets_of_the_service_are_shown_and_can_be_followed(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Already raised")
        await raised(tx, tenant, "Long ago", status=Status.CLOSED)
    page = await customer.page(f"{PATH}?service=SVC-1")
    address = f"/portal/tickets/{ticket_number(number)}"
    assert page.links("/portal/tickets/INC") == [address]
    [follow] = [each for each in page.all("button") if "formaction" in each]
    assert (follow["formaction"], follow["formenctype"]) == (f"{address}/follow", "application/x-www-form-urlencoded")
    answer = await customer.post(f"{address}/follow", **form())
    assert led_to(answer) == f"{address}?done=followed"
    async with database.statement() as tx:
        [watcher] = await watching.list_watchers(tx, tenant.actor, number, after=None, limit=10)
    assert watcher.user.id == tenant.user.id
    assert "Do we know it already?" not in (await customer.page(f"{PATH}?service=SVC-2")).text


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        ({"title": " "}, "title", "Must have 1 to 255 characters."),
        ({"title": "x" * 256}, "title", "Must have 1 to 255 characters."),
        ({"title": "a\x00b"}, "title", "Must not contain the NUL character"),
        ({"description": " \n"}, "description", "Must have 1 to 32000 characters."),
        ({"description": "x" * 32_001}, "description", "Must have 1 to 32000 characters."),
        ({"occurred_at": "2999-01-01T00:00"}, "occurred_at", "Must not lie in the future."),
        ({"occurred_at": "this morning"}, "occurred_at", "Must be a day and a time"),
        ({"issue_type": ""}, "issue_type", "Is required."),
        ({"issue_type": "Fire"}, "issue_type", "Must be one of"),
        ({"priority": "now"}, "priority", "Must be one of low"),
        ({"reference": "x" * 256}, "reference", "Must have 1 to 255 characters."),
        ({"person": "nobody"}, "person", "Must be one of your company's people."),
        ({"person": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}, "person", "Must be one of your company's people."),
        ({"person": "", "name": "", "email": "a@example.com"}, "name", "Must have 1 to 255 characters."),
        ({"person": "", "name": "Ada", "email": "ada"}, "email", "Must be an e-mail address"),
        ({"person": "", "name": "Ada", "email": "a@example.com", "phone": "1" * 256}, "phone", "Must have at most"),
    ],
)
async def test_a_refusal_is_shown_at_its_field_and_nothing_typed_is_lost(
    customer: Person, tenant: Tenant, database: Database, changes: dict[str, str], field: str, shown: str
) -> None:
    sent = form(**changes)
    answer = await customer.post(PATH, **sent)
    assert answer.status_code == 422, answer.text
    page = Page(answer.text)
    assert shown in page.text
    controls = [each for _tag, each in page.tags if "aria-invalid" in each]
    assert [control["id"] for control in controls] == [field]
    described = controls[0]["aria-describedby"]
    assert described == f"about-{field}"
    assert described in [each.get("id") for _tag, each in page.tags]
    typed = typed_in(page)
    for name in ("once", "service", "title", "occurred_at", "reference"):
        assert typed[name] == sent[name]
    if sent["issue_type"] in tuple(IssueType):
        assert typed["issue_type"] == sent["issue_type"]
    assert sent["description"].strip() in "".join(page.texts)
    assert await all_tickets(database, tenant) == []


async def test_everything_that_is_wrong_is_named_at_once(customer: Person) -> None:
    wrong = {"title": "", "issue_type": "", "description": "", "person": "x", "priority": "x"}
    page = Page((await customer.post(PATH, **form(**wrong))).text)
    assert {each.get("id") for _tag, each in page.tags if "aria-invalid" in each} == set(wrong)
    assert {f"#{name}" for name in wrong} == set(page.links("#")) - {"#main"}


async def test_another_service_is_chosen_without_losing_what_was_typed(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    page = Page((await customer.post(PATH, **form(step="service"))).text)
    carried = typed_in(page)
    for name in ("once", "title", "occurred_at", "description", "issue_type", "reference", "priority", "service"):
        assert carried[name] == form()[name]
    found = Page((await customer.post(PATH, **form(step="service", find="service 3"))).text)
    assert services_in(found) == ["SVC-3", ""]
    assert typed_in(found)["title"] == "Port is down"
    back = Page((await customer.post(PATH, **form(step="form", service="SVC-3"))).text)
    assert "Service 3 SVC-3" in back.text
    assert {name: typed_in(back)[name] for name in ("title", "occurred_at", "reference", "issue_type", "once")} == {
        name: form()[name] for name in ("title", "occurred_at", "reference", "issue_type", "once")
    }
    assert await all_tickets(database, tenant) == []


async def test_a_service_that_is_gone_is_chosen_anew_and_everything_is_carried(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        await inventory.delete_service(tx, OPERATOR, tenant.company.id, "SVC-1", now=NOW)
    answer = await customer.post(PATH, **form())
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "SVC-1 is not in the inventory" in page.text
    assert typed_in(page)["description"] == TYPED["description"]
    assert services_in(page) == ["SVC-2", "SVC-4", "SVC-3", ""]


async def test_files_are_attached_in_their_order(customer: Person, tenant: Tenant, database: Database) -> None:
    answer = await customer.post_files(PATH, {"levels.txt": b"rx -14.6", "log.txt": b"down"}, **form())
    ticket = await only_ticket(database, tenant, answer)
    async with database.statement() as tx:
        files = await attachments.list_attachments(tx, tenant.actor, ticket.number)
    assert [(file.name, file.size) for file in files] == [("levels.txt", 8), ("log.txt", 4)]


async def test_files_of_a_refused_form_are_named(customer: Person, tenant: Tenant, database: Database) -> None:
    files = {"levels.txt": b"rx -14.6", "log.txt": b"down"}
    for changes, status in (({"title": ""}, 422), ({"step": "form"}, 200)):
        answer = await customer.post_files(PATH, files, **form(**changes))
        assert answer.status_code == status
        assert "Choose the files again: levels.txt, log.txt." in Page(answer.text).text
    assert await all_tickets(database, tenant) == []


async def test_a_form_that_is_sent_again_leads_to_the_same_ticket(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    answers = await asyncio.gather(*(customer.post(PATH, **form()) for _click in range(5)))
    answers.append(await customer.post(PATH, **form()))
    assert {(each.status_code, each.headers.get("location")) for each in answers} == {
        (303, answers[0].headers["location"])
    }
    await only_ticket(database, tenant, answers[0])


async def test_a_changed_form_that_was_sent_before_names_its_ticket(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    first = await customer.post(PATH, **form())
    changed = await customer.post(PATH, **form(title="Port is up again"))
    assert changed.status_code == 409
    page = Page(changed.text)
    assert first.headers["location"].partition("?")[0] in page.links("/portal/tickets/INC")
    assert typed_in(page)["title"] == "Port is up again"
    assert typed_in(page)["once"] not in {"", form()["once"]}
    await only_ticket(database, tenant, first)


@pytest.mark.parametrize("key", ["", "x" * 65, "é", "a\x07"])
async def test_a_form_without_a_proper_key_is_shown_with_a_new_one(
    customer: Person, tenant: Tenant, database: Database, key: str
) -> None:
    answer = await customer.post(PATH, **form(once=key))
    assert answer.status_code == 422
    assert typed_in(Page(answer.text))["once"] not in {"", key}
    assert await all_tickets(database, tenant) == []


async def test_after_an_expired_sign_in_the_form_opens_again(client: httpx.AsyncClient) -> None:
    came_from = f"{PATH}?service=SVC-1"
    answer = await client.post(PATH, data=form(), headers={"Referer": f"{client.base_url}{came_from}"})
    assert answer.status_code == 401
    assert 'href="/sign-in?next=%2Fportal%2Ftickets%2Fnew%3Fservice%3DSVC-1"' in answer.text
    assert form()["description"] in answer.text


async def test_a_german_reader_is_refused_and_quoted_in_german(
    customer: Person, tenant: Tenant, database: Database
) -> None:
    async def send(**changes: str) -> httpx.Response:
        data = {csrf.FIELD: customer.token_of_form(), **form(**changes)}
        return await customer.client.post(PATH, headers={**customer.headers, "Accept-Language": "de"}, data=data)

    for changes, shown in (
        ({"title": ""}, "muss 1 bis 255 Zeichen haben"),
        ({"issue_type": "Fire"}, "muss eine der Möglichkeiten sein"),
        ({"service": "SVC-9"}, "SVC-9 ist nicht im Inventar"),
        ({"service": "", "other": ""}, "muss gewählt werden"),
        ({"once": ""}, "fehlt: Senden Sie das Formular noch einmal"),
    ):
        answer = await send(**changes)
        assert answer.status_code == 422
        assert shown.casefold() in Page(answer.text).text.casefold()
    ticket = await only_ticket(database, tenant, await send())
    assert ticket.description.startswith("No light")


async def test_nothing_that_is_typed_becomes_markup(customer: Person) -> None:
    hostile = dict.fromkeys(("title", "occurred_at", "description", "reference", "name", "email", "other"), HOSTILE)
    refused = await customer.post(PATH, **form(service="", person="", issue_type="", **{**hostile, "other": "x"}))
    assert refused.status_code == 422
    carried = await customer.post(PATH, **form(step="service", find=HOSTILE, **hostile))
    for page in (refused.text, carried.text, (await customer.get(f"{PATH}?other={HOSTILE[:20]}")).text):
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_the_form_is_one_click_away(customer: Person) -> None:
    assert (await customer.page("/portal/tickets")).links(PATH) == [PATH]
    assert (await customer.page("/portal/services")).links(PATH) == [PATH]
    assert (await customer.page("/portal/service?id=SVC-1")).links(PATH) == [f"{PATH}?service=SVC-1"]
