"""The first admin of a fresh installation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, InvalidInput
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in import set_up_usecases as set_up
from clearline.sign_in.domain import SignedIn
from clearline.sign_in.link_domain import LinkRefused
from tests.builders.databases import new_database
from tests.builders.people import NOW
from tests.builders.sign_in.sessions import DEVICE, PASSWORD, current, signed_in


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    """Yield a database in which the provider has no people."""
    async with new_database(postgres) as url:
        opened = await Database.open(url)
        yield opened
        await opened.close()


async def new_link(database: Database) -> str:
    async with database.transaction() as tx:
        return await set_up.create_set_up_link(tx, now=NOW)


async def do(
    database: Database,
    token: str,
    email: str = "ida@example.net",
    *,
    name: str = "Northwind Fibre",
    person: str = "Ida Moss",
    password: str = PASSWORD,
) -> SignedIn:
    return await set_up.set_up(database, token, name, person, email, password, DEVICE, now=NOW)


async def test_the_link_makes_the_first_admin_and_names_the_provider(empty: Database) -> None:
    async with empty.statement() as tx:
        assert await set_up.is_open(tx)
    signed = await do(empty, await new_link(empty))
    actor = (await current(empty, signed.token)).actor
    assert (actor.role, actor.name) == (Role.ADMIN, "Ida Moss")
    assert actor.company is not None
    assert (actor.company.name, actor.company.code) == ("Northwind Fibre", "PROVIDER")
    assert actor.user is not None
    await signed_in(empty, actor.user)
    async with empty.statement() as tx:
        assert not await set_up.is_open(tx)
    with pytest.raises(Conflict, match="the set-up is done"):
        await new_link(empty)


async def test_the_link_works_once_even_for_two_at_the_same_time(empty: Database) -> None:
    token = await new_link(empty)
    results = await asyncio.gather(
        *(do(empty, token, f"ida{number}@example.net") for number in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, LinkRefused) for result in results) == 2
    with pytest.raises(LinkRefused):
        await do(empty, token, "another@example.net")


async def test_the_link_ends_with_a_newer_one_with_time_and_with_other_people(empty: Database) -> None:
    first, second = await new_link(empty), await new_link(empty)
    with pytest.raises(LinkRefused):
        await do(empty, first)
    async with empty.statement() as tx:
        await set_up.require_set_up_link(tx, second, now=NOW + timedelta(days=1) - timedelta(seconds=1))
        with pytest.raises(LinkRefused):
            await set_up.require_set_up_link(tx, second, now=NOW + timedelta(days=1))
    async with empty.transaction() as tx:
        await accounts.add_user(tx, OPERATOR, PROVIDER_ID, name="Bo", email="bo@example.net", phone="", now=NOW)
    with pytest.raises(LinkRefused):
        await do(empty, second)


@pytest.mark.parametrize("token", ["", "x" * 43, "\x00" * 43])
async def test_another_text_is_no_link(empty: Database, token: str) -> None:
    await new_link(empty)
    with pytest.raises(LinkRefused):
        await do(empty, token)


async def test_a_wrong_value_does_not_use_the_link_up(empty: Database) -> None:
    token = await new_link(empty)
    attempts = (
        ("provider_name", do(empty, token, name="")),
        ("name", do(empty, token, person="")),
        ("email", do(empty, token, "nobody")),
        ("password", do(empty, token, password="password1234")),
    )
    for field, attempt in attempts:
        with pytest.raises(InvalidInput) as refused:
            await attempt
        assert [violation.field for violation in refused.value.violations] == [field]
    async with empty.statement() as tx:
        assert await set_up.is_open(tx)
    await do(empty, token)
