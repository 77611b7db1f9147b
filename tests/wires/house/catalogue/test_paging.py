"""A page goes on where the last one ended, also when what it ended with is not in the list any more."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.wires.house import paging
from clearline.wires.http.cursors import InvalidCursor
from tests.builders.house import ANY, Headers, Json, no_fields, no_forms
from tests.builders.people import Tenant

DEFINITIONS = "/api/v1/form-definitions"
TERMS = "/api/v1/terms"
MAIL_TEMPLATES = "/api/v1/mail-templates"
TYPES = ("Circuit Down", "High Latency", "Others")


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no form and no field behind."""
    await no_fields(database)
    await no_forms(database)
    yield
    await no_forms(database)


async def first_page(client: httpx.AsyncClient, headers: Headers, path: str) -> tuple[list[Json], str]:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["has_more"]
    return page["data"], f"{path}&cursor={page['next_cursor']}"


async def all_of(client: httpx.AsyncClient, headers: Headers, path: str) -> list[Json]:
    listed: list[Json] = (await client.get(path, headers=headers)).json()["data"]
    return listed


async def test_the_list_of_forms_goes_on_after_a_deleted_one(client: httpx.AsyncClient, admin: Headers) -> None:
    fields = {"fields": [{"name": "title"}, {"name": "description"}]}
    for issue_type in TYPES:
        for audience in ("customer", "staff"):
            path = f"{DEFINITIONS}/{issue_type}?audience={audience}"
            answer = await client.put(path, headers={**admin, **ANY}, json=fields)
            assert answer.status_code == 200, answer.text
    whole = await all_of(client, admin, f"{DEFINITIONS}?limit=100")
    assert len(whole) == 2 * len(TYPES)
    for limit in (1, 3):
        shown, following = await first_page(client, admin, f"{DEFINITIONS}?limit={limit}")
        assert shown == whole[:limit]
        last = shown[-1]
        path = f"{DEFINITIONS}/{last['issue_type']}?audience={last['audience']}"
        assert (await client.delete(path, headers={**admin, **ANY})).status_code == 204
        assert await all_of(client, admin, following) == whole[limit : 2 * limit]
        body = {"fields": [{"name": each["name"]} for each in last["fields"]]}
        assert (await client.put(path, headers={**admin, **ANY}, json=body)).status_code == 200


async def test_the_list_of_terms_goes_on_after_one_that_customers_do_not_see_any_more(
    client: httpx.AsyncClient, admin: Headers, tenant: Tenant
) -> None:
    key = f"k{uuid4().hex[:12]}"
    new = {
        "kind": "waiting_reason", "key": key, "label": "Internal words", "customer_label": "Wait", "position": 0,
        "statuses": ["held"],
    }  # fmt: skip
    created = await client.post(TERMS, headers=admin, json=new)
    assert created.status_code == 201, created.text
    path = f"{TERMS}/{created.json()['id']}"
    whole = await all_of(client, tenant.headers, f"{TERMS}?limit=100")
    assert whole[0]["key"] == key
    shown, following = await first_page(client, tenant.headers, f"{TERMS}?limit=1")
    assert shown == whole[:1]
    hidden = await client.patch(path, headers={**admin, **ANY}, json={"customer_label": ""})
    assert hidden.status_code == 200, hidden.text
    assert await all_of(client, tenant.headers, following) == whole[1:2]
    await client.delete(path, headers={**admin, **ANY})


async def test_the_list_of_mail_templates_has_each_once(client: httpx.AsyncClient, admin: Headers) -> None:
    whole = await all_of(client, admin, f"{MAIL_TEMPLATES}?limit=100")
    listed: list[Json] = []
    path = f"{MAIL_TEMPLATES}?limit=3"
    while True:
        page = (await client.get(path, headers=admin)).json()
        listed += page["data"]
        if not page["has_more"]:
            break
        path = f"{MAIL_TEMPLATES}?limit=3&cursor={page['next_cursor']}"
    assert listed == whole


@pytest.mark.parametrize("keys", [[], ["not an id"], [str(UUID(int=1)), 2]])
def test_a_cursor_of_an_earlier_version_of_a_list_is_refused(
    monkeypatch: pytest.MonkeyPatch, keys: list[object]
) -> None:
    monkeypatch.setattr(paging, "cursor_keys", lambda _call: keys)
    with pytest.raises(InvalidCursor):
        paging.read_cursor(None, UUID)  # type: ignore[arg-type]
