import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from clearline.domain.errors import AlreadyExists, Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from clearline.domain.party import ALL_SCOPES, OPERATOR, Actor, ApiKey
from clearline.store.db import Database, Tx
from clearline.usecases import accounts
from clearline.usecases.accounts import KeyRing
from clearline.workers.upkeep import ActorsLine
from tests.conftest import NOW, Tenant, new_tenant


async def issue(tx: Tx, code: str, lifetime: timedelta | None = None) -> tuple[ApiKey, str]:
    return await accounts.create_key(
        tx, OPERATOR, code, user_email=None, name="key", scopes=ALL_SCOPES, lifetime=lifetime, now=NOW
    )


async def revoke(database: Database, tenant: Tenant) -> None:
    assert tenant.actor.key_id is not None
    async with database.transaction() as tx:
        await accounts.revoke_key(tx, OPERATOR, tenant.company.code, tenant.actor.key_id, now=NOW)


@pytest.fixture
async def ring(database: Database) -> KeyRing:
    return KeyRing(database)


@pytest.fixture
async def heard(database: Database) -> AsyncIterator[KeyRing]:
    """A ring that hears of changes."""
    ring = KeyRing(database)
    line = ActorsLine(database, ring)
    assert await line.keep_up() == 1
    assert await line.keep_up() == 0
    yield ring
    await line.close()


async def test_a_name_or_code_is_taken_once_whatever_its_case(database: Database, tenant: Tenant) -> None:
    name, code = tenant.company.name, tenant.company.code
    async with database.transaction() as tx:
        for taken in ((name.upper(), "FREE1"), ("Free Name", code.lower())):
            with pytest.raises(AlreadyExists):
                await accounts.add_company(tx, OPERATOR, *taken, now=NOW)
        with pytest.raises(InvalidInput):
            await accounts.add_company(tx, OPERATOR, "", "x" * 33, now=NOW)
        found = await accounts.list_users(tx, OPERATOR, name.lower())
    assert found == [tenant.user]


async def test_a_user_is_unique_within_the_company_only(database: Database, tenant: Tenant) -> None:
    other = await new_tenant(database)
    email = tenant.user.email.upper()
    async with database.transaction() as tx:
        with pytest.raises(AlreadyExists):
            await accounts.add_user(tx, OPERATOR, tenant.company.code, name="A", email=email, phone="", now=NOW)
        await accounts.add_user(tx, OPERATOR, other.company.code, name="A", email=email, phone="", now=NOW)
        with pytest.raises(InvalidInput):
            await accounts.add_user(tx, OPERATOR, tenant.company.code, name="", email="x", phone="1" * 65, now=NOW)


async def test_a_key_needs_a_user_a_scope_and_a_lifetime_that_is_positive(database: Database, tenant: Tenant) -> None:
    code = tenant.company.code
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await issue(tx, code, timedelta(0))
        for scopes in (frozenset[str](), frozenset({"tickets:burn"})):
            with pytest.raises(InvalidInput):
                await accounts.create_key(
                    tx, OPERATOR, code, user_email=None, name="k", scopes=scopes, lifetime=None, now=NOW
                )
        with pytest.raises(NotFound):
            await accounts.create_key(
                tx, OPERATOR, code, user_email="no@body", name="k", scopes=ALL_SCOPES, lifetime=None, now=NOW
            )
        await accounts.add_company(tx, OPERATOR, "Nobody Works Here", "EMPTY1", now=NOW)
        with pytest.raises(Conflict, match="no user yet"):
            await issue(tx, "EMPTY1")
        with pytest.raises(NotFound):
            await accounts.revoke_key(tx, OPERATOR, code, uuid4(), now=NOW)


