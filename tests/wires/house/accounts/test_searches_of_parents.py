"""A parent narrows searches to one of the companies whose tickets it sees, and learns of no other."""

import json
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import API, MARKER
from tests.builders.house_api.families import Family, family_of, numbers, tickets_of


@pytest.fixture(scope="module")
async def family(client: httpx.AsyncClient, database: Database) -> Family:
    return await family_of(client, database, MARKER)


@pytest.mark.parametrize("path", ["search?q=company:{}", "search?q=company:{}&sort=-created_at"])
async def test_a_search_is_narrowed_to_one_of_the_companies(
    client: httpx.AsyncClient, family: Family, path: str
) -> None:
    owners = [family.parent, family.child, family.sibling]
    for owner in owners:
        company = owner.tenant.company
        others = tickets_of(*(each for each in owners if each is not owner))
        for name in (company.code, company.code.lower(), quote(f'"{company.name}"')):
            found = await numbers(client, family.parent, path.format(name) + "&limit=200")
            assert found >= tickets_of(owner)
            assert not found & others
        rest = await numbers(client, family.parent, f"search?q={MARKER}+-company:{company.code}&limit=200")
        assert rest >= others
        assert not rest & tickets_of(owner, family.private, family.top)


@pytest.mark.parametrize("owner", ["top", "private"])
@pytest.mark.parametrize("list_of", ["tickets?company={}", "search?q=company:{}", "search?q=-company:{}"])
async def test_another_company_is_answered_like_one_that_is_not_there(
    client: httpx.AsyncClient, family: Family, list_of: str, owner: str
) -> None:
    company = getattr(family, owner).tenant.company
    for theirs, unknown in (
        (company.code, "X" * len(company.code)),
        (company.name, "X" * len(company.name)),
        (str(company.id), str(uuid4())),
    ):
        foreign, missing = [
            await client.get(f"{API}/{list_of.format(quote(each))}", headers=family.parent.headers)
            for each in (theirs, unknown)
        ]
        assert foreign.status_code == 400, foreign.text
        said = [{**answer.json(), "request_id": ""} for answer in (foreign, missing)]
        assert json.dumps(said[0]).replace(theirs, unknown) == json.dumps(said[1])


async def test_the_counts_of_saved_views_are_those_of_the_companies(
    client: httpx.AsyncClient, database: Database
) -> None:
    family = await family_of(client, database, "counted")
    headers = family.parent.headers
    for name, query in (("All", "status:open"), ("One", f"status:open company:{family.child.tenant.company.code}")):
        answer = await client.post(f"{API}/views", json={"name": name, "query": query}, headers=headers)
        assert answer.status_code == 201, answer.text
    views = (await client.get(f"{API}/views?counts=true", headers=headers)).json()["data"]
    listed = {view["name"]: view["count"]["count"] for view in views}
    expected = {}
    for name, path in (("All", "tickets?limit=200"), ("One", f"tickets?company={family.child.tenant.company.code}")):
        expected[name] = len((await client.get(f"{API}/{path}", headers=headers)).json()["data"])
    assert {name: listed[name] for name in expected} == expected
    assert 0 < listed["One"] < listed["All"]
