"""Who may open pages and send forms of the portal. Generated from the table: a new form needs its fields here."""

from typing import NamedTuple

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import OPERATOR, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.web.portal.pages import PORTAL_PAGES
from clearline.web.sign_in.session_pages import SESSION_PAGES
from clearline.web.visit import Page as Entry
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.workspace.templates import usecases as templates
from tests.builders.databases import everything
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person, session_of
from tests.builders.webhooks.sending import insert_deliveries

TITLE = "zq8onlyofa port is slow"
INTERNAL = "zq8internalonly look at the line card"
NO_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"
PAGES = (*PORTAL_PAGES, *SESSION_PAGES)
ONCE = "a key of this form"
WEBHOOK = {"url": "https://hooks.example.com/a", "description": "", "types": "ticket."}
PERSON = {"name": "Ida Moss", "email": "ida@example.net", "phone": "", "role": "customer", "language": ""}
TEMPLATE = {
    "name": "Port down", "title": "Link down", "description": "No light", "issue_type": "Circuit Down",
    "service_type": "Port", "service_id": "SVC-1", "priority": "high",
}  # fmt: skip
FORMS: dict[str, dict[str, str]] = {
    "activatePerson": {},
    "changeNotifications": {"digest": "daily", "digest_at": "08:00", "time_zone": "UTC", "version": ""},
    "changeNotificationsOfPerson": {"digest": "daily", "digest_at": "08:00", "time_zone": "UTC", "version": ""},
    "changePassword": {"current": "wrong", "password": "four words make a pass"},
    "changePerson": PERSON,
    "changeTicketTemplate": TEMPLATE,
    "changeWebhook": WEBHOOK,
    "createKey": {"name": "crm", "user_id": "{person}", "scopes": "tickets:read", "lifetime": "", "once": ONCE},
    "createPerson": {**PERSON, "once": ONCE},
    "createTicketTemplate": {**TEMPLATE, "once": ONCE},
    "createWebhook": {**WEBHOOK, "once": ONCE},
    "deactivatePerson": {},
    "deleteTicketTemplate": {},
    "deleteWebhook": {},
    "endOtherSessions": {},
    "endSession": {"session": NO_ID},
    "invitePersonAgain": {},
    "pauseWebhook": {},
    "replayDelivery": {},
    "replayFailedDeliveries": {},
    "resumeWebhook": {},
    "revokeKey": {},
    "rotateWebhookSecret": {"once": ONCE},
    "sendSignInLink": {},
    "signPersonOut": {},
    "testWebhook": {"once": ONCE},
    "beginSecondFactor": {},
    "cancel": {"text": "Not needed", "once": "a key of this form"},
    "close": {"text": "It was our router", "once": "a key of this form"},
    "confirmIdentity": {"password": "wrong"},
    "confirmSecondFactor": {"code": "000000"},
    "changeCompanyContactMail": {"cc": "resolved", "inbound_cc": "ignore"},
    "changeCompanySettings": {"language": "de", "time_zone": "Europe/Lisbon", "billing": "pay@example.com"},
    "changeCompanyFields": {"fields.vat_number.shown": "1", "fields.vat_number": "GB-123"},
    "fields": {"fields.circuit_ref.shown": "1", "fields.circuit_ref": "BIR-1"},
    "fault": {"occurred_at": "2026-03-01T02:00", "testing_consent": "yes"},
    "follow": {"text": "", "once": "a key of this form"},
    "raiseTicket": {
        "service": "SVC-1",
        "title": "Port is down",
        "description": "No light",
        "issue_type": "Circuit Down",
        "occurred_at": "2026-03-01T09:12",
        "reference": "CHG-1",
        "priority": "",
        "person": "",
        "name": "Ada Okoro",
        "email": "ada@example.com",
        "phone": "",
        "once": "a key of this form",
    },
    "removeSecondFactor": {},
    "renewRecoveryCodes": {},
    "reopen": {"text": "It fails again", "once": "a key of this form"},
    "reply": {"text": "From the portal", "once": "a key of this form"},
    "changeSelf": {"name": "Ada Okoro", "phone": "+1-555-0142"},
    "setLanguage": {"language": "de"},
    "setTheme": {"theme": "dark"},
    "signOut": {},
    "addPerson": {"role": "cc", "email": "noc@example.org", "once": "a key of this form"},
    "removePerson": {"person": "1", "once": "a key of this form"},
    "unfollow": {"user": NO_ID, "once": "a key of this form"},
    "works": {"once": "a key of this form"},
}
OWN = {
    "beginSecondFactor", "changePassword", "changeSelf", "confirmIdentity", "confirmSecondFactor", "endOtherSessions",
    "endSession",
    "removeSecondFactor", "renewRecoveryCodes", "setLanguage",
    "setTheme", "signOut",
}  # fmt: skip
"""Forms that change only the browser and the person, its sessions and its second factor."""