async def test_a_secret_is_stored_nowhere(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        key, secret = await issue(tx, tenant.company.code)
        row = await tx.fetchval("select api_key::text from api_key where id = $1", key.id)
    assert secret.startswith(key.prefix)
    assert secret not in row
    assert secret[len(key.prefix) :] not in row


@pytest.mark.parametrize("remembering", [True, False])
async def test_a_key_ends_with_its_lifetime(database: Database, tenant: Tenant, *, remembering: bool) -> None:
    ring = KeyRing(database)
    if remembering:
        ring.line_up()
    async with database.transaction() as tx:
        key, secret = await issue(tx, tenant.company.code, timedelta(hours=1))
    assert key.expires_at == NOW + timedelta(hours=1)
    actor = await ring.actor(secret, NOW + timedelta(minutes=59))
    assert actor.company == tenant.company
    with pytest.raises(Unauthenticated):
        await ring.actor(secret, NOW + timedelta(hours=1))


@pytest.mark.parametrize("secret", ["", "clk_", "clk_" + "x" * 43, "clk_" + "\u00e9" * 43, "clk_" + "x" * 44])
async def test_a_malformed_or_unknown_key_is_refused(ring: KeyRing, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        await ring.actor(secret, NOW)


async def test_while_the_line_is_down_nothing_is_remembered(database: Database, ring: KeyRing) -> None:
    tenant = await new_tenant(database)
    assert await ring.actor(tenant.secret, NOW) == tenant.actor
    await revoke(database, tenant)
    with pytest.raises(Unauthenticated):
        await ring.actor(tenant.secret, NOW)


async def test_what_was_remembered_is_forgotten_when_the_line_goes_down(database: Database, ring: KeyRing) -> None:
    tenant = await new_tenant(database)
    ring.line_up()  # and nobody tells it anything
    await ring.actor(tenant.secret, NOW)
    await revoke(database, tenant)
    assert await ring.actor(tenant.secret, NOW) == tenant.actor
    ring.line_down()
    with pytest.raises(Unauthenticated):
        await ring.actor(tenant.secret, NOW)


async def test_a_revoked_key_is_forgotten_as_soon_as_the_database_tells(database: Database, heard: KeyRing) -> None:
    tenant = await new_tenant(database)
    assert await heard.actor(tenant.secret, NOW) == tenant.actor
    await revoke(database, tenant)

    async def until_refused() -> None:
        while True:
            await heard.actor(tenant.secret, NOW)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        with pytest.raises(Unauthenticated):
            await until_refused()


async def test_last_uses_are_written_later_and_never_go_back(database: Database, tenant: Tenant) -> None:
    ring = KeyRing(database)
    at = datetime.now(UTC)
    for use in (at, at - timedelta(hours=1)):
        await ring.actor(tenant.secret, use)
        assert await ring.save_last_uses() == 1
    assert await ring.save_last_uses() == 0
    async with database.transaction() as tx:
        keys = await accounts.list_keys(tx, OPERATOR, tenant.company.code)
    assert at in [key.last_used_at for key in keys]


async def test_a_key_revoked_twice_keeps_its_first_time(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        key, _secret = await issue(tx, tenant.company.code)
        for later in (0, 1):
            at = NOW + timedelta(hours=later)
            revoked = await accounts.revoke_key(tx, OPERATOR, tenant.company.code, key.id, now=at)
            assert revoked.revoked_at == NOW


Attempt = Callable[[Tx, Actor, str], Awaitable[object]]
ATTEMPTS: dict[str, Attempt] = {
    "add a company": lambda tx, actor, _code: accounts.add_company(tx, actor, "Mine", "MINE", now=NOW),
    "list companies": lambda tx, actor, _code: accounts.list_companies(tx, actor),
    "add a user": lambda tx, actor, code: accounts.add_user(tx, actor, code, name="A", email="a@b", phone="", now=NOW),
    "list users": accounts.list_users,
    "create a key": lambda tx, actor, code: accounts.create_key(
        tx, actor, code, user_email=None, name="k", scopes=ALL_SCOPES, lifetime=None, now=NOW
    ),
    "list keys": accounts.list_keys,
    "revoke a key": lambda tx, actor, code: accounts.revoke_key(tx, actor, code, uuid4(), now=NOW),
}


@pytest.mark.parametrize("what", ATTEMPTS)
async def test_only_the_operator_administers(database: Database, tenant: Tenant, what: str) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await ATTEMPTS[what](tx, tenant.actor, tenant.company.code)
