"""Long answers are compressed for clients that accept it, and conditions work with their ETags."""

import gzip
import re
from collections.abc import Callable
from typing import Any

import brotli
import httpx
import pytest

from clearline.wires.http.compression import SIZE_MIN, accepted_codings
from tests.builders.house import API, TICKETS, Json, new_ticket, problem
from tests.builders.people import Tenant

PLAIN = {"Accept-Encoding": "identity"}
GZIP = {"Accept-Encoding": "gzip"}
BROTLI = {"Accept-Encoding": "br"}
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
MARKED = re.compile(r'"[0-9a-f]{32}-(gzip|br)"')
DECOMPRESS: dict[str, Callable[[bytes], Any]] = {"gzip": gzip.decompress, "br": brotli.decompress}
CODINGS = pytest.mark.parametrize(
    ("accepted", "coding"), [(GZIP, "gzip"), (BROTLI, "br"), (BROWSER, "br")], ids=["gzip", "br", "both"]
)
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


@CODINGS
@pytest.mark.parametrize("below", ["", "?", "/notes", "/history"])
async def test_a_long_answer_is_compressed_when_the_client_accepts_it(
    client: httpx.AsyncClient, tenant: Tenant, path: str, below: str, accepted: dict[str, str], coding: str
) -> None:
    for text in (LONG, "again"):
        await client.post(f"{path}/notes", headers=tenant.headers, json={"text": text})
    where = TICKETS if below == "?" else path + below
    plain, body = await raw(client, where, tenant.headers | PLAIN)
    packed, sent = await raw(client, where, tenant.headers | accepted)
    assert "content-encoding" not in plain.headers
    if len(body) < SIZE_MIN:
        assert sent == body
        assert packed.headers["etag"] == plain.headers["etag"]
        return
    assert DECOMPRESS[coding](sent) == body
    assert (packed.headers["content-encoding"], int(packed.headers["content-length"])) == (coding, len(sent))
    assert len(sent) < len(body)
    for answer in (plain, packed):
        varied = [name.strip() for name in answer.headers["vary"].split(",")]
        assert sorted(set(varied)) == sorted(varied) == ["Accept-Encoding", "Authorization"]
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + f'-{coding}"'


