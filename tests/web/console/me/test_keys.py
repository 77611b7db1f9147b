"""The API keys of the person who is signed in."""

from uuid import uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from tests.builders.mail.outbox import eventually
from tests.builders.people import new_staff
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import let_time_pass

KEYS = "/console/me/keys"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT)


def form_of(**values: str) -> dict[str, str]:
    return {"name": "my script", "scopes": "tickets:read", "lifetime": "", "once": uuid4().hex, **values}


def secrets_in(answer: httpx.Response) -> list[str]:
    return [field["value"] or "" for field in Page(answer.text).all("input") if "readonly" in field]


async def test_a_person_issues_a_key_once_uses_it_and_revokes_it(client: httpx.AsyncClient, agent: Person) -> None:
    form = form_of(lifetime="30")
    issued, again = await agent.post(KEYS, **form), await agent.post(KEYS, **form)
    path = issued.headers["hx-push-url"]
    assert (issued.status_code, again.status_code, again.headers["location"]) == (200, 303, path)
    [secret] = secrets_in(issued)
    api_key = {"Authorization": f"Bearer {secret}"}
    me = (await client.get("/api/v1/me", headers=api_key)).json()
    assert (me["scopes"], me["email"]) == (["tickets:read"], agent.user.email)
    page = await agent.get(path)
    assert secret not in page.text
    assert "Revoke my script" in Page(page.text).text
    assert path in (await agent.page(KEYS)).links(KEYS)
    assert (await agent.post(f"{path}/revoke")).status_code == 303

    async def refused() -> bool:  # every process hears of it within a moment
        return (await client.get("/api/v1/me", headers=api_key)).status_code == 401

    await eventually(refused)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
async def test_a_key_is_never_wider_than_the_rights_of_the_person(
    client: httpx.AsyncClient, database: Database, role: Role
) -> None:
    somebody = await person(client, database, role)
    offered = {field["value"] for field in (await somebody.page(f"{KEYS}/new")).all("input") if "value" in field}
    for scope in ("accounts:write", "desk:write", *(["tickets:write"] if role is Role.VIEWER else [])):
        assert scope not in offered
        refused = await somebody.post(KEYS, **form_of(scopes=scope))
        assert refused.status_code == 422, refused.text
        assert f"Must not have {scope}" in Page(refused.text).text
        assert 'value="my script"' in refused.text
    assert "my script" not in (await somebody.page(KEYS)).text


async def test_keys_of_others_are_not_there(database: Database, agent: Person) -> None:
    other = (await new_staff(database, Role.AGENT)).user
    async with database.transaction() as tx:
        key, _secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=other.id, name="theirs", now=now())
    assert "theirs" not in (await agent.page(KEYS)).text
    assert (await agent.get(f"{KEYS}/{key.id}")).status_code == 404
    assert (await agent.post(f"{KEYS}/{key.id}/revoke")).status_code == 404
    async with database.transaction() as tx:
        assert (await keys.get_key(tx, OPERATOR, PROVIDER_ID, key.id)).revoked_at is None


async def test_keys_need_the_password_again(database: Database, agent: Person) -> None:
    path = (await agent.post(KEYS, **form_of())).headers["hx-push-url"]
    await let_time_pass(database, agent.user)
    for address, form in ((KEYS, form_of()), (f"{path}/revoke", {})):
        asked = await agent.post(address, **form)
        assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
        assert secrets_in(asked) == []
    assert "Revoke my script" in (await agent.page(path)).text


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("name", "", "Must have 1 to 255 characters."),
        ("scopes", "everything", "Must be some of"),
        ("scopes", "", "Must be some of"),
        ("lifetime", "0", "Must be 1 to 3650 days."),
        ("lifetime", "9" * 40, "Must be 1 to 3650 days."),
    ],
)
async def test_a_refused_form_names_the_field(agent: Person, name: str, wrong: str, shown: str) -> None:
    refused = await agent.post(KEYS, **form_of(**{name: wrong}))
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text


async def test_the_name_of_a_key_is_shown_as_text(agent: Person) -> None:
    issued = await agent.post(KEYS, **form_of(name=HOSTILE))
    for answer in (issued, await agent.get(KEYS), await agent.get(issued.headers["hx-push-url"])):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


async def test_the_account_leads_to_keys_and_notifications(agent: Person) -> None:
    links = (await agent.page("/console/me")).links("/console/me/")
    assert links == ["/console/me/notifications", "/console/me/keys"]
    assert "/console/admin" not in (await agent.get(KEYS)).text
