from uuid import uuid4

import httpx

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status, ticket_number
from tests.builders.people import Tenant, staff_key
from tests.builders.tickets import raised

HANDOVERS = "/api/v1/handovers"
Headers = dict[str, str]


async def test_a_shift_is_signed_off_once_read_and_listed(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    async with database.transaction() as tx:
        held = await raised(tx, tenant, "Waits for a part", status=Status.HELD)
    headers = {**agent, "Idempotency-Key": uuid4().hex}
    created, again = [await client.post(HANDOVERS, json={"note": "Call at 10"}, headers=headers) for _ in range(2)]
    assert created.status_code == 201, created.text
    assert (again.json(), again.headers["location"]) == (created.json(), created.headers["location"])
    body = created.json()
    assert created.headers["location"] == f"{HANDOVERS}/{body['id']}"
    assert (body["note"], body["signed_by"]["name"], body["open_is_exact"]) == ("Call at 10", "Mara agent", True)
    [ticket] = [line for line in body["held"]["tickets"] if line["number"] == ticket_number(held)]
    assert ticket == {
        "number": ticket_number(held), "title": "Waits for a part", "company": tenant.company.name, "status": "held",
        "priority": ticket["priority"], "assignee": None, "updated_at": ticket["updated_at"],
    }  # fmt: skip
    assert body["held"]["has_more"] is False
    assert (await client.get(created.headers["location"], headers=agent)).json() == body
    await client.post(HANDOVERS, json={}, headers=agent)
    first = (await client.get(f"{HANDOVERS}?limit=1", headers=agent)).json()
    later = (await client.get(f"{HANDOVERS}?limit=1&cursor={first['next_cursor']}", headers=agent)).json()
    assert first["data"][0]["note"] == ""
    summary = {name: value for name, value in body.items() if name not in {"critical", "held", "longest"}}
    assert later["data"] == [summary]


async def test_only_people_of_the_provider_sign_off_and_read(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    assert (await client.post(HANDOVERS, json={}, headers=viewer)).status_code == 403
    assert (await client.get(HANDOVERS, headers=viewer)).status_code == 200
    for answer in (
        await client.post(HANDOVERS, json={}, headers=tenant.headers),
        await client.get(HANDOVERS, headers=tenant.headers),
        await client.get(f"{HANDOVERS}/{uuid4()}", headers=tenant.headers),
    ):
        assert answer.status_code == 403, answer.text
    assert (await client.get(f"{HANDOVERS}/{uuid4()}", headers=viewer)).status_code == 404


async def test_a_note_that_cannot_be_kept_is_named(client: httpx.AsyncClient, agent: Headers) -> None:
    for note, code in (("x" * 4001, "length"), ("a\x00", "characters"), (1, "type"), (None, "type")):
        answer = await client.post(HANDOVERS, json={"note": note}, headers=agent)
        assert answer.status_code == 422, answer.text
        assert [(item["pointer"], item["code"]) for item in answer.json()["errors"]] == [("/note", code)]
