import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, ticket_number
from tests.builders.databases import administer
from tests.builders.people import staff_key
from tests.builders.tickets import raised
from tests.conftest import NOW, Tenant, new_tenant, serving

Json = dict[str, Any]
MOST = 3_000_000
CONTENT = b"Interface Gi0/0/1\n" * 100
DIGEST = hashlib.sha256(CONTENT).digest()
STRANGE = 'Zürich "core" 100%.txt'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
async def client(database_url: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database_url=database_url, data_dir=folder, attachment_max=MOST, rate_limit=0, access_log=False)
    async with serving(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def agent(database: Database) -> dict[str, str]:
    return await staff_key(database, Role.AGENT)


@pytest.fixture
async def number(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        return await raised(tx, tenant)


@pytest.fixture
def path(number: int) -> str:
    return f"/api/v1/tickets/{ticket_number(number)}/attachments"


def kept(folder: Path) -> list[str]:
    """The ids of all contents, and of what is half received."""
    return sorted(one.name for one in (folder / "attachments").rglob("*") if one.is_file())


async def post(
    client: httpx.AsyncClient,
    path: str,
    headers: dict[str, str],
    content: bytes | AsyncIterator[bytes] = CONTENT,
    kind: str | None = "text/plain",
    **query: str,
) -> httpx.Response:
    more = {} if kind is None else {"Content-Type": kind}
    query = {"name": "a.txt"} | query
    return await client.post(f"{path}?{urlencode(query)}", headers=headers | more, content=content)


async def test_a_file_is_attached_described_listed_and_downloaded(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    made = await post(client, path, tenant.headers, kind="Text/Plain; charset=utf-8", name=STRANGE)
    assert made.status_code == 201, made.text
    body = made.json()
    expected = {
        "id": body["id"],
        "ticket": path.split("/")[4],
        "name": STRANGE,
        "media_type": "text/plain",
        "size": len(CONTENT),
        "sha256": DIGEST.hex(),
        "visibility": "public",
        "source": "buyer",
        "author": tenant.user.name,
        "created_at": body["created_at"],
    }
    assert body == expected
    assert made.headers["location"] == f"{path}/{body['id']}"
    read = await client.get(made.headers["location"], headers=tenant.headers)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, expected, made.headers["etag"])
    listed = await client.get(path, headers=tenant.headers)
    assert listed.json() == {"data": [expected], "has_more": False, "next_cursor": None}
    assert body["id"] in kept(folder)

    got = await client.get(made.headers["location"] + "/content", headers=tenant.headers)
    assert (got.status_code, got.content) == (200, CONTENT)
    told = {
        name: value for name, value in got.headers.items() if not name.startswith(("ratelimit", "x-r", "x-request"))
    }
    digest = f"sha-256=:{b64encode(DIGEST).decode()}:"
    assert told == {
        "content-type": "text/plain",
        "content-length": str(len(CONTENT)),
        "content-disposition": (
            "attachment; filename=\"Z_rich _core_ 100_.txt\"; filename*=UTF-8''Z%C3%BCrich%20%22core%22%20100%25.txt"
        ),
        "content-security-policy": "sandbox; default-src 'none'",
        "content-digest": digest,
        "repr-digest": digest,
        "etag": f'"{DIGEST.hex()}"',
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "vary": "Authorization",
        "x-content-type-options": "nosniff",
    }


async def test_a_file_of_several_blocks_comes_back_whole(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    content = bytes(range(256)) * (MOST // 256)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    made = await post(client, path, tenant.headers, chunks(), "application/vnd.tcpdump.pcap")
    assert (made.status_code, made.json()["size"]) == (201, len(content))
    got = await client.get(made.headers["location"] + "/content", headers=tenant.headers)
    assert got.content == content


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, (0, 9)),
        ("bytes=5-5", 206, (5, 5)),
        ("bytes=1790-", 206, (1790, 1799)),
        ("bytes=1790-99999", 206, (1790, 1799)),
        ("bytes=-10", 206, (1790, 1799)),
        ("bytes=-99999", 206, (0, 1799)),
        ("bytes=1800-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=-", 200, None),
        ("bytes=9-5", 200, None),
        ("bytes=0-1,3-4", 200, None),
        ("lines=0-1", 200, None),
    ],
)
async def test_a_part_of_a_file_can_be_asked_for(
    client: httpx.AsyncClient, tenant: Tenant, path: str, asked: str, status: int, part: tuple[int, int] | None
) -> None:
    made = await post(client, path, tenant.headers)
    got = await client.get(made.headers["location"] + "/content", headers=tenant.headers | {"Range": asked})
    assert got.status_code == status
    if part is not None:
        assert got.content == CONTENT[part[0] : part[1] + 1]
        assert got.headers["content-range"] == f"bytes {part[0]}-{part[1]}/1800"
        assert got.headers["content-length"] == str(part[1] + 1 - part[0])
        assert "content-digest" not in got.headers
        assert "repr-digest" in got.headers
    elif status == 416:
        assert got.headers["content-range"] == "bytes */1800"
        assert got.json()["code"] == "range-not-satisfiable"
    else:
        assert got.content == CONTENT


@pytest.mark.parametrize(("validator", "status"), [(f'"{DIGEST.hex()}"', 206), ('"other"', 200)])
async def test_a_part_of_another_file_is_not_joined_to_this_one(
    client: httpx.AsyncClient, tenant: Tenant, path: str, validator: str, status: int
) -> None:
    made = await post(client, path, tenant.headers)
    asked = {"Range": "bytes=2-", "If-Range": validator}
    got = await client.get(made.headers["location"] + "/content", headers=tenant.headers | asked)
    assert (got.status_code, got.content) == (status, CONTENT[2:] if status == 206 else CONTENT)


async def test_a_file_that_the_client_has_is_not_sent_again_and_a_head_sends_none(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    where = (await post(client, path, tenant.headers)).headers["location"] + "/content"
    for known in (f'"{DIGEST.hex()}"', f'"x", W/"{DIGEST.hex()}"', "*"):
        again = await client.get(where, headers=tenant.headers | {"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", f'"{DIGEST.hex()}"')
    assert (await client.get(where, headers=tenant.headers | {"If-None-Match": '"x"'})).status_code == 200
    head = await client.head(where, headers=tenant.headers)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(
    ("query", "kind", "status", "code", "pointer"),
    [
        ({"name": "a/b"}, "text/plain", 400, "invalid-parameter", "name"),
        ({"name": ""}, "text/plain", 400, "invalid-parameter", "name"),
        ({"name": "n" * 256}, "text/plain", 400, "invalid-parameter", "name"),
        ({"visibility": "secret"}, "text/plain", 400, "invalid-parameter", "visibility"),
        ({"size": "1"}, "text/plain", 400, "invalid-parameter", "size"),
        ({}, "text/html", 415, "unsupported-media-type", None),
        ({}, "nonsense", 415, "unsupported-media-type", None),
        ({"visibility": "internal"}, "text/plain", 403, "forbidden", None),
    ],
)
async def test_what_is_wrong_is_refused_before_the_file_is_read(
    client: httpx.AsyncClient,
    tenant: Tenant,
    path: str,
    folder: Path,
    query: dict[str, str],
    kind: str,
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    before = kept(folder)

    async def untouched() -> AsyncIterator[bytes]:
        yield pytest.fail("the file was read")

    refused = await post(client, path, tenant.headers, untouched(), kind, **query)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert [one["pointer"] for one in refused.json().get("errors", [])] == ([pointer] if pointer else [])
    assert kept(folder) == before


async def test_a_file_without_a_name_is_refused_and_one_without_a_type_is_a_stream_of_bytes(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    refused = await client.post(path, headers=tenant.headers, content=CONTENT)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "name")
    made = await post(client, path, tenant.headers, kind=None)
    assert (made.status_code, made.json()["media_type"]) == (201, "application/octet-stream")


@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "length not told"])
async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path, *, is_told: bool
) -> None:
    before = kept(folder)
    content = b"x" * (MOST + 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    refused = await post(client, path, tenant.headers, content if is_told else chunks())
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
    assert str(MOST) in refused.json()["detail"]
    assert refused.headers["connection"] == "close"
    assert kept(folder) == before


async def test_an_empty_file_is_refused(client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path) -> None:
    before = kept(folder)
    refused = await post(client, path, tenant.headers, b"")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/content")
    assert kept(folder) == before


async def test_a_client_that_hangs_up_leaves_nothing(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    before = kept(folder)
    sent = []
    messages: list[Json] = [
        {"type": "http.request", "body": b"x" * 2_000_000, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Json:
        return messages.pop(0)

    async def send(message: Json) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"name=a.txt",
        "headers": [(b"authorization", tenant.headers["Authorization"].encode()), (b"content-type", b"text/plain")],
    }
    await client._transport.app(scope, receive, send)  # type: ignore[attr-defined] # noqa: SLF001
    assert (messages, sent) == ([], [])
    assert kept(folder) == before
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []


async def test_a_finished_ticket_refuses_and_keeps_no_content(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, number: int, path: str, folder: Path
) -> None:
    async with database.transaction() as tx:
        await tickets.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
    before = kept(folder)
    refused = await post(client, path, tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket-finished")
    assert kept(folder) == before


async def test_a_retry_attaches_once_even_when_the_ticket_has_ended_meanwhile(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, number: int, path: str, folder: Path
) -> None:
    headers = tenant.headers | {"Idempotency-Key": "upload-1"}
    before = kept(folder)
    first = await post(client, path, headers)
    async with database.transaction() as tx:
        await tickets.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
    again = await post(client, path, headers)
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201,
        first.json(),
        first.headers["location"],
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert sorted(set(kept(folder)) - set(before)) == [first.json()["id"]]
    for other in (
        await post(client, path, headers, b"other"),
        await post(client, path, headers, name="b.txt"),
        await post(client, path, headers, kind="text/csv"),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert sorted(set(kept(folder)) - set(before)) == [first.json()["id"]]


REFUSE_AT_COMMIT = """
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no room'; end $$;
    create constraint trigger refuse after insert on attachment deferrable initially deferred
        for each row execute function refuse()
    """


@pytest.mark.parametrize("retry_key", [None, "upload-2"])
async def test_a_commit_that_fails_deletes_nothing_since_it_may_have_happened(
    client: httpx.AsyncClient, database_url: str, tenant: Tenant, path: str, folder: Path, retry_key: str | None
) -> None:
    before = kept(folder)
    headers = tenant.headers | ({} if retry_key is None else {"Idempotency-Key": retry_key})
    await administer(database_url, REFUSE_AT_COMMIT)
    try:
        failed = await post(client, path, headers)
    finally:
        await administer(database_url, "drop function refuse cascade")
    assert failed.status_code == 500
    assert len(kept(folder)) == len(before) + 1
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []
    assert (await post(client, path, headers)).status_code == 201


async def test_customers_see_public_files_and_the_provider_all(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    hidden = await post(client, path, agent, name="ours", visibility="internal")
    shown = await post(client, path, agent, name="all")
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
    own = await post(client, path, tenant.headers)
    where, one = own.headers["location"], own.json()["id"]
    bare = await client.delete(where, headers=tenant.headers)
    stale = await client.delete(where, headers=tenant.headers | {"If-Match": '"x"'})
    assert (bare.status_code, stale.status_code) == (428, 412)
    assert one in kept(folder)
    gone = await client.delete(where, headers=tenant.headers | {"If-Match": own.headers["etag"]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert one not in kept(folder)
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
    ours = await post(client, path, agent)
    theirs = await post(client, path, tenant.headers)
    viewer = await staff_key(database, Role.VIEWER)
    anything = {"If-Match": "*"}
    refused = [
        await client.delete(ours.headers["location"], headers=tenant.headers | anything),
        await client.delete(ours.headers["location"], headers=viewer | anything),
        await post(client, path, viewer),
    ]
    assert [one.status_code for one in refused] == [403, 403, 403]
    assert (await client.delete(theirs.headers["location"], headers=agent | anything)).status_code == 204


async def test_deleting_with_a_key_for_retries_leaves_the_content_to_the_sweep(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    made = await post(client, path, tenant.headers)
    headers = tenant.headers | {"If-Match": "*", "Idempotency-Key": "delete-1"}
    for replayed in (None, "true"):
        gone = await client.delete(made.headers["location"], headers=headers)
        assert (gone.status_code, gone.headers.get("idempotent-replayed")) == (204, replayed)
    assert made.json()["id"] in kept(folder)


async def test_another_companys_attachments_do_not_exist(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, path: str, folder: Path
) -> None:
    made = await post(client, path, tenant.headers)
    before = kept(folder)
    where = made.headers["location"]
    unknown = f"{path.rpartition('INC')[0]}INC000000999999/attachments"
    answers = [
        (await client.get(one, headers=other_tenant.headers)).json()["code"]
        for one in (path, where, where + "/content", unknown)
    ]
    deleted = await client.delete(where, headers=other_tenant.headers | {"If-Match": "*"})
    added = await post(client, path, other_tenant.headers)
    assert {*answers, deleted.json()["code"], added.json()["code"]} == {"not-found"}
    assert kept(folder) == before


@pytest.mark.parametrize("one", ["nonsense", str(uuid4())])
async def test_an_attachment_that_is_none_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, path: str, one: str
) -> None:
    for part in ("", "/content"):
        assert (await client.get(f"{path}/{one}{part}", headers=tenant.headers)).status_code == 404


async def test_a_lost_content_is_told_and_not_passed_off_as_empty(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    made = await post(client, path, tenant.headers)
    (folder / "attachments" / str(tenant.company.id) / made.json()["id"]).unlink()
    got = await client.get(made.headers["location"] + "/content", headers=tenant.headers)
    assert (got.status_code, got.json()["code"]) == (503, "unavailable")


async def test_the_list_comes_in_pages(client: httpx.AsyncClient, agent: dict[str, str], path: str) -> None:
    for name in "abcde":
        await post(client, path, agent, name=name)
    seen = []
    query = "?limit=2"
    while query:
        page = (await client.get(path + query, headers=agent)).json()
        seen.append([one["name"] for one in page["data"]])
        query = f"?limit=2&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    assert (await client.get(path + "?cursor=nonsense", headers=agent)).json()["code"] == "invalid-cursor"
    assert (await client.get(path + "?sort=name", headers=agent)).json()["code"] == "invalid-parameter"


async def test_without_a_key_or_its_scope_nothing_is_told(
    client: httpx.AsyncClient, database: Database, path: str, folder: Path
) -> None:
    before = kept(folder)
    assert (await post(client, path, {})).status_code == 401
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    refused = await post(client, path, reader.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert kept(folder) == before
