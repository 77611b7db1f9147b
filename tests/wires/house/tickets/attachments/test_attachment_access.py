from pathlib import Path

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.attachments import CONTENT, attach, stored_files
from tests.builders.house import UNKNOWN_ID
from tests.builders.people import Tenant, new_tenant, staff_key


async def test_customers_see_public_files_and_staff_sees_all(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    hidden = await attach(client, path, agent, name="ours", visibility="internal")
    shown = await attach(client, path, agent, name="all")
    assert (hidden.json()["visibility"], hidden.json()["source"]) == ("internal", "seller")
    names = [
        [attachment["name"] for attachment in (await client.get(path, headers=headers)).json()["data"]]
        for headers in (tenant.headers, agent)
    ]
    assert names == [["all"], ["ours", "all"]]
    for attached, status in ((hidden, 404), (shown, 200)):
        for part in ("", "/content"):
            response = await client.get(attached.headers["location"] + part, headers=tenant.headers)
            assert response.status_code == status
    assert (await client.get(hidden.headers["location"] + "/content", headers=agent)).content == CONTENT


async def test_deleting_requires_the_etag_and_deletes_the_content(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str, folder: Path
) -> None:
    own = await attach(client, path, tenant.headers)
    location, attachment_id = own.headers["location"], own.json()["id"]
    bare = await client.delete(location, headers=tenant.headers)
    stale = await client.delete(location, headers=tenant.headers | {"If-Match": '"x"'})
    assert (bare.status_code, stale.status_code) == (428, 412)
    assert attachment_id in stored_files(folder)
    deleted = await client.delete(location, headers=tenant.headers | {"If-Match": own.headers["etag"]})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert attachment_id not in stored_files(folder)
    for again in (
        await client.get(location, headers=tenant.headers),
        await client.get(location + "/content", headers=tenant.headers),
        await client.delete(location, headers=agent | {"If-Match": "*"}),
    ):
        assert again.status_code == 404
    history = await client.get(path.replace("/attachments", "/history"), headers=tenant.headers)
    assert [event["type"] for event in history.json()["data"]][1:] == ["attachment.added", "attachment.removed"]


async def test_agents_delete_any_file_and_customers_only_their_own(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    internal = await attach(client, path, agent)
    own = await attach(client, path, tenant.headers)
    viewer = await staff_key(database, Role.VIEWER)
    anything = {"If-Match": "*"}
    refused = [
        await client.delete(internal.headers["location"], headers=tenant.headers | anything),
        await client.delete(internal.headers["location"], headers=viewer | anything),
        await attach(client, path, viewer),
    ]
    assert [response.status_code for response in refused] == [403, 403, 403]
    assert (await client.delete(own.headers["location"], headers=agent | anything)).status_code == 204


async def test_deleting_with_an_idempotency_key_leaves_the_content_to_the_sweep(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    created = await attach(client, path, tenant.headers)
    headers = tenant.headers | {"If-Match": "*", "Idempotency-Key": "delete-1"}
    for replayed in (None, "true"):
        deleted = await client.delete(created.headers["location"], headers=headers)
        assert (deleted.status_code, deleted.headers.get("idempotent-replayed")) == (204, replayed)
    assert created.json()["id"] in stored_files(folder)


async def test_another_companys_attachments_are_not_found(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, path: str, folder: Path
) -> None:
    created = await attach(client, path, tenant.headers)
    before = stored_files(folder)
    location = created.headers["location"]
    unknown = f"{path.rpartition('INC')[0]}INC000000999999/attachments"
    answers = [
        (await client.get(address, headers=other_tenant.headers)).json()["code"]
        for address in (path, location, location + "/content", unknown)
    ]
    deleted = await client.delete(location, headers=other_tenant.headers | {"If-Match": "*"})
    added = await attach(client, path, other_tenant.headers)
    assert {*answers, deleted.json()["code"], added.json()["code"]} == {"not-found"}
    assert stored_files(folder) == before


@pytest.mark.parametrize("name", ["nonsense", UNKNOWN_ID])
async def test_an_unknown_or_malformed_attachment_id_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, path: str, name: str
) -> None:
    for part in ("", "/content"):
        assert (await client.get(f"{path}/{name}{part}", headers=tenant.headers)).status_code == 404


async def test_a_key_with_the_scope_is_required(
    client: httpx.AsyncClient, database: Database, path: str, folder: Path
) -> None:
    before = stored_files(folder)
    assert (await attach(client, path, {})).status_code == 401
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    refused = await attach(client, path, reader.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert stored_files(folder) == before
