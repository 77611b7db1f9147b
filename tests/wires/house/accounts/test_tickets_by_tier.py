"""Lists of the tickets of companies of some tiers."""

import httpx
import pytest

from clearline.tickets import list_usecases
from tests.builders.house import ANY, API, TICKETS, Headers, new_ticket, pointers, problem
from tests.builders.people import Tenant


@pytest.mark.parametrize("merged_most", [100, 0])
async def test_a_list_has_the_tickets_of_companies_of_a_tier(
    client: httpx.AsyncClient,
    admin: Headers,
    agent: Headers,
    tenant: Tenant,
    other_tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    merged_most: int,
) -> None:
    monkeypatch.setattr(list_usecases, "_MERGED_MAX", merged_most)
    numbers = {}
    for company, tier in ((tenant, "gold"), (other_tenant, "bronze")):
        path = f"{API}/companies/{company.company.id}"
        assert (await client.patch(path, headers=admin | ANY, json={"tier": tier})).status_code == 200
        numbers[tier] = (await new_ticket(client, company))["number"]

    async def listed(query: str) -> set[str]:
        answer = await client.get(f"{TICKETS}?limit=200&{query}", headers=agent)
        assert answer.status_code == 200, answer.text
        return {ticket["number"] for ticket in answer.json()["data"]} & {*numbers.values()}

    assert await listed("tier=gold") == {numbers["gold"]}
    assert await listed("tier=gold,bronze&sort=-updated_at") == {*numbers.values()}
    assert await listed("tier=silver") == set()
    assert await listed(f"tier=gold&company={other_tenant.company.code}") == set()


async def test_a_tier_must_be_known_and_customers_do_not_ask_for_it(
    client: httpx.AsyncClient, agent: Headers, tenant: Tenant
) -> None:
    refused = await client.get(f"{TICKETS}?tier=platinum", headers=agent)
    assert pointers(refused, "invalid-parameter") == ["tier"]
    for tier in ("gold", "platinum"):
        problem(await client.get(f"{TICKETS}?tier={tier}", headers=tenant.headers), "forbidden")
