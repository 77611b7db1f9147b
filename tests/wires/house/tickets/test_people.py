"""The contacts and the copies of tickets in the house API."""

import httpx
import pytest

from clearline.tickets.contact import CC_MAX, CONTACTS_MAX
from tests.builders.house import ANY, TICKETS, Json, new_ticket, order, patch_ticket, pointers, problem
from tests.builders.people import Tenant

NIA: Json = {"name": "Nia Roy", "email": "nia@example.com", "phone": "+1-555-0101", "roles": ["technical", "on_duty"]}
DOOR: Json = {"name": "Door", "phone": "+1-555-0102", "roles": ["site_access"]}
NOC: Json = {"email": "noc@example.org"}
SHOWN = {
    "contacts": [NIA | {"user_id": None}, DOOR | {"email": "", "user_id": None}],
    "cc": [{"email": "noc@example.org", "name": ""}],
}


def people_in(body: Json) -> Json:
    return {"contacts": body["contacts"], "cc": body["cc"]}


async def path_of(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"


async def test_a_ticket_is_created_with_its_people_and_shows_them_to_both_sides(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]
) -> None:
    body = order(contacts=[NIA, DOOR], cc=[NOC])
    created = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert created.status_code == 201
    assert people_in(created.json()) == SHOWN
    assert created.json()["version"] == 1
    at = created.headers["location"]
    read = await client.get(at, headers=tenant.headers)
    assert read.content == created.content
    assert "suggested_cc" not in read.json()
    for_staff = (await client.get(at, headers=agent)).json()
    assert people_in(for_staff) == SHOWN
    assert for_staff["suggested_cc"] == []
    types = [event["type"] for event in (await client.get(f"{at}/history", headers=tenant.headers)).json()["data"]]
    assert types == ["ticket.created", "ticket.contact_added", "ticket.contact_added", "ticket.cc_added"]


async def test_a_merge_patch_replaces_each_list_and_the_etag_follows(client: httpx.AsyncClient, tenant: Tenant) -> None:
    at = await path_of(client, tenant)
    first = await client.get(at, headers=tenant.headers)
    tagged = {**tenant.headers, "If-Match": first.headers["etag"]}
    changed = await client.patch(at, headers=tagged, json={"contacts": [NIA, DOOR], "cc": [NOC]})
    assert people_in(changed.json()) == SHOWN
    problem(await client.patch(at, headers=tagged, json={"cc": []}), "precondition-failed")
    headers = {**tenant.headers, "If-Match": changed.headers["etag"]}
    same = await client.patch(at, headers=headers, json={"contacts": SHOWN["contacts"]})
    assert same.json() == changed.json(), "what is shown can be sent back"
    emptied = await client.patch(at, headers=headers, json={"cc": []})
    assert people_in(emptied.json()) == {"contacts": SHOWN["contacts"], "cc": []}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"contacts": [NIA | {"roles": []}]}, ["/contacts/0/roles"]),
        ({"contacts": [NIA | {"roles": ["boss"]}]}, ["/contacts/0/roles/0"]),
        ({"contacts": [DOOR | {"phone": ""}]}, ["/contacts/0/email"]),
        ({"contacts": [NIA, NIA]}, ["/contacts/1/email"]),
        ({"contacts": [{"roles": ["technical"], "user_id": "x"}]}, ["/contacts/0/user_id"]),
        ({"contacts": [NIA] * CONTACTS_MAX}, ["/contacts"]),
        ({"cc": [{"email": "noc"}]}, ["/cc/0/email"]),
        ({"cc": [NOC] * (CC_MAX + 1)}, ["/cc"]),
        ({"cc": [NOC | {"phone": "1"}]}, ["/cc/0/phone"]),
        ({"cc": None}, ["/cc"]),
    ],
    ids=[
        "no role", "unknown role", "no address and no phone", "twice", "no id", "too many", "no address", "too many cc",
        "unknown member", "null",
    ],
)  # fmt: skip
async def test_wrong_people_are_refused_where_they_stand(
    client: httpx.AsyncClient, tenant: Tenant, body: Json, where: list[str]
) -> None:
    at = await path_of(client, tenant)
    assert pointers(await client.patch(at, headers={**tenant.headers, **ANY}, json=body)) == where
    if body["cc" if "cc" in body else "contacts"] is not None:
        refused = await client.post(TICKETS, headers=tenant.headers, json=order(**body))
        assert pointers(refused) == where


async def test_lists_have_no_people_and_find_tickets_by_them(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str]
) -> None:
    address = f"cc@{tenant.company.code.lower()}.example.org"
    made = await client.post(
        TICKETS, headers=tenant.headers, json=order(contacts=[NIA | {"email": f"x{address}"}], cc=[{"email": address}])
    )
    number = made.json()["number"]
    await new_ticket(client, tenant)
    for headers in (tenant.headers, agent):
        for query in (f"cc={address.upper()}", f"contact=x{address.upper()}"):
            listed = (await client.get(f"{TICKETS}?{query}", headers=headers)).json()["data"]
            assert [ticket["number"] for ticket in listed] == [number], query
            assert "cc" not in listed[0]
    described = (await client.get(f"{TICKETS}?cc={address}&fields=description", headers=agent)).json()["data"]
    assert described == [{"number": number, "description": "No light since 08:00 UTC"}]
    assert (await client.get(f"{TICKETS}?fields=cc", headers=agent)).status_code == 400
    for query in (f"cc={address}", f"contact=x{address}"):
        assert (await client.get(f"{TICKETS}?{query}&state=all", headers=other_tenant.headers)).json()["data"] == []
    part = await client.get(f"{TICKETS}/{number}?fields=cc", headers=tenant.headers)
    assert part.json() == {"number": number, "cc": [{"email": address, "name": ""}]}


async def test_a_change_of_people_and_of_other_values_is_one_answer(client: httpx.AsyncClient, tenant: Tenant) -> None:
    number = (await new_ticket(client, tenant))["number"]
    body = {"contact": {"name": "Bo Lund"}, "cc": [NOC]}
    changed = (await patch_ticket(client, tenant.headers, number, body)).json()
    assert (changed["contact"]["name"], changed["cc"][0]["email"]) == ("Bo Lund", "noc@example.org")
