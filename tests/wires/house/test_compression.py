"""Long answers are compressed for clients that accept it, and conditions work with their ETags."""

import gzip
import re

import httpx
import pytest

from clearline.wires.http.compression import SIZE_MIN, accepts_gzip
from tests.builders.house import API, TICKETS, Json, new_ticket, problem
from tests.builders.people import Tenant

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}
MARKED = re.compile(r'"[0-9a-f]{32}-gzip"')
LONG = "No light. " * 200
CHANGE: Json = {"external_ids": {"snow": "X1"}}


@pytest.fixture
async def path(client: httpx.AsyncClient, tenant: Tenant) -> str:
    """The address of a ticket that is long enough to be compressed."""
    return f"{TICKETS}/{(await new_ticket(client, tenant, description=LONG))['number']}"


async def raw(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    """Return an answer with its body as it was sent."""
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("below", ["", "?", "/notes", "/history"])
async def test_a_long_answer_is_compressed_when_the_client_accepts_it(
    client: httpx.AsyncClient, tenant: Tenant, path: str, below: str
) -> None:
    for text in (LONG, "again"):
        await client.post(f"{path}/notes", headers=tenant.headers, json={"text": text})
    where = TICKETS if below == "?" else path + below
    plain, body = await raw(client, where, tenant.headers | PLAIN)
    packed, sent = await raw(client, where, tenant.headers | GZIP)
    assert "content-encoding" not in plain.headers
    if len(body) < SIZE_MIN:
        assert sent == body
        assert packed.headers["etag"] == plain.headers["etag"]
        return
    assert gzip.decompress(sent) == body
    assert (packed.headers["content-encoding"], int(packed.headers["content-length"])) == ("gzip", len(sent))
    assert len(sent) < len(body)
    for answer in (plain, packed):
        varied = [name.strip() for name in answer.headers["vary"].split(",")]
        assert sorted(set(varied)) == sorted(varied) == ["Accept-Encoding", "Authorization"]
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'


async def test_a_short_answer_is_not_compressed(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for where in (f"{API}/me", "/healthz", f"{TICKETS}?limit=x"):
        answer = await client.get(where, headers=tenant.headers | GZIP)
        assert "content-encoding" not in answer.headers


async def test_what_the_client_has_compressed_is_not_sent_again(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    tag = (await client.get(path, headers=tenant.headers | GZIP)).headers["etag"]
    assert MARKED.fullmatch(tag)
    for known in (tag, f"W/{tag}", f'"x", {tag}', f"{tag},{tag}", "*", tag.replace("-gzip", "")):
        again, body = await raw(client, path, tenant.headers | GZIP | {"If-None-Match": known})
        assert (again.status_code, body, again.headers["etag"]) == (304, b"", tag)
    plain = await client.get(path, headers=tenant.headers | PLAIN | {"If-None-Match": tag})
    assert (plain.status_code, plain.headers["etag"]) == (304, tag.replace("-gzip", ""))
    await client.post(f"{path}/notes", headers=tenant.headers, json={"text": "news"})
    assert (await client.get(path, headers=tenant.headers | GZIP | {"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize("encoding", [PLAIN, GZIP], ids=["plain", "gzip"])
async def test_a_change_of_what_was_read_compressed_goes_through(
    client: httpx.AsyncClient, tenant: Tenant, path: str, encoding: dict[str, str]
) -> None:
    tag = (await client.get(path, headers=tenant.headers | GZIP)).headers["etag"]
    headers = tenant.headers | encoding
    done = await client.patch(path, headers=headers | {"If-Match": tag}, json=CHANGE)
    assert done.status_code == 200, done.text
    assert (MARKED.fullmatch(done.headers["etag"]) is not None) == (encoding is GZIP)
    problem(await client.patch(path, headers=headers | {"If-Match": tag}, json=CHANGE), "precondition-failed")
    other = {"external_ids": {"snow": "X2"}}
    again = await client.patch(path, headers=headers | {"If-Match": done.headers["etag"]}, json=other)
    assert again.status_code == 200, again.text


async def test_what_was_changed_while_it_was_read_compressed_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    tag = (await client.get(path, headers=tenant.headers | GZIP)).headers["etag"]
    await client.post(f"{path}/status", headers=agent, json={"status": "held"})
    stale = tenant.headers | GZIP | {"If-Match": tag}
    problem(await client.patch(path, headers=stale, json=CHANGE), "precondition-failed")


async def test_a_file_comes_down_as_it_is(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    content = LONG.encode()
    headers = tenant.headers | {"Content-Type": "text/plain"}
    file = (await client.post(f"{path}/attachments?name=a.txt", headers=headers, content=content)).json()
    answer, sent = await raw(client, f"{path}/attachments/{file['id']}/content", tenant.headers | GZIP)
    assert (sent, "content-encoding" in answer.headers) == (content, False)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"] == f'"{file["sha256"]}"'


async def test_an_export_is_compressed_line_by_line(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    assert path
    plain, body = await raw(client, f"{API}/exports/tickets", tenant.headers | PLAIN)
    packed, sent = await raw(client, f"{API}/exports/tickets", tenant.headers | GZIP)
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert gzip.decompress(sent) == body
    assert packed.headers["content-type"] == plain.headers["content-type"]


async def test_events_are_compressed_as_a_page_and_never_as_a_stream(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    assert path
    for kind, encoding in (("application/json", "gzip"), ("application/x-ndjson", "gzip")):
        accept = tenant.headers | {"Accept": kind}
        before = body = b""
        while not body or len(before) != len(body):  # an event of routing came between
            _plain, before = await raw(client, f"{API}/events?limit=200", accept | PLAIN)
            answer, sent = await raw(client, f"{API}/events?limit=200", accept | GZIP)
            _plain, body = await raw(client, f"{API}/events?limit=200", accept | PLAIN)
        assert answer.headers.get("content-encoding") == encoding
        assert len(gzip.decompress(sent)) == len(body)
    head = await client.head(f"{API}/events", headers=tenant.headers | GZIP | {"Accept": "text/event-stream"})
    assert "content-encoding" not in head.headers


async def test_the_pages_are_compressed_and_read_again_only_when_they_change(client: httpx.AsyncClient) -> None:
    for where in ("/docs/api", "/api/v1/openapi.json", "/static/reference.css"):
        plain, body = await raw(client, where, PLAIN)
        packed, sent = await raw(client, where, GZIP)
        assert (packed.headers["content-encoding"], gzip.decompress(sent)) == ("gzip", body)
    tag = packed.headers["etag"]
    assert tag != plain.headers["etag"]
    again = await client.get("/static/reference.css", headers=GZIP | {"If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (304, tag)


async def test_the_console_connect_wire_is_compressed_only_when_asked(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    assert path
    where = "/v2/support-tickets?status=open"
    plain, body = await raw(client, where, tenant.headers | PLAIN)
    assert (plain.headers["vary"], "content-encoding" in plain.headers) == ("Authorization", False)
    packed, sent = await raw(client, where, tenant.headers | GZIP)
    assert (packed.headers["content-encoding"], gzip.decompress(sent)) == ("gzip", body)
    assert "Accept-Encoding" in packed.headers["vary"]


async def test_head_says_what_get_sends(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    get, sent = await raw(client, path, tenant.headers | GZIP)
    head = await client.head(path, headers=tenant.headers | GZIP)
    told = ("etag", "content-encoding", "content-length", "vary")
    assert [head.headers[name] for name in told] == [get.headers[name] for name in told]
    assert head.headers["content-length"] == str(len(sent))


@pytest.mark.parametrize(
    ("accept", "is_accepted"),
    [
        ("gzip", True), ("GZIP", True), ("x-gzip", True), ("deflate, gzip;q=1.0, *;q=0.5", True), ("*", True),
        ("gzip;q=0.001", True), ("gzip ; q=0.5", True), ("br, gzip", True), ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False), ("gzip;q=0, *", False), ("br", False), ("identity", False), ("", False), ("notgzip", False),
    ],
)  # fmt: skip
def test_gzip_is_accepted_by_name_or_by_a_star(accept: str, is_accepted: bool) -> None:  # noqa: FBT001
    assert accepts_gzip(accept.encode()) is is_accepted
