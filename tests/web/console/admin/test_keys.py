"""The section of API keys."""

from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.people import new_staff
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import let_time_pass

KEYS = "/console/admin/keys"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


async def form_of(database: Database, **values: str) -> dict[str, str]:
    user = (await new_staff(database, Role.AGENT)).user
    form = {"name": "billing", "user_id": str(user.id), "scopes": "tickets:read", "lifetime": "", "once": uuid4().hex}
    return {**form, **values}


async def test_a_secret_is_shown_once_and_works_until_the_key_is_revoked(
    client: httpx.AsyncClient, database: Database, admin: Person
) -> None:
    form = await form_of(database, lifetime="30")
    issued = await admin.post(KEYS, **form)
    assert issued.status_code == 200, issued.text
    [secret] = [field["value"] or "" for field in Page(issued.text).all("input") if "readonly" in field]
    path = issued.headers["hx-push-url"]
    again = await admin.post(KEYS, **form)
    assert (again.status_code, again.headers["location"]) == (303, path)
    api_key = {"Authorization": f"Bearer {secret}"}
    assert (await client.get("/api/v1/me", headers=api_key)).json()["scopes"] == ["tickets:read"]
    answer = await admin.get(path)
    page = Page(answer.text)
    assert secret not in answer.text
    for text in ("billing", secret[:10], "Ben Ito", "tickets:read", "Revoke billing"):
        assert text in page.text
    assert (await admin.post(f"{path}/revoke")).status_code == 303
    assert "Revoke billing" not in (await admin.page(path)).text
    assert "revoked" in (await admin.page(KEYS)).text
    assert (await client.get("/api/v1/me", headers=api_key)).status_code == 401


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("name", "", "Must have 1 to 255 characters."),
        ("scopes", "desk:write", "Must not have desk:write: the user is an agent."),
        ("scopes", "everything", "Must be some of"),
        ("lifetime", "0", "Must be 1 to 3650 days."),
        ("lifetime", "-1", "Must be 1 to 3650 days."),
        ("lifetime", "9" * 40, "Must be 1 to 3650 days."),
        ("user_id", "", "Must be chosen."),
        ("user_id", HOSTILE, "Must be an id."),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    database: Database, admin: Person, name: str, wrong: str, shown: str
) -> None:
    refused = await admin.post(KEYS, **await form_of(database, **{"name": "kept here", name: wrong}))
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text
    assert name == "name" or 'value="kept here"' in refused.text
    assert "<script>alert" not in refused.text


async def test_keys_need_the_password_again(database: Database, admin: Person) -> None:
    issued = await admin.post(KEYS, **await form_of(database))
    path = issued.headers["hx-push-url"]
    await let_time_pass(database, admin.user)
    for address, form in ((KEYS, await form_of(database)), (f"{path}/revoke", {})):
        asked = await admin.post(address, **form)
        assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
    assert "Revoke billing" in (await admin.page(path)).text


async def test_the_name_of_a_key_is_shown_as_text(database: Database, admin: Person) -> None:
    issued = await admin.post(KEYS, **await form_of(database, name=HOSTILE))
    for answer in (issued, await admin.get(KEYS), await admin.get(issued.headers["hx-push-url"])):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]
