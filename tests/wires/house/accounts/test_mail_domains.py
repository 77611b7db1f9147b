"""Mail domains, invitations and conflicts about addresses, through the house API."""

from uuid import uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.defaults import COMPANY_MAIL_DOMAINS_MAX
from tests.builders.house import ANY, Headers, Json, company_path, pointers, problem, read_list
from tests.builders.people import Tenant, customer_admin, new_tenant


@pytest.fixture
async def boss(database: Database) -> Tenant:
    return await customer_admin(database)


def new_name() -> str:
    return f"{uuid4().hex[:10]}.example.com"


async def add(client: httpx.AsyncClient, headers: Headers, tenant: Tenant, **members: object) -> httpx.Response:
    return await client.post(company_path(tenant, "domains"), headers=headers, json=members)


async def claim(client: httpx.AsyncClient, tenant: Tenant, email: str) -> Json:
    answer = await client.post(
        company_path(tenant, "users"), headers=tenant.headers, json={"name": "Kim", "email": email}
    )
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def test_a_domain_is_added_read_and_deleted(client: httpx.AsyncClient, boss: Tenant) -> None:
    name = new_name()
    created = await add(client, boss.headers, boss, name=name.upper())
    body = created.json()
    assert created.status_code == 201
    assert body == {
        "id": body["id"], "company_id": str(boss.company.id), "name": name, "includes_subdomains": False,
        "state": "pending", "verified_by": None, "reason": None, "record": body["record"],
        "created_at": body["created_at"], "verified_at": None, "checked_at": None,
    }  # fmt: skip
    assert body["record"].startswith("clearline-verification=")
    path = created.headers["location"]
    assert path == company_path(boss, "domains", body["id"])
    assert (await client.get(path, headers=boss.headers)).json()["record"] == body["record"]
    again = await add(client, boss.headers, boss, name=name)
    problem(again, "already-exists")
    assert (await client.delete(path, headers=boss.headers)).status_code == 428
    assert (await client.delete(path, headers=boss.headers | ANY)).status_code == 204
    assert (await client.get(path, headers=boss.headers)).status_code == 404


async def test_domains_are_listed_by_name(client: httpx.AsyncClient, boss: Tenant) -> None:
    names = sorted(new_name() for _ in range(5))
    for name in reversed(names):
        assert (await add(client, boss.headers, boss, name=name)).status_code == 201
    assert [domain["name"] for domain in await read_list(client, company_path(boss, "domains"), boss.headers)] == names


async def test_the_word_of_the_provider_verifies_a_domain_at_once(
    client: httpx.AsyncClient, boss: Tenant, admin: Headers
) -> None:
    name, other = new_name(), new_name()
    trusted = await add(client, admin, boss, name=name, verify_by="staff")
    assert (trusted.json()["state"], trusted.json()["verified_by"]) == ("verified", "staff")
    assert (await claim(client, boss, f"kim@{name}"))["is_confirmed"] is True
    waiting = await claim(client, boss, f"kim@{other}")
    assert waiting["is_confirmed"] is False
    path = (await add(client, boss.headers, boss, name=other)).headers["location"]
    refused = await client.post(f"{path}/verify", headers=boss.headers, json={"verify_by": "staff"})
    problem(refused, "forbidden")
    checked = await client.post(f"{path}/verify", headers=boss.headers, json={})
    assert (checked.status_code, checked.json()["verified_by"]) == (200, None)
    verified = await client.post(f"{path}/verify", headers=admin, json={"verify_by": "staff"})
    assert (verified.status_code, verified.json()["state"]) == (200, "verified")
    user = company_path(boss, "users", waiting["id"])
    assert (await client.get(user, headers=boss.headers)).json()["is_confirmed"] is True


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/name"]),
        ({"name": "gmail.com"}, ["/name"]),
        ({"name": "localhost"}, ["/name"]),
        ({"name": "co.uk"}, ["/name"]),
        ({"name": "a.example", "verify_by": "word"}, ["/verify_by"]),
        ({"name": "a.example", "state": "verified"}, ["/state"]),
        ({"name": "a.example", "includes_subdomains": "yes"}, ["/includes_subdomains"]),
        ({"name": "a\x00.example"}, ["/name"]),
        ({"name": "x" * 254}, ["/name"]),
    ],
)
async def test_every_invalid_value_of_a_domain_is_named(
    client: httpx.AsyncClient, boss: Tenant, body: Json, wrong: list[str]
) -> None:
    assert pointers(await add(client, boss.headers, boss, **body)) == wrong


