"""The demo data at the command line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clearline.accounts import key_store
from clearline.accounts.domain import hash_secret
from clearline.identity import Actor
from clearline.platform.database.transactions import Database
from clearline.sign_in.usecases import sign_in
from tests.builders.application import run_json
from tests.builders.databases import new_database
from tests.builders.people import NOW
from tests.builders.sign_in.sessions import DEVICE


@pytest.fixture
async def unmigrated(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres, migrated=False) as url:
        yield url


async def _actor(url: str, secret: str) -> Actor | None:
    database = await Database.open(url, size=2)
    try:
        async with database.statement() as tx:
            return await key_store.actor_of(tx, hash_secret(secret), now=NOW)
    finally:
        await database.close()


async def _sign_in(url: str, email: str, password: str) -> None:
    database = await Database.open(url, size=2)
    try:
        await sign_in(database, email, password, DEVICE, now=NOW)
    finally:
        await database.close()


async def test_the_demo_can_be_loaded_twice(unmigrated: str, tmp_path: Path) -> None:
    settings = {"CLEARLINE_ATTACHMENTS": str(tmp_path)}
    runs = []
    for _ in range(2):
        loaded = run_json(unmigrated, "demo", **settings)
        numbers = [
            [ticket["number"] for ticket in run_json(unmigrated, "ticket", "list", "--limit", "100", *closed)]
            for closed in ((), ("--closed",))
        ]
        runs.append((loaded, numbers))
    (first, numbers), (second, numbers_again) = runs
    assert numbers == numbers_again
    assert all(numbers)
    assert [account["company"] for account in first] == [account["company"] for account in second]
    for account in (*first, *second):
        actor = await _actor(unmigrated, account["key"])
        assert actor is not None
        assert actor.company is not None
        assert actor.company.code == account["company"]["code"]
    assert [[len(account["sign_ins"]) for account in accounts] for accounts in (first, second)] == [[1, 1, 2]] * 2
    roles = [person["role"] for person in second[-1]["sign_ins"]]
    assert roles == ["agent", "admin"]
    assert len({person["password"] for account in (*first, *second) for person in account["sign_ins"]}) == 8
    assert len({account["key"] for account in (*first, *second)}) == 6  # two companies and the desk, twice
    assert run_json(unmigrated, "doctor", **settings)["ok"] is True
    assert {person["role"] for account in second[:-1] for person in account["sign_ins"]} == {"customer_admin"}
    for person in (person for account in second for person in account["sign_ins"]):
        await _sign_in(unmigrated, person["email"], person["password"])
