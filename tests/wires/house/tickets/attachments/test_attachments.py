from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from tests.builders.attachments import CONTENT, MOST, attach, stored_files
from tests.builders.databases import administer
from tests.builders.people import NOW, Tenant

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("query", "kind", "status", "code", "pointer"),
    [
        ({"name": "a/.."}, "text/plain", 400, "invalid-parameter", "name"),
        ({"name": ""}, "text/plain", 400, "invalid-parameter", "name"),
        ({"name": "n" * 256}, "text/plain", 400, "invalid-parameter", "name"),
        ({"visibility": "secret"}, "text/plain", 400, "invalid-parameter", "visibility"),
        ({"size": "1"}, "text/plain", 400, "invalid-parameter", "size"),
        ({}, "text/html", 415, "unsupported-media-type", None),
        ({}, "nonsense", 415, "unsupported-media-type", None),
        ({"visibility": "internal"}, "text/plain", 403, "forbidden", None),
    ],
)
async def test_invalid_requests_are_refused_before_the_file_is_read(
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
    before = stored_files(folder)

    async def untouched() -> AsyncIterator[bytes]:
        yield pytest.fail("the file was read")

    refused = await attach(client, path, tenant.headers, untouched(), kind, **query)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert [error["pointer"] for error in refused.json().get("errors", [])] == ([pointer] if pointer else [])
    assert stored_files(folder) == before


async def test_a_name_with_a_path_loses_it(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    name = {"name": "C:\\fakepath\\levels.txt"}
    created = await client.post(path, headers=tenant.headers, params=name, content=CONTENT)
    assert (created.status_code, created.json()["name"]) == (201, "levels.txt")


async def test_a_file_needs_a_name_and_without_a_type_is_an_octet_stream(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    refused = await client.post(path, headers=tenant.headers, content=CONTENT)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "name")
    created = await attach(client, path, tenant.headers, kind=None)
    assert (created.status_code, created.json()["media_type"]) == (201, "application/octet-stream")


@pytest.mark.parametrize("has_length", [True, False], ids=["with a length", "without a length"])
async def test_a_file_that_is_too_large_is_refused_and_not_stored(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path, *, has_length: bool
) -> None:
    before = stored_files(folder)
    content = b"x" * (MOST + 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    refused = await attach(client, path, tenant.headers, content if has_length else chunks())
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
    assert str(MOST) in refused.json()["detail"]
    assert refused.headers["connection"] == "close"
    assert stored_files(folder) == before


async def test_an_empty_file_is_refused(client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path) -> None:
    before = stored_files(folder)
    refused = await attach(client, path, tenant.headers, b"")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/content")
    assert stored_files(folder) == before


async def test_an_interrupted_upload_is_not_stored(
    client: httpx.AsyncClient, tenant: Tenant, path: str, folder: Path
) -> None:
    before = stored_files(folder)
    received = []
    messages: list[Json] = [
        {"type": "http.request", "body": b"x" * 2_000_000, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Json:
        return messages.pop(0)

    async def send(message: Json) -> None:
        received.append(message)

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
    assert (messages, received) == ([], [])
    assert stored_files(folder) == before
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []


async def test_a_finished_ticket_accepts_no_files(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, number: int, path: str, folder: Path
) -> None:
    async with database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
    before = stored_files(folder)
    refused = await attach(client, path, tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket-finished")
    assert stored_files(folder) == before


async def test_a_retry_attaches_once_even_when_the_ticket_is_finished_meanwhile(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, number: int, path: str, folder: Path
) -> None:
    headers = tenant.headers | {"Idempotency-Key": "upload-1"}
    before = stored_files(folder)
    first = await attach(client, path, headers)
    async with database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
    again = await attach(client, path, headers)
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201,
        first.json(),
        first.headers["location"],
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert sorted(set(stored_files(folder)) - set(before)) == [first.json()["id"]]
    for other in (
        await attach(client, path, headers, b"other"),
        await attach(client, path, headers, name="b.txt"),
        await attach(client, path, headers, kind="text/csv"),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert sorted(set(stored_files(folder)) - set(before)) == [first.json()["id"]]


REFUSE_AT_COMMIT = """
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no room'; end $$;
    create constraint trigger refuse after insert on attachment deferrable initially deferred
        for each row execute function refuse()
    """


@pytest.mark.parametrize("retry_key", [None, "upload-2"])
async def test_content_is_kept_when_the_result_of_the_commit_is_unknown(
    client: httpx.AsyncClient, database_url: str, tenant: Tenant, path: str, folder: Path, retry_key: str | None
) -> None:
    before = stored_files(folder)
    headers = tenant.headers | ({} if retry_key is None else {"Idempotency-Key": retry_key})
    await administer(database_url, REFUSE_AT_COMMIT)
    try:
        failed = await attach(client, path, headers)
    finally:
        await administer(database_url, "drop function refuse cascade")
    assert failed.status_code == 500
    assert len(stored_files(folder)) == len(before) + 1
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []
    assert (await attach(client, path, headers)).status_code == 201


@pytest.mark.parametrize(
    ("name", "kind", "stored"),
    [
        ("trace.pcap", "application/octet-stream", "application/vnd.tcpdump.pcap"),
        ("a.txt", "Application/Octet-Stream; x=y", "text/plain"),
        ("A.LOG", "application/octet-stream", "text/plain"),
        ("a.csv.gz", "application/octet-stream", "application/gzip"),
        ("page.html", "application/octet-stream", "application/octet-stream"),
        ("noname", "application/octet-stream", "application/octet-stream"),
        ("a.txt", "text/csv", "text/csv"),
    ],
)
async def test_a_file_sent_as_bytes_gets_the_type_that_its_name_suggests_if_it_is_accepted(
    client: httpx.AsyncClient, tenant: Tenant, path: str, name: str, kind: str, stored: str
) -> None:
    made = await attach(client, path, tenant.headers, kind=kind, name=name)
    assert (made.status_code, made.json()["media_type"]) == (201, stored)
