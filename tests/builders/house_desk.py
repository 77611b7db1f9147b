"""People of the provider with keys, and the shape of a problem, for the tests of teams, queues and routing."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from msgspec import Struct

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database

Json = dict[str, Any]


class Staff(Struct, frozen=True):
    """A person of the provider with a key that may do all that the role may."""

    user: User
    headers: dict[str, str]


async def new_staff(database: Database, role: Role = Role.AGENT, name: str = "Ben Ito") -> Staff:
    """Somebody new of the provider."""
    email, now = f"{uuid4().hex}@example.net", datetime.now(UTC)
    async with database.transaction() as tx:
        user = await accounts.add_user(tx, OPERATOR, "PROVIDER", name=name, email=email, phone="", role=role, now=now)
        _key, secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=user.id, name="test", now=now)
    return Staff(user, {"Authorization": f"Bearer {secret}"})


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    """The problem in an answer, which must be of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    body: Json = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def pointers(answer: httpx.Response) -> list[str]:
    """The members that a refusal names."""
    return [error["pointer"] for error in problem(answer, 422, "invalid-input")["errors"]]
