from pathlib import Path

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.attachments import CONTENT, attach, stored_files
from tests.builders.house import UNKNOWN_ID
from tests.builders.people import Tenant, new_tenant, staff_key


async def test_customers_see_public_files_and_the_provider_all(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    hidden = await attach(client, path, agent, name="ours", visibility="internal")
    shown = await attach(client, path, agent, name="all")
    assert (hidden.json()["visibility"], hidden.json()["source"]) == ("internal", "seller")
    seen = [
        [one["name"] for one in (await client.get(path, headers=who)).json()["data"]] for who in (tenant.headers, agent)
    ]
    assert seen == [["all"], ["ours", "all"]]
    for where, status in ((hidden, 404), (shown, 200)):
        for part in ("", "/content"):
            got = await client.get(where.headers["location"] + part, headers=tenant.headers)
            assert got.status_code == status
    assert (await client.get(hidden.headers["location"] + "/content", headers=agent)).content == CONTENT


async def test_deleting_needs_the_etag_and_takes_the_content_too(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str, folder: Path
) -> None:
    own = await attach(client, path, tenant.headers)
    where, one = own.headers["location"], own.json()["id"]
    bare = await client.delete(where, headers=tenant.headers)
    stale = await client.delete(where, headers=tenant.headers | {"If-Match": '"x"'})
    assert (bare.status_code, stale.status_code) == (428, 412)
    assert one in stored_files(folder)
    gone = await client.delete(where, headers=tenant.headers | {"If-Match": own.headers["etag"]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert one not in stored_files(folder)
    for again in (
        await client.get(where, headers=tenant.headers),
        await client.get(where + "/content", headers=tenant.headers),
        await client.delete(where, headers=agent | {"If-Match": "*"}),
    ):
        assert again.status_code == 404
    history = await client.get(path.replace("/attachments", "/history"), headers=tenant.headers)
    assert [event["type"] for event in history.json()["data"]][1:] == ["attachment.added", "attachment.removed"]


async def test_who_may_delete(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    ours = await attach(client, path, agent)
    theirs = await attach(client, path, tenant.headers)
    viewer = await staff_key(database, Role.VIEWER)
    anything = {"If-Match": "*"}
    refused = [
        await client.delete(ours.headers["location"], headers=tenant.headers | anything),
        await client.delete(ours.headers["location"], headers=viewer | anything),
        await attach(client, path, viewer),
    ]
    assert [one.status_code for one in refused] == [403, 403, 403]
    assert (await client.delete(theirs.headers["location"], headers=agent | anything)).status_code == 204


async def test_deleting_with_a_key_for_retries_leaves_the_content_to_the_sweep(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    made = await attach(client, path, tenant.headers)
    headers = tenant.headers | {"If-Match": "*", "Idempotency-Key": "delete-1"}
    for replayed in (None, "true"):
        gone = await client.delete(made.headers["location"], headers=headers)
        assert (gone.status_code, gone.headers.get("idempotent-replayed")) == (204, replayed)
    assert made.json()["id"] in stored_files(folder)


async def test_another_companys_attachments_do_not_exist(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, path: str, folder: Path
) -> None:
    made = await attach(client, path, tenant.headers)
    before = stored_files(folder)
    where = made.headers["location"]
    unknown = f"{path.rpartition('INC')[0]}INC000000999999/attachments"
    answers = [
        (await client.get(one, headers=other_tenant.headers)).json()["code"]
        for one in (path, where, where + "/content", unknown)
    ]
    deleted = await client.delete(where, headers=other_tenant.headers | {"If-Match": "*"})
    added = await attach(client, path, other_tenant.headers)
    assert {*answers, deleted.json()["code"], added.json()["code"]} == {"not-found"}
    assert stored_files(folder) == before


@pytest.mark.parametrize("one", ["nonsense", UNKNOWN_ID])
async def test_an_attachment_that_is_none_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, path: str, one: str
) -> None:
    for part in ("", "/content"):
        assert (await client.get(f"{path}/{one}{part}", headers=tenant.headers)).status_code == 404


async def test_without_a_key_or_its_scope_nothing_is_told(
    client: httpx.AsyncClient, database: Database, path: str, folder: Path
) -> None:
    before = stored_files(folder)
    assert (await attach(client, path, {})).status_code == 401
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    refused = await attach(client, path, reader.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert stored_files(folder) == before
