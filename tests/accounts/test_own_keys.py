"""Keys that people of the provider issue to themselves."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from clearline.accounts import key_usecases as keys
from clearline.errors import Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, STAFF_ROLES, Actor, Role, Scope
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, new_person, new_tenant

READ = frozenset({Scope.TICKETS_READ})


async def somebody(database: Database, role: Role) -> Actor:
    async with database.transaction() as tx:
        return await new_person(tx, role=role, scopes=ROLE_SCOPES[role])


async def test_a_person_lists_reads_and_revokes_its_own_keys_alone(database: Database) -> None:
    agent, other = await somebody(database, Role.AGENT), await somebody(database, Role.ADMIN)
    async with database.transaction() as tx:
        mine, secret = await keys.create_own_key(tx, agent, name="mine", scopes=READ, now=NOW)
        theirs, _secret = await keys.create_own_key(tx, other, name="theirs", scopes=READ, now=NOW)
        assert secret.startswith(mine.prefix)
        assert await keys.list_own_keys(tx, agent) == [mine]
        assert await keys.list_own_keys(tx, agent, after=(mine.created_at, mine.id)) == []
        assert await keys.get_own_key(tx, agent, mine.id) == mine
    for use in (keys.get_own_key, keys.lock_own_key):
        async with database.transaction() as tx:
            with pytest.raises(NotFound):
                await use(tx, agent, theirs.id)
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await keys.revoke_own_key(tx, agent, theirs.id, now=NOW)
        revoked = await keys.revoke_own_key(tx, agent, mine.id, now=NOW)
        assert revoked == replace(mine, revoked_at=NOW)
        assert await keys.revoke_own_key(tx, agent, mine.id, now=NOW + timedelta(days=1)) == revoked


@pytest.mark.parametrize("role", STAFF_ROLES)
async def test_an_own_key_has_every_scope_of_the_person_and_no_other(database: Database, role: Role) -> None:
    person = await somebody(database, role)
    for scope in Scope:
        async with database.transaction() as tx:
            if scope in ROLE_SCOPES[role]:
                await keys.create_own_key(tx, person, name="mine", scopes=frozenset({scope}), now=NOW)
                continue
            with pytest.raises(InvalidInput):
                await keys.create_own_key(tx, person, name="mine", scopes=frozenset({scope}), now=NOW)


async def test_a_key_issues_none_that_is_wider_or_lasts_longer(database: Database) -> None:
    agent = await somebody(database, Role.AGENT)
    narrow = replace(agent, scopes=READ, key_expires_at=NOW + timedelta(days=1))
    for values in ({"scopes": frozenset({Scope.TICKETS_WRITE})}, {"scopes": READ, "lifetime": timedelta(days=2)}):
        async with database.transaction() as tx:
            with pytest.raises(InvalidInput):
                await keys.create_own_key(tx, narrow, name="mine", now=NOW, **values)


async def test_customers_and_the_operator_have_no_own_keys(database: Database) -> None:
    tenant = await new_tenant(database)
    for actor in (tenant.actor, OPERATOR):
        async with database.transaction() as tx:
            with pytest.raises(Forbidden):
                await keys.create_own_key(tx, actor, name="mine", scopes=READ, now=NOW)
            with pytest.raises(Forbidden):
                await keys.list_own_keys(tx, actor)


async def test_an_own_key_is_in_the_lists_of_the_admins(database: Database) -> None:
    agent = await somebody(database, Role.AGENT)
    async with database.transaction() as tx:
        mine, _secret = await keys.create_own_key(tx, agent, name="mine", scopes=READ, now=NOW)
        assert mine in await keys.list_keys(tx, OPERATOR, PROVIDER_ID)
