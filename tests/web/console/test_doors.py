"""Who may open pages and send forms. Generated from the table."""

import httpx
import pytest

from clearline.identity import Role, Scope
from clearline.platform.database.transactions import Database
from clearline.web.console.pages import PAGES as CONSOLE_PAGES
from clearline.web.visit import Page as Entry
from tests.builders.databases import everything
from tests.builders.web.console_forms import FORMS, NO_ID, OWN, PAGES, READS, TITLE, WRITES, Desk, ask, named, new_desk
from tests.builders.web.pages import Page, person, session_of


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    return await new_desk(client, database)


def test_every_form_has_its_fields_and_every_page_a_scope() -> None:
    assert {entry.name for entry in WRITES} == set(FORMS)
    assert len({entry.name for entry in PAGES}) == len(PAGES)
    assert {entry.method for entry in PAGES} == {"GET", "POST"}
    scopes = {entry.name: entry.scope for entry in WRITES if entry.name not in OWN}
    assert scopes == {**dict.fromkeys(scopes, Scope.TICKETS_WRITE), "redact": Scope.TICKETS_REDACT}


@pytest.mark.parametrize("entry", PAGES, ids=named)
async def test_nobody_sees_a_page_without_a_session(client: httpx.AsyncClient, desk: Desk, entry: Entry) -> None:
    api_key = {"Authorization": f"Bearer {desk.tenant.secret}"}
    for headers in ({}, api_key, {"Cookie": f"__Host-clearline-session={'A' * 43}"}):
        answer = await client.request(entry.method, desk.path(entry), headers=headers, data={})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith("/sign-in?next=%2F")
        assert answer.text == ""


@pytest.mark.parametrize("entry", CONSOLE_PAGES, ids=named)
async def test_a_customer_with_a_session_is_refused(
    client: httpx.AsyncClient, database: Database, desk: Desk, entry: Entry
) -> None:
    for role in (Role.CUSTOMER, Role.CUSTOMER_ADMIN):
        async with database.transaction() as tx:
            await tx.write("update app_user set role = $1 where id = $2", role, desk.tenant.user.id)
        customer = await session_of(client, database, desk.tenant.user)
        before = await everything(database, desk.tenant)
        answer = await ask(desk, customer, entry)
        assert answer.status_code == 403, f"{role}: {answer.text}"
        assert TITLE not in answer.text
        assert Page(answer.text).links("/portal") == ["/portal"], role
        assert await everything(database, desk.tenant) == before, role


@pytest.mark.parametrize("entry", [entry for entry in WRITES if entry.name not in OWN], ids=named)
async def test_a_viewer_changes_nothing(
    client: httpx.AsyncClient, database: Database, desk: Desk, entry: Entry
) -> None:
    viewer = await person(client, database, Role.VIEWER)
    before = await everything(database, desk.tenant)
    answer = await ask(desk, viewer, entry)
    assert answer.status_code == 403, answer.text
    assert await everything(database, desk.tenant) == before


async def test_a_viewer_sees_no_form_that_it_may_not_send(
    client: httpx.AsyncClient, database: Database, desk: Desk
) -> None:
    viewer = await person(client, database, Role.VIEWER)
    page = await viewer.page(f"/console/tickets/{desk.number}")
    assert TITLE in page.text
    assert [form.get("action") for form in page.all("form") if form.get("method") == "post"] == ["/sign-out", "/theme"]


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_a_form_without_the_token_of_the_session_does_nothing(
    client: httpx.AsyncClient, database: Database, desk: Desk, entry: Entry
) -> None:
    other = await person(client, database)
    before = await everything(database, desk.tenant)
    fields = desk.form(entry)
    agent = desk.agent.headers
    for token in (None, "", "A" * 43, "not base64!", other.token_of_form()):
        data = fields if token is None else {**fields, "csrf": token}
        answer = await client.post(desk.path(entry), headers=agent, data=data)
        assert answer.status_code == 403, answer.text
    assert await everything(database, desk.tenant) == before
    assert (await desk.agent.get("/console/open")).status_code == 200


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_a_form_from_another_site_does_nothing(database: Database, desk: Desk, entry: Entry) -> None:
    before = await everything(database, desk.tenant)
    form = {**desk.form(entry), "csrf": desk.agent.token_of_form()}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.com"}):
        answer = await desk.agent.client.post(desk.path(entry), headers={**desk.agent.headers, **headers}, data=form)
        assert answer.status_code == 403, f"{headers}: {answer.text}"
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", READS, ids=named)
async def test_opening_a_page_changes_nothing(database: Database, desk: Desk, entry: Entry) -> None:
    before = await everything(database, desk.tenant)
    answer = await desk.agent.get(desk.path(entry))
    assert answer.status_code in {200, 303, 404}, answer.text
    assert await everything(database, desk.tenant) == before


