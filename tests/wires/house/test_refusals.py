"""A refusal says what to send instead, in words."""

import httpx
import pytest

from tests.builders.house import ANY, API, TICKETS, Json, new_ticket, problem
from tests.builders.people import Tenant

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
async def path(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"


@pytest.mark.parametrize(
    ("sent", "advice"),
    [
        ("W/{tag}", "send the ETag without W/"),
        ('"x", W/{tag}', "send the ETag without W/"),
        ('W/"x"', "send the ETag without W/"),
        ("{bare}", "has quotation marks around it"),
        ("", "has quotation marks around it"),
        ('"x"', "get it again and send its new ETag"),
    ],
)
async def test_an_etag_that_cannot_match_is_explained(
    client: httpx.AsyncClient, tenant: Tenant, path: str, sent: str, advice: str
) -> None:
    tag = (await client.get(path, headers=tenant.headers)).headers["etag"]
    headers = tenant.headers | {"If-Match": sent.format(tag=tag, bare=tag.strip('"'))}
    answer = await client.patch(path, headers=headers, json={"external_ids": {"a": "b"}})
    assert advice in problem(answer, "precondition-failed")["detail"]


@pytest.mark.parametrize(
    ("method", "below", "media", "advice"),
    [
        ("POST", "/notes", None, "send Content-Type: application/json, and the body in UTF-8"),
        ("POST", "/notes", "application/x-www-form-urlencoded", "send Content-Type: application/json"),
        ("POST", "/notes", "application/json; charset=latin-1", "the body in UTF-8"),
        ("POST", "/notes", "application/merge-patch+json", "send Content-Type: application/json"),
        ("PATCH", "", "text/plain", "send Content-Type: application/merge-patch+json or application/json"),
        ("PATCH", "", "application/json-patch+json", "send Content-Type: application/merge-patch+json"),
        ("POST", "/attachments?name=a", "text/html", "Content-Type must be one of image/*, text/plain"),
        ("POST", "/attachments?name=a", "nonsense", "Content-Type must be a media type, such as text/plain"),
        ("POST", "/attachments?name=a", "multipart/form-data; boundary=x", "send the file itself as the body"),
    ],
)
async def test_a_media_type_that_is_not_accepted_is_answered_with_those_that_are(
    client: httpx.AsyncClient, tenant: Tenant, path: str, method: str, below: str, media: str | None, advice: str
) -> None:
    headers = tenant.headers | ANY | ({} if media is None else {"Content-Type": media})
    answer = await client.request(method, path + below, headers=headers, content=b"{}")
    assert advice in problem(answer, "unsupported-media-type")["detail"]


@pytest.mark.parametrize(
    ("where", "pointer", "advice"),
    [
        ("/events?ticket=42", "ticket", "the number of a ticket, such as INC000000000042"),
        ("/events?type=bogus", "type", "types of events, or prefixes such as ticket."),
        ("/audit?ticket=INC42", "ticket", "the number of a ticket, such as INC000000000042"),
        ("/audit?type=user", "type", "a type of event such as user.created, or a prefix such as user."),
        ("/audit?since=2026-01-01", "since", "a time with a zone, such as 2026-03-01T12:00:00Z"),
        ("/tickets?page=2", "page", "is not known here; there are state, status"),
        ("/tickets?sort=created", "sort", "must be one of -number, number"),
        ("/tickets?limit=0", "limit", "must be a whole number from 1 to 200"),
        ("/tickets?fields=colour", "fields", "must be some of number, company, title"),
    ],
)
async def test_a_parameter_that_is_wrong_is_answered_with_what_it_must_be(
    client: httpx.AsyncClient, admin: dict[str, str], where: str, pointer: str, advice: str
) -> None:
    body = problem(await client.get(API + where, headers=admin), "invalid-parameter")
    [error] = body["errors"]
    assert error["pointer"] == pointer
    assert advice in error["detail"]
    assert advice in body["detail"]


@pytest.mark.parametrize(
    ("below", "body", "advice"),
    [
        ("/merge", {"into": "42"}, "must be the number of a ticket, such as INC000000000042"),
        (
            "/split",
            {"title": "a", "description": "b", "notes": ["7"]},
            "must be the id of a note, such as WLG000000000107",
        ),
    ],
)
async def test_a_member_that_is_wrong_is_answered_with_what_it_must_be(
    client: httpx.AsyncClient, agent: dict[str, str], path: str, below: str, body: Json, advice: str
) -> None:
    [error] = problem(await client.post(path + below, headers=agent, json=body), "invalid-input")["errors"]
    assert error["detail"] == advice


async def test_other_refusals_say_where_to_look_or_what_to_do(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    nowhere = problem(await client.get(f"{API}/ticket", headers=tenant.headers), "no-such-address")
    assert "/docs/api" in nowhere["detail"]
    cursor = problem(await client.get(f"{TICKETS}?cursor=x", headers=tenant.headers), "invalid-cursor")
    assert "begin again without a cursor" in cursor["detail"]
    patch = await client.patch(path, headers=tenant.headers | JSON, content=b"{}")
    assert "or * to overwrite it" in problem(patch, "precondition-required")["detail"]
