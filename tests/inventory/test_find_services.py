"""Services of all companies are found by the words of their ids and labels."""

from uuid import uuid4

import pytest

from clearline.errors import Forbidden
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant, new_tenant

MARK = f"zq{uuid4().hex[:8]}"
"""A word of the services of these tests alone."""
SERVICES = {
    "et": ("FRA-et-1040", "100G Port to Équinix, Rack 7"),
    "slash": ("xe-0/0/1", "ÅMÅL Uplink_2"),
    "sql": ("a'b\\c:*&|!(d)", "It's 10%"),
}


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        for service_id, label in SERVICES.values():
            marked = f"{label} {MARK}"
            await inventory.add_service(tx, OPERATOR, tenant.company.id, service_id, "Port", marked, now=NOW)
    return tenant


async def find(database: Database, text: str, limit: int = 10) -> list[str]:
    async with database.transaction() as tx:
        return [service.id for _company, service in await inventory.find_services(tx, OPERATOR, text, limit=limit)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("FRA-et-1040", "et"), ("fra et 10", "et"), ("1040", "et"), ("10", "et"), ("EQUINIX", "et"), ("équi", "et"),
        ("rack 7", "et"), ("7", "et"), ("port to rack", "et"), ("1040/fra", "et"), ("amal", "slash"),
        ("xe-0/0/1", "slash"), ("uplink_2", "slash"), ("0 0 1", "slash"), ("a'b\\c:*&|!(d)", "sql"),
        ("it's 10%", "sql"), ("c d", "sql"),
    ],
)  # fmt: skip
async def test_a_service_is_found_by_its_words(database: Database, customer: Tenant, text: str, name: str) -> None:
    assert customer is not None
    assert SERVICES[name][0] in await find(database, f"{MARK} {text}")


@pytest.mark.parametrize(
    "text", ["fr et 1040", "RA-et", "x", "e 0/0/1", "equinix london", "ft", "1041", "a'b & nothing"]
)
async def test_a_service_without_one_of_the_words_is_not_found(database: Database, customer: Tenant, text: str) -> None:
    assert customer is not None
    assert await find(database, f"{MARK} {text}") == []


@pytest.mark.parametrize("text", ["", " ", "-/:*", "\x00", "\ud800", "'", "\u0301"])
async def test_a_text_without_words_finds_nothing(database: Database, customer: Tenant, text: str) -> None:
    assert customer is not None
    assert await find(database, text) == []


async def test_words_come_before_beginnings_of_words_and_at_most_so_many(database: Database, customer: Tenant) -> None:
    code = customer.company.code
    word = f"ab{uuid4().hex[:8]}"
    async with database.transaction() as tx:
        for service_id, label in ((f"{word}x", "A"), (word, "Z"), (f"{word}y", "B")):
            await inventory.add_service(tx, OPERATOR, code, service_id, "Port", label, now=NOW)
    assert await find(database, word) == [word, f"{word}x", f"{word}y"]
    assert await find(database, word, 2) == [word, f"{word}x"]
    async with database.transaction() as tx:
        [(company, _service)] = await inventory.find_services(tx, OPERATOR, f"{word}x", limit=5)
    assert company == customer.company


async def test_customers_search_no_services_of_others(database: Database, customer: Tenant) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await inventory.find_services(tx, customer.actor, "port", limit=5)