async def test_a_company_adds_a_limited_number_of_domains(
    client: httpx.AsyncClient, boss: Tenant, admin: Headers
) -> None:
    for _ in range(COMPANY_MAIL_DOMAINS_MAX):
        assert (await add(client, boss.headers, boss, name=new_name())).status_code == 201
    problem(await add(client, boss.headers, boss, name=new_name()), "conflict", code="too-many-mail-domains")
    assert (await add(client, admin, boss, name=new_name())).status_code == 201


async def test_a_customer_is_not_told_whether_another_company_has_a_domain(
    client: httpx.AsyncClient, database: Database, boss: Tenant, admin: Headers
) -> None:
    name, other = new_name(), await new_tenant(database)
    assert (await add(client, admin, other, name=name, verify_by="staff")).status_code == 201
    taken, free = (
        await add(client, boss.headers, boss, name=name),
        await add(client, boss.headers, boss, name=new_name()),
    )
    assert taken.status_code == free.status_code == 201
    assert {**taken.json(), "id": "", "name": "", "record": "", "created_at": ""} == {
        **free.json(), "id": "", "name": "", "record": "", "created_at": "",
    }  # fmt: skip
    third = await new_tenant(database)
    problem(await add(client, admin, third, name=name), "conflict")


async def test_staff_see_and_decide_a_conflict(
    client: httpx.AsyncClient, database: Database, boss: Tenant, admin: Headers
) -> None:
    other = await new_tenant(database)
    claimed = await claim(client, boss, other.user.email)
    path = company_path(boss, "users", claimed["id"])
    conflicts = await read_list(client, "/api/v1/address-conflicts", admin)
    [conflict] = [conflict for conflict in conflicts if conflict["user"]["id"] == claimed["id"]]
    assert conflict == {
        "address": other.user.email,
        "company": {"id": str(boss.company.id), "name": boss.company.name, "code": boss.company.code},
        "user": {"id": claimed["id"], "name": "Kim"},
        "claimed_at": conflict["claimed_at"],
        "holders": [
            {
                "company": {"id": str(other.company.id), "name": other.company.name, "code": other.company.code},
                "kind": "user",
                "since": conflict["holders"][0]["since"],
                "user_id": str(other.user.id),
                "is_active": True,
            }
        ],
    }
    for headers in (boss.headers, other.headers):
        assert (await client.get("/api/v1/address-conflicts", headers=headers)).status_code == 403
    assert pointers(await client.post(f"{path}/address-claim", headers=admin, json={"decision": "no"})) == ["/decision"]
    own = await client.post(f"{path}/address-claim", headers=boss.headers, json={"decision": "confirm"})
    problem(own, "forbidden")
    refused = await client.post(f"{path}/address-claim", headers=admin, json={"decision": "refuse"})
    assert (refused.status_code, refused.json()) == (200, claimed)
    left = await read_list(client, "/api/v1/address-conflicts", admin)
    assert claimed["id"] not in {conflict["user"]["id"] for conflict in left}
    problem(await client.post(f"{path}/invite", headers=boss.headers, json={}), "conflict")
    confirmed = await client.post(f"{path}/address-claim", headers=admin, json={"decision": "confirm"})
    assert (confirmed.status_code, confirmed.json()) == (200, {**claimed, "is_confirmed": True})


async def test_an_invitation_is_sent_again(client: httpx.AsyncClient, database: Database, boss: Tenant) -> None:
    claimed = await claim(client, boss, f"kim@{new_name()}")
    path = company_path(boss, "users", claimed["id"], "invite")
    problem(await client.post(path, headers=boss.headers, json={}), "conflict")
    async with database.statement() as tx:
        await tx.write(
            "update account_mail set created_at = created_at - interval '1 hour' where company_id = $1", boss.company.id
        )
    again = await client.post(path, headers=boss.headers, json={})
    assert (again.status_code, again.json()) == (200, claimed)