class Desk(NamedTuple):
    """A ticket of a company, a person and an admin of it, an admin of another one, and records by their kind."""

    tenant: Tenant
    number: str
    customer: Person
    admin: Person
    stranger: Person
    ids: dict[str, str]

    def path(self, entry: Entry) -> str:
        """Return the path of a page with ids of this desk."""
        return entry.path.format(number=self.number, file=NO_ID, **self.ids)

    def without_records(self) -> "Desk":
        """Return the same with ids of nothing."""
        return self._replace(number="INC999999999999", ids=dict.fromkeys(self.ids, NO_ID))

    def person_for(self, entry: Entry) -> Person:
        """Return somebody of the company who may open a page."""
        return self.admin if entry.scope is Scope.ACCOUNTS_WRITE else self.customer

    def form(self, name: str) -> dict[str, str]:
        """Return the fields of a form, with ids of this desk."""
        return {field: self.ids.get(value.strip("{}"), value) for field, value in FORMS[name].items()}


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    tenant, other = await new_tenant(database), await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, TITLE, status=Status.IN_PROGRESS)
        await notes.append_note(
            tx, OPERATOR, number, INTERNAL, channel=Channel.CONSOLE, visibility=Visibility.INTERNAL, now=NOW
        )
        admin = await new_person(tx, "Ines Duarte", Role.CUSTOMER_ADMIN, company=tenant.company.code)
        assert admin.user is not None
        colleague = await new_person(tx, "Marek Nowak", Role.CUSTOMER, company=tenant.company.code)
        assert colleague.user is not None
        await tx.write("update app_user set role = 'customer_admin' where id = $1", other.user.id)
        key, _secret = await keys.create_key(tx, OPERATOR, tenant.company.id, name="zq8crm", now=NOW)
        values = {"url": "https://hooks.example.com/zq8", "is_active": False}
        webhook, _secret = await subscriptions.add_subscription(
            tx, OPERATOR, values, of=tenant.company, networks=(), now=NOW
        )
        template = await templates.add_template(tx, OPERATOR, {"name": "zq8"}, company=tenant.company.code, now=NOW)
    [delivery] = await insert_deliveries(database, webhook)
    ids = {"person": colleague.user.id, "key": key.id, "webhook": webhook.id, "delivery": delivery}
    ids["template"] = template.id
    return Desk(
        tenant,
        ticket_number(number),
        await session_of(client, database, tenant.user),
        await session_of(client, database, admin.user),
        await session_of(client, database, other.user),
        {kind: str(record_id) for kind, record_id in ids.items()},
    )


@pytest.fixture(scope="module")
async def staff(client: httpx.AsyncClient, database: Database) -> dict[Role, Person]:
    """Return somebody of each role of the provider, with a session."""
    return {role: await person(client, database, role) for role in (Role.VIEWER, Role.AGENT, Role.ADMIN)}


def named(entry: Entry) -> str:
    return entry.name


READS = [entry for entry in PAGES if entry.method == "GET"]
WRITES = [entry for entry in PAGES if entry.method == "POST"]
ABOUT_A_RECORD = [entry for entry in PAGES if "{" in entry.path]
OF_ADMINS = [entry for entry in PAGES if entry.scope is Scope.ACCOUNTS_WRITE]


def test_every_form_has_its_fields_and_every_page_a_scope() -> None:
    assert {entry.name for entry in WRITES} == set(FORMS)
    assert len({entry.name for entry in PAGES}) == len(PAGES)
    assert {entry.method for entry in PAGES} == {"GET", "POST"}
    scopes = {Scope.TICKETS_WRITE, Scope.ACCOUNTS_WRITE}
    assert all(entry.scope in scopes for entry in WRITES if entry.name not in OWN)


async def ask(desk: Desk, who: Person, entry: Entry) -> httpx.Response:
    if entry.method == "GET":
        return await who.get(desk.path(entry))
    return await who.post(desk.path(entry), **desk.form(entry.name))


@pytest.mark.parametrize("entry", PAGES, ids=named)
async def test_nobody_sees_a_page_without_a_session(client: httpx.AsyncClient, desk: Desk, entry: Entry) -> None:
    api_key = {"Authorization": f"Bearer {desk.tenant.secret}"}
    for headers in ({}, api_key, {"Cookie": f"__Host-clearline-session={'A' * 43}"}):
        answer = await client.request(entry.method, desk.path(entry), headers=headers, data={})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith("/sign-in?next=%2F")
        assert answer.text == ""


@pytest.mark.parametrize("entry", PORTAL_PAGES, ids=named)
async def test_the_providers_people_are_led_to_the_console(
    database: Database, desk: Desk, staff: dict[Role, Person], entry: Entry
) -> None:
    before = await everything(database, desk.tenant)
    for role, who in staff.items():
        answer = await ask(desk, who, entry)
        assert answer.status_code == 403, f"{role}: {answer.text}"
        assert TITLE not in answer.text
        assert Page(answer.text).links("/console") == ["/console"], role
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", OF_ADMINS, ids=named)
async def test_only_admins_of_a_company_manage_it(database: Database, desk: Desk, entry: Entry) -> None:
    before = await everything(database, desk.tenant)
    answer = await ask(desk, desk.customer, entry)
    assert answer.status_code == 403, answer.text
    assert "Your role may not do this." in answer.text
    assert await everything(database, desk.tenant) == before
    if entry.method == "GET":
        assert (await ask(desk, desk.admin, entry)).status_code == 200


