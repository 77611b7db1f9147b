"""What the tests of the house API share."""

from typing import Any
from uuid import uuid4

import httpx

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.wires.house.errors import CATALOGUE, QUOTA, TYPES
from tests.conftest import NOW, Tenant

Json = dict[str, Any]
TICKETS = "/api/v1/tickets"
ANY = {"If-Match": "*"}


async def staff_key(database: Database, role: Role) -> dict[str, str]:
    """The headers of a new person of the provider."""
    email = f"{role}-{uuid4().hex[:8]}@example.net"
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, "PROVIDER", name=f"Mara {role}", email=email, phone="", role=role, now=NOW
        )
        _key, secret = await keys.create_key(tx, OPERATOR, "PROVIDER", user_id=user.id, name="test", now=NOW)
    return {"Authorization": f"Bearer {secret}"}


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
