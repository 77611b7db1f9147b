"""What the tests of the house API share."""

from typing import Any

import httpx

from clearline.wires.house.errors import CATALOGUE, QUOTA, TYPES
from tests.builders.people import Tenant

Headers = dict[str, str]
Json = dict[str, Any]
TICKETS = "/api/v1/tickets"
ANY = {"If-Match": "*"}


def order(**members: object) -> Json:
    """A body that raises a ticket, with some members in the place of the usual ones."""
    usual: Json = {
        "title": "Port down",
        "description": "No light since 08:00 UTC",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    return usual | members


async def new_ticket(client: httpx.AsyncClient, tenant: Tenant, **members: object) -> Json:
    """A ticket just raised, as the house API answers it."""
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**members))
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


def problem(answer: httpx.Response, kind: str, *, code: str | None = None) -> Json:
    """The body of a refusal, which must be a whole problem of this kind and nothing else."""
    about = CATALOGUE[kind]
    body: Json = answer.json()
    assert answer.status_code == about.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert body == {
        "type": QUOTA if kind == "quota-exceeded" else TYPES + kind,
        "title": about.title,
        "status": about.status,
        "detail": body["detail"],
        "code": code or kind,
        "request_id": answer.headers["x-request-id"],
        **({"errors": body["errors"]} if "errors" in body else {}),
    }
    assert body["detail"]
    assert body.get("errors") != []
    return body


def pointers(answer: httpx.Response, kind: str = "invalid-input") -> list[str]:
    """Which members or parameters a refusal says are wrong."""
    return [error["pointer"] for error in problem(answer, kind)["errors"]]


async def read_list(client: httpx.AsyncClient, path: str, headers: Headers) -> list[Json]:
    """Return a whole list, read two items at a time."""
    items: list[Json] = []
    address: str | None = f"{path}?limit=2"
    while address:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        assert page["has_more"] == (page["next_cursor"] is not None) == ("next" in answer.links)
        address = answer.links["next"]["url"] if "next" in answer.links else None
    return items


def company_path(tenant: Tenant, *parts: object) -> str:
    """Return the path of a company, or of something below it."""
    return "/".join(["/api/v1/companies", str(tenant.company.id), *map(str, parts)])