@pytest.mark.parametrize("entry", ABOUT_A_RECORD, ids=named)
async def test_the_record_of_another_company_is_like_one_that_does_not_exist(
    database: Database, desk: Desk, entry: Entry
) -> None:
    before = await everything(database, desk.tenant)
    theirs = await ask(desk, desk.stranger, entry)
    nothing = await ask(desk.without_records(), desk.stranger, entry)
    assert theirs.status_code == nothing.status_code == 404
    assert TITLE not in theirs.text
    texts = [answer.text.replace(answer.headers["x-request-id"], "") for answer in (theirs, nothing)]
    assert texts[0] == texts[1]
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", READS, ids=named)
async def test_a_page_shows_nothing_of_another_company(desk: Desk, entry: Entry) -> None:
    for query in ("", "?q=zq8onlyofa&show=all", "?id=SVC-1", f"?service={desk.number}"):
        answer = await desk.stranger.get(desk.path(entry) + query)
        for secret in (TITLE, INTERNAL, desk.number, desk.tenant.company.name, desk.tenant.user.email, "zq8crm"):
            assert query.endswith(secret) or secret not in answer.text


@pytest.mark.parametrize("entry", READS, ids=named)
async def test_a_customer_never_sees_an_internal_note_and_opening_a_page_changes_nothing(
    database: Database, desk: Desk, entry: Entry
) -> None:
    before = await everything(database, desk.tenant)
    answer = await desk.person_for(entry).get(desk.path(entry))
    assert answer.status_code in {200, 303, 404}, answer.text
    assert INTERNAL not in answer.text
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_a_form_without_the_token_of_the_session_does_nothing(
    client: httpx.AsyncClient, database: Database, desk: Desk, entry: Entry
) -> None:
    before = await everything(database, desk.tenant)
    foreign, sender = desk.stranger.token_of_form(), desk.person_for(entry)
    for token in (None, "", "A" * 43, "not base64!", foreign):
        data = desk.form(entry.name) if token is None else {**desk.form(entry.name), "csrf": token}
        answer = await client.post(desk.path(entry), headers=sender.headers, data=data)
        assert answer.status_code == 403, answer.text
    assert await everything(database, desk.tenant) == before
    assert (await desk.customer.get("/portal/tickets")).status_code == 200


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_a_form_from_another_site_does_nothing(database: Database, desk: Desk, entry: Entry) -> None:
    before = await everything(database, desk.tenant)
    sender = desk.person_for(entry)
    form = {**desk.form(entry.name), "csrf": sender.token_of_form()}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.com"}):
        answer = await sender.client.post(desk.path(entry), headers={**sender.headers, **headers}, data=form)
        assert answer.status_code == 403, f"{headers}: {answer.text}"
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", ABOUT_A_RECORD, ids=named)
async def test_ids_of_nothing_are_answered_with_a_page(desk: Desk, entry: Entry) -> None:
    for number, some_id in (("INC999999999999", NO_ID), ("nothing", "nothing"), ("INC1", "0"), ("%00", "%00")):
        path = entry.path.format(number=number, file=some_id, **dict.fromkeys(desk.ids, some_id))
        form, who = FORMS.get(entry.name, {}), desk.person_for(entry)
        answer = await (who.get(path) if entry.method == "GET" else who.post(path, **form))
        assert answer.status_code == 404, answer.text
        assert answer.headers["x-request-id"] in Page(answer.text).text


@pytest.mark.parametrize("entry", [entry for entry in WRITES if entry.name != "signOut"], ids=named)
async def test_a_value_that_cannot_be_stored_is_no_error_of_the_desk(desk: Desk, entry: Entry) -> None:
    for field in sorted({*FORMS[entry.name], "text", "user", "once", "step", "find", "other"}):
        form = {**FORMS[entry.name], "once": f"a key for {field}", field: "a\0b"}
        answer = await desk.customer.post(desk.path(entry), **form)
        assert answer.status_code < 500, f"{field}: {answer.text}"


@pytest.mark.parametrize(
    "name",
    ["q", "service", "status", "show", "mine", "after", "id", "part", "all", "done", "find", "other", "step", "state"],
)
async def test_an_address_that_means_nothing_is_no_error_of_the_desk(desk: Desk, name: str) -> None:
    for entry in READS:
        for value in ("%00", "a" * 5000, "%F0%9F%A6%8A", "status:nothing", "%22"):
            answer = await desk.person_for(entry).get(f"{desk.path(entry)}?{name}={value}")
            assert answer.status_code < 500, f"{entry.name} {name}={value}: {answer.text}"
