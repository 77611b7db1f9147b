"""Who may open the pages of the administration and send their forms. Generated from the table of pages."""

import httpx
import pytest

from clearline.identity import ROLE_SCOPES, Role
from clearline.platform.database.transactions import Database
from clearline.web.console.admin.pages import ADMIN_PAGES
from clearline.web.console.pages import PAGES
from clearline.web.visit import Page as Entry
from tests.builders.people import new_tenant
from tests.builders.web.pages import Page, Person, person, session_of
from tests.web.console.admin.forms import FORMS, NO_ID, Desk, form_of, new_desk

READS = [entry for entry in ADMIN_PAGES if entry.method == "GET"]
DOWNLOADS = {"rawInboundMail", "showMailPreview"}
WRITES = [entry for entry in ADMIN_PAGES if entry.method == "POST"]
STAFF = (Role.AGENT, Role.VIEWER)


def named(entry: Entry) -> str:
    return entry.name


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    return await new_desk(client, database)


@pytest.fixture(scope="module")
async def others(client: httpx.AsyncClient, database: Database) -> dict[Role, Person]:
    """Return somebody of each role that is not the admins', with a session."""
    people = {role: await person(client, database, role) for role in STAFF}
    for role in (Role.CUSTOMER, Role.CUSTOMER_ADMIN):
        tenant = await new_tenant(database)
        async with database.transaction() as tx:
            await tx.write("update app_user set role = $1 where id = $2", role, tenant.user.id)
        people[role] = await session_of(client, database, tenant.user)
    return people


async def state(database: Database) -> int:
    """Return how many events there are: every change of a use case stores one."""
    async with database.statement() as tx:
        count: int = await tx.fetchval("select count(*) from event where type <> 'session.created'")
    return count


async def ask(who: Person, path: str, entry: Entry) -> httpx.Response:
    return await (who.get(path) if entry.method == "GET" else who.post(path, **FORMS[entry.name]))


def test_every_form_has_its_fields_and_only_admins_have_the_scopes() -> None:
    assert {entry.name for entry in WRITES} == set(FORMS)
    names = [entry.name for entry in (*ADMIN_PAGES, *PAGES)]
    assert len(set(names)) == len(names)
    assert all(entry.path.startswith("/console/admin") for entry in ADMIN_PAGES)
    for entry in ADMIN_PAGES:
        assert [role for role in (Role.ADMIN, Role.AGENT, Role.VIEWER) if entry.scope in ROLE_SCOPES[role]] == ["admin"]


@pytest.mark.parametrize("entry", ADMIN_PAGES, ids=named)
async def test_nobody_without_a_session_gets_in(client: httpx.AsyncClient, desk: Desk, entry: Entry) -> None:
    answer = await client.request(entry.method, desk.path(entry), data={})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize("entry", ADMIN_PAGES, ids=named)
async def test_people_who_are_no_admins_are_refused(
    database: Database, desk: Desk, others: dict[Role, Person], entry: Entry
) -> None:
    before = await state(database)
    for role, other in others.items():
        answer = await ask(other, desk.path(entry), entry)
        assert answer.status_code == 403, f"{role}: {answer.text}"
        assert role not in STAFF or "Your role may not do this." in answer.text, role
    assert await state(database) == before


@pytest.mark.parametrize("role", STAFF)
async def test_people_who_are_no_admins_see_no_link_to_the_administration(
    others: dict[Role, Person], role: Role
) -> None:
    answer = await others[role].get("/console/open")
    assert answer.status_code == 200
    assert "/console/admin" not in answer.text


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_a_form_without_the_token_of_the_session_does_nothing(
    client: httpx.AsyncClient, database: Database, desk: Desk, entry: Entry
) -> None:
    other = await person(client, database, Role.ADMIN)
    before = await state(database)
    for token in ("", "A" * 43, other.token_of_form()):
        data = {**FORMS[entry.name], "csrf": token}
        answer = await client.post(desk.path(entry), headers=desk.admin.headers, data=data)
        assert answer.status_code == 403, answer.text
    site = {**desk.admin.headers, "Sec-Fetch-Site": "cross-site"}
    data = {**FORMS[entry.name], "csrf": desk.admin.token_of_form()}
    assert (await client.post(desk.path(entry), headers=site, data=data)).status_code == 403
    assert await state(database) == before


@pytest.mark.parametrize("entry", READS, ids=named)
async def test_opening_a_page_changes_nothing(database: Database, desk: Desk, entry: Entry) -> None:
    before = await state(database)
    answer = await desk.admin.get(desk.path(entry))
    assert answer.status_code == 200, answer.text
    assert await state(database) == before
    assert entry.name in DOWNLOADS or "/console/admin" in Page(answer.text).links("/console/admin")


@pytest.mark.parametrize("entry", [entry for entry in ADMIN_PAGES if "{" in entry.path], ids=named)
async def test_ids_of_nothing_are_answered_with_a_page(desk: Desk, entry: Entry) -> None:
    for record_id in (NO_ID, "nothing", "AA", "AGE", "%00"):  # AA and AGE: segments of texts with NUL
        answer = await ask(desk.admin, desk.path(entry, record_id), entry)
        assert answer.status_code == 404, answer.text
        assert answer.headers["x-request-id"] in Page(answer.text).text


@pytest.mark.parametrize("entry", [entry for entry in WRITES if FORMS[entry.name]], ids=named)
async def test_a_value_that_cannot_be_stored_is_no_error_of_the_desk(desk: Desk, entry: Entry) -> None:
    for field in FORMS[entry.name]:
        answer = await desk.admin.post(desk.path(entry), **{**form_of(desk, entry.name), field: "a\0b"})
        assert answer.status_code < 500, f"{field}: {answer.text}"