async def test_a_short_answer_is_not_compressed(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for where in (f"{API}/me", "/healthz", f"{TICKETS}?limit=x"):
        for accepted in (GZIP, BROTLI, BROWSER):
            answer = await client.get(where, headers=tenant.headers | accepted)
            assert "content-encoding" not in answer.headers


@CODINGS
async def test_what_the_client_has_compressed_is_not_sent_again(
    client: httpx.AsyncClient, tenant: Tenant, path: str, accepted: dict[str, str], coding: str
) -> None:
    tag = (await client.get(path, headers=tenant.headers | accepted)).headers["etag"]
    assert MARKED.fullmatch(tag)
    bare = tag.replace(f"-{coding}", "")
    for known in (tag, f"W/{tag}", f'"x", {tag}', f"{tag},{tag}", "*", bare, f'"x-gzip", "y-br", {tag}'):
        again, body = await raw(client, path, tenant.headers | accepted | {"If-None-Match": known})
        assert (again.status_code, body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["vary"] == "Authorization, Accept-Encoding"
    plain = await client.get(path, headers=tenant.headers | PLAIN | {"If-None-Match": tag})
    assert (plain.status_code, plain.headers["etag"]) == (304, bare)
    assert plain.headers["vary"] == "Authorization, Accept-Encoding"
    await client.post(f"{path}/notes", headers=tenant.headers, json={"text": "news"})
    assert (await client.get(path, headers=tenant.headers | accepted | {"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize("encoding", [PLAIN, GZIP, BROTLI], ids=["plain", "gzip", "br"])
@pytest.mark.parametrize("accepted", [GZIP, BROTLI], ids=["gzip", "br"])
async def test_a_change_of_what_was_read_compressed_goes_through(
    client: httpx.AsyncClient, tenant: Tenant, path: str, encoding: dict[str, str], accepted: dict[str, str]
) -> None:
    tag = (await client.get(path, headers=tenant.headers | accepted)).headers["etag"]
    headers = tenant.headers | encoding
    done = await client.patch(path, headers=headers | {"If-Match": tag}, json=CHANGE)
    assert done.status_code == 200, done.text
    assert (MARKED.fullmatch(done.headers["etag"]) is not None) == (encoding is not PLAIN)
    problem(await client.patch(path, headers=headers | {"If-Match": tag}, json=CHANGE), "precondition-failed")
    other = {"external_ids": {"snow": "X2"}}
    again = await client.patch(path, headers=headers | {"If-Match": done.headers["etag"]}, json=other)
    assert again.status_code == 200, again.text


@pytest.mark.parametrize("accepted", [GZIP, BROTLI], ids=["gzip", "br"])
async def test_what_was_changed_while_it_was_read_compressed_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str, accepted: dict[str, str]
) -> None:
    tag = (await client.get(path, headers=tenant.headers | accepted)).headers["etag"]
    await client.post(f"{path}/status", headers=agent, json={"status": "held"})
    stale = tenant.headers | accepted | {"If-Match": tag}
    problem(await client.patch(path, headers=stale, json=CHANGE), "precondition-failed")


async def test_a_file_comes_down_as_it_is(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    content = LONG.encode()
    headers = tenant.headers | {"Content-Type": "text/plain"}
    file = (await client.post(f"{path}/attachments?name=a.txt", headers=headers, content=content)).json()
    for accepted in (PLAIN, GZIP, BROTLI, BROWSER):
        answer, sent = await raw(client, f"{path}/attachments/{file['id']}/content", tenant.headers | accepted)
        assert (sent, "content-encoding" in answer.headers) == (content, False)
        assert answer.headers["content-length"] == str(len(content))
        assert (answer.headers["etag"], answer.headers["vary"]) == (f'"{file["sha256"]}"', "Authorization")


async def test_an_export_is_compressed_line_by_line(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    assert path
    plain, body = await raw(client, f"{API}/exports/tickets", tenant.headers | PLAIN)
    for accepted in (GZIP, BROWSER):
        packed, sent = await raw(client, f"{API}/exports/tickets", tenant.headers | accepted)
        assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
        assert gzip.decompress(sent) == body
        assert packed.headers["content-type"] == plain.headers["content-type"]
    unpacked, sent = await raw(client, f"{API}/exports/tickets", tenant.headers | BROTLI)
    assert ("content-encoding" in unpacked.headers, sent) == (False, body)


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
    for accepted in (GZIP, BROTLI):
        head = await client.head(f"{API}/events", headers=tenant.headers | accepted | {"Accept": "text/event-stream"})
        assert "content-encoding" not in head.headers


async def test_the_pages_are_compressed_and_read_again_only_when_they_change(client: httpx.AsyncClient) -> None:
    for where in ("/api/v1/openapi.json", "/docs/api"):
        plain, body = await raw(client, where, PLAIN)
        packed, sent = await raw(client, where, GZIP)
        assert (packed.headers["content-encoding"], gzip.decompress(sent)) == ("gzip", body)
        assert packed.headers["vary"].endswith("Accept-Encoding")
    for where in ("/docs/api", "/api/v1/openapi.json"):
        smaller, sent = await raw(client, where, BROWSER)
        assert (smaller.headers["content-encoding"], brotli.decompress(sent)) == (
            "br",
            (await raw(client, where, PLAIN))[1],
        )
        assert len(sent) < len((await raw(client, where, GZIP))[1])
    tag = packed.headers["etag"]
    assert tag != plain.headers["etag"]
    for accepted in (GZIP, BROWSER):
        again = await client.get("/docs/api", headers=accepted | {"If-None-Match": tag})
        assert (again.status_code, again.headers["etag"]) == (304, tag)


async def test_the_console_connect_wire_is_compressed_only_when_asked(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    assert path
    where = "/v2/support-tickets?status=open"
    plain, body = await raw(client, where, tenant.headers | PLAIN)
    assert (plain.headers["vary"], "content-encoding" in plain.headers) == ("Authorization", False)
    for accepted, coding in ((GZIP, "gzip"), (BROTLI, "br"), (BROWSER, "br")):
        packed, sent = await raw(client, where, tenant.headers | accepted)
        assert (packed.headers["content-encoding"], DECOMPRESS[coding](sent)) == (coding, body)
        assert packed.headers["vary"] == "Authorization, Accept-Encoding"
        assert {name for name in packed.headers if name not in plain.headers} == {"content-encoding"}


@pytest.mark.parametrize("accepted", [GZIP, BROTLI], ids=["gzip", "br"])
async def test_head_says_what_get_sends(
    client: httpx.AsyncClient, tenant: Tenant, path: str, accepted: dict[str, str]
) -> None:
    get, sent = await raw(client, path, tenant.headers | accepted)
    head = await client.head(path, headers=tenant.headers | accepted)
    names = ("etag", "content-encoding", "content-length", "vary")
    assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
    assert head.headers["content-length"] == str(len(sent))


async def test_a_very_long_answer_is_compressed_with_brotli(client: httpx.AsyncClient, tenant: Tenant) -> None:
    """It is compressed in a thread."""
    number = (await new_ticket(client, tenant))["number"]
    for _ in range(140):
        answer = await client.post(f"{TICKETS}/{number}/notes", headers=tenant.headers, json={"text": "x " * 1999})
        assert answer.status_code == 201, answer.text
    plain, body = await raw(client, f"{TICKETS}/{number}/notes?limit=200", tenant.headers | PLAIN)
    packed, sent = await raw(client, f"{TICKETS}/{number}/notes?limit=200", tenant.headers | BROTLI)
    assert len(body) > 512 * 1024
    assert (packed.headers["content-encoding"], brotli.decompress(sent)) == ("br", body)
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-br"'


async def test_an_answer_that_varies_by_another_header_names_both(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    assert path
    for accepted in (PLAIN, GZIP, BROTLI):
        answer = await client.get(f"{API}/events?limit=200", headers=tenant.headers | accepted)
        assert sorted(answer.headers["vary"].split(", ")) == ["Accept", "Accept-Encoding", "Authorization"]


@pytest.mark.parametrize(
    ("accept", "whole", "in_parts"),
    [
        ("gzip", "gzip", "gzip"), ("GZIP", "gzip", "gzip"), ("x-gzip", "gzip", "gzip"),
        ("deflate, gzip;q=1.0, *;q=0.5", "gzip", "gzip"), ("*", "br", "gzip"), ("gzip;q=0.001", "gzip", "gzip"),
        ("gzip ; q=0.5", "gzip", "gzip"), ("br, gzip", "br", "gzip"), ("gzip;q=0", None, None),
        ("gzip; q=0.000", None, None), ("*;q=0", None, None), ("gzip;q=0, *", "br", None), ("br", "br", None),
        ("identity", None, None), ("", None, None), ("notgzip", None, None), ("notbr", None, None),
        ("gzip, br", "br", "gzip"), ("BR", "br", None), ("gzip, deflate, br, zstd", "br", "gzip"),
        ("gzip;q=0.5, br;q=0.5", "br", "gzip"), ("gzip;q=0.8, br;q=0.7", "gzip", "gzip"),
        ("gzip;q=0.7, br;q=0.8", "br", "gzip"), ("br;q=0", None, None), ("br;q=0, gzip", "gzip", "gzip"),
        ("br;q=0, *", "gzip", "gzip"), ("br;q=0.000, *;q=0.1", "gzip", "gzip"), ("gzip;q=0, br", "br", None),
        ("*;q=0.5, gzip;q=0.4", "br", "gzip"), ("br, *;q=0", "br", None), ("identity, gzip, br", "br", "gzip"),
        ("identity, *;q=0.5", None, None), ("identity;q=1, br;q=0.5", None, None),
        ("identity;q=0.5, br;q=0.4, gzip;q=0.6", "gzip", "gzip"), ("identity;q=0.5, gzip;q=0.4, br", "br", None),
        ("identity;q=0", None, None), ("identity;q=0, br", "br", None), ("br;q=1.000,gzip;q=0.999", "br", "gzip"),
        ("gzip;\tq=0", None, None), ("gzip;Q=0", None, None), ("gzip;q=high", "gzip", "gzip"),
        ("deflate;q=0.5" + ", x-any" * 40 + ", br", "br", None),
    ],
)  # fmt: skip
def test_the_coding_is_the_one_that_the_client_prefers(accept: str, whole: str | None, in_parts: str | None) -> None:
    codings = [None if coding is None else coding.decode() for coding in accepted_codings(accept.encode())]
    assert codings == [whole, in_parts]


async def test_several_headers_accept_what_all_of_them_name(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    several = [("Accept-Encoding", "gzip"), ("Accept-Encoding", "br;q=0.5"), *tenant.headers.items()]
    assert (await client.get(path, headers=several)).headers["content-encoding"] == "gzip"
    several[1] = ("Accept-Encoding", "br")
    assert (await client.get(path, headers=several)).headers["content-encoding"] == "br"
