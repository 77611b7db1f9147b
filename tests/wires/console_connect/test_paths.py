"""Paths of every wire: control characters and spellings of ids."""

from uuid import UUID

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.console_connect import TICKETS, assert_fault
from tests.builders.house import TICKETS as HOUSE
from tests.builders.house import new_ticket, problem
from tests.builders.people import Tenant, staff_key

CONTROL = ["%0A", "%0D%0A", "%00", "%09", "%1F", "%7F", "%C2%85", "%C2%9F"]


@pytest.mark.parametrize("character", CONTROL)
async def test_a_path_with_control_characters_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, character: str
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    for headers in ({}, tenant.headers):
        for path in (HOUSE + character, f"{HOUSE}/{character}", f"{HOUSE}/{number}{character}/notes"):
            answer = await client.get(f"{path}?limit=1", headers=headers)
            problem(answer, "no-such-address")
            assert "link" not in answer.headers
        for path in (TICKETS + character, f"/api{TICKETS}{character}", f"{TICKETS}/{number}{character}"):
            answer = await client.get(f"{path}?status=open", headers=headers)
            assert assert_fault(answer, 404) == "There is nothing at this address."
            assert "link" not in answer.headers
        answer = await client.post(f"{HOUSE}/{number}/notes{character}", headers=headers, json={"text": "x"})
        problem(answer, "no-such-address")


def spellings(key: UUID) -> list[str]:
    """Return other spellings that Python parses as the same id."""
    text = str(key)
    return [key.hex, key.urn, "{" + text + "}", "uuid:" + text, f" {text}", f"-{text}-", "urn:" * 500 + text]


async def test_other_spellings_of_an_id_are_not_found(
    client: httpx.AsyncClient, tenant: Tenant, database: Database
) -> None:
    admin = await staff_key(database, Role.ADMIN)
    key, body = tenant.company.id, {"user_id": str(tenant.user.id), "name": "another"}
    for text in (str(key), str(key).upper()):
        assert (await client.get(f"/api/v1/companies/{text}/users", headers=admin)).status_code == 200
    for text in spellings(key):
        problem(await client.get(f"/api/v1/companies/{text}/users", headers=admin), "not-found")
        for key_headers in ({}, {"Idempotency-Key": "k"}):
            answer = await client.post(f"/api/v1/companies/{text}/keys", headers=admin | key_headers, json=body)
            problem(answer, "not-found")
        problem(await client.get(f"{HOUSE}?assignee={text[:36]}", headers=admin), "invalid-parameter")