@pytest.mark.parametrize("entry", PAGES, ids=named)
async def test_ids_of_nothing_are_answered_with_a_page(desk: Desk, entry: Entry) -> None:
    for number, some_id in (("INC999999999999", NO_ID), ("nothing", "nothing"), ("INC1", "0"), ("%00", "%00")):
        path = entry.path.format(
            number=number, id=some_id, file=some_id, macro=some_id, message=some_id, note=some_id, view="nothing"
        )
        if path == entry.path:
            continue
        if entry.is_upload:
            answer = await desk.agent.upload(path, "a.txt", b"From the console")
        else:
            answer = await (
                desk.agent.get(path) if entry.method == "GET" else desk.agent.post(path, **desk.form(entry))
            )
        assert answer.status_code == 404, answer.text
        assert answer.headers["x-request-id"] in Page(answer.text).text


@pytest.mark.parametrize("entry", [entry for entry in WRITES if entry.name != "signOut"], ids=named)
async def test_a_value_that_cannot_be_stored_is_no_error_of_the_desk(desk: Desk, entry: Entry) -> None:
    if entry.is_upload:
        return
    form = desk.form(entry)
    for field in {*form, "was", "waiting", "seen", "base_public"}:
        answer = await desk.agent.post(desk.path(entry), **{**form, field: "a\0b 2026-11-29T08:00:00+00:00"})
        assert answer.status_code < 500, f"{field}: {answer.text}"


SIGNS_OUT = {"signOut", "endSession", "endOtherSessions"}
FIELDS = {
    "text", "visibility", "then", "once", "seen", "waiting", "was", "base_public", "base_internal", "q", "name", "list",
    "sort", "file", "draft", "waiting_reason_held", "waiting_text_held", "closure_cause", "closure_fault_found",
}  # fmt: skip
PARAMETERS = (
    "q", "list", "sort", "after", "columns", "draft", "all", "done", "id", "shown", "others", "last", "rail", "here",
    "seen", "details", "company", "service", "into", "part", "state", "next", "show",
)  # fmt: skip
UNSTORABLE = ("a%00b", "%ED%A0%80")


@pytest.mark.parametrize("entry", [entry for entry in WRITES if entry.name not in SIGNS_OUT], ids=named)
async def test_a_field_that_cannot_be_stored(desk: Desk, entry: Entry) -> None:
    wrong = []
    for field in sorted({*FORMS[entry.name], *FIELDS}):
        form = {**desk.form(entry), "once": f"a key for {field}", field: "a\0b"}
        answer = await desk.agent.post(desk.path(entry), **form)
        if answer.status_code >= 500:
            wrong.append(field)
    assert wrong == []


@pytest.mark.parametrize("entry", [entry for entry in READS if entry.name != "live"], ids=named)
async def test_an_address_that_cannot_be_stored(desk: Desk, entry: Entry) -> None:
    wrong = []
    for name in PARAMETERS:
        for value in UNSTORABLE:
            answer = await desk.agent.get(f"{desk.path(entry)}?{name}={value}")
            if answer.status_code >= 500:
                wrong.append(f"{name}={value}")
    for value in UNSTORABLE if "{" in entry.path else ():
        names = ("number", "id", "file", "macro", "message", "note", "view")
        answer = await desk.agent.get(entry.path.format(**dict.fromkeys(names, value)))
        if answer.status_code >= 500:
            wrong.append(value)
    assert wrong == []


@pytest.mark.parametrize("value", [b"\xff", b"%00", b"a\x01b", b"\xed\xa0\x80"])
@pytest.mark.parametrize("name", ["__Host-clearline-session", "clearline-theme"])
async def test_a_cookie_that_cannot_be_stored(client: httpx.AsyncClient, name: str, value: bytes) -> None:
    headers = [(b"cookie", name.encode() + b"=" + value)]
    assert (await client.get("/console/open", headers=headers)).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link", "/sign-in/forgotten", "/sign-in/code"])
async def test_a_field_of_the_sign_in_that_cannot_be_stored(client: httpx.AsyncClient, path: str) -> None:
    for field in ("email", "password", "token", "code", "next"):
        form = {
            "email": "ada@example.com",
            "password": "wrong",
            "token": "wrong",
            "code": "1",
            field: "a\0b@example.com",
        }
        assert (await client.post(path, data=form)).status_code < 500
        assert (await client.get(f"{path}?{field}=a%00b")).status_code < 500
