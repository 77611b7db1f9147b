"""People of all companies are found by the words of their names and addresses."""

from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant, new_tenant

DOMAIN = f"zq{uuid4().hex[:8]}"
"""A word of the addresses of these tests alone."""
ADDRESS = f"jose.munoz@{DOMAIN}.example.com"


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    tenant = await new_tenant(database)
    people = (("José Muñoz-O'Neil", ADDRESS), ("Josefine Berg", f"jb@{DOMAIN}.example.com"))
    async with database.transaction() as tx:
        for name, email in people:
            await accounts.add_user(tx, OPERATOR, tenant.company.id, name=name, email=email, phone="", now=NOW)
    return tenant


async def find(database: Database, text: str) -> list[str]:
    async with database.transaction() as tx:
        return [user.name for _company, user in await accounts.users_matching(tx, OPERATOR, text, limit=5)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("jose", 2), ("José Muñ", 1), ("munoz", 1), ("O'Neil", 1), ("neil", 1), ("JB", 1), ("berg josefine", 1),
        ("jo", 2), ("j", 0), ("jos berg", 0), ("ose", 0), ("", 2),
    ],
)  # fmt: skip
async def test_people_are_found_by_their_words(database: Database, customer: Tenant, text: str, count: int) -> None:
    assert customer is not None
    assert len(await find(database, f"{DOMAIN} {text}")) == count


async def test_an_address_finds_its_person_and_a_name_comes_before_longer_ones(
    database: Database, customer: Tenant
) -> None:
    assert customer is not None
    for address in (ADDRESS, ADDRESS.upper()):
        assert await find(database, address) == ["José Muñoz-O'Neil"]
    assert await find(database, f"{DOMAIN} jose") == ["José Muñoz-O'Neil", "Josefine Berg"]
    for text in ("\x00", "\ud800", "@", ""):
        assert await find(database, text) == []


async def test_customers_search_no_people_of_others(database: Database, customer: Tenant) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await accounts.users_matching(tx, customer.actor, "jose", limit=5)
