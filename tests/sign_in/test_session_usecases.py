"""Listing and ending sessions."""

from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.errors import Forbidden, NotFound
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import session_usecases as sessions
from tests.builders.people import NOW, Tenant
from tests.builders.sign_in.sessions import DEVICE, ELSEWHERE, current, is_in_force, new_person_with_password, signed_in


@pytest.fixture
async def ada(database: Database) -> User:
    return await new_person_with_password(database)


async def ended(database: Database, user: User) -> int:
    """Return how many events say that a session of a user ended."""
    async with database.statement() as tx:
        count: int = await tx.fetchval(
            """select count(*) from event where type = 'session.ended' and data->'changes'->0->>'before' = $1""",
            str(user.id),
        )
    return count


async def test_the_sessions_in_force_are_listed_newest_first(database: Database, ada: User) -> None:
    first = await signed_in(database, ada)
    second = await signed_in(database, ada, where=ELSEWHERE, now=NOW + timedelta(hours=1))
    await signed_in(database, await new_person_with_password(database))
    actor = await current(database, first.token, after=timedelta(seconds=1))
    async with database.statement() as tx:
        assert await sessions.list_sessions(tx, actor, now=NOW) == [second.session, first.session]
        later = NOW + timedelta(hours=12, minutes=30)
        assert await sessions.list_sessions(tx, actor, now=later) == [second.session]
        assert await sessions.list_sessions(tx, actor, now=NOW + timedelta(days=8)) == []
    assert {session.device for session in (first.session, second.session)} == {DEVICE.text, ELSEWHERE.text}


async def test_signing_out_ends_the_session_at_once(database: Database, ada: User) -> None:
    first, second = await signed_in(database, ada), await signed_in(database, ada)
    actor = await current(database, first.token)
    for _ in range(2):
        async with database.transaction() as tx:
            await sessions.sign_out(tx, actor, now=NOW)
    assert not await is_in_force(database, first.token)
    assert await is_in_force(database, second.token)
    assert await ended(database, ada) == 1


async def test_a_session_is_revoked_by_its_user_only(database: Database, ada: User) -> None:
    first, second = await signed_in(database, ada), await signed_in(database, ada)
    other = await signed_in(database, await new_person_with_password(database))
    actor = await current(database, first.token)
    for session_id in (other.session.id, uuid4()):
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await sessions.revoke_session(tx, actor, session_id, now=NOW)
    async with database.transaction() as tx:
        await sessions.revoke_session(tx, actor, second.session.id, now=NOW)
    assert not await is_in_force(database, second.token)
    assert await is_in_force(database, first.token)
    assert await is_in_force(database, other.token)
    assert await ended(database, ada) == 1


async def test_all_other_sessions_are_revoked_at_once(database: Database, ada: User) -> None:
    tokens = [(await signed_in(database, ada)).token for _ in range(3)]
    other = await signed_in(database, await new_person_with_password(database))
    async with database.transaction() as tx:
        assert await sessions.revoke_other_sessions(tx, await current(database, tokens[1]), now=NOW) == 2
    assert [await is_in_force(database, token) for token in tokens] == [False, True, False]
    assert await is_in_force(database, other.token)
    assert await ended(database, ada) == 2


async def test_only_an_admin_ends_the_sessions_of_somebody_else(database: Database, ada: User, tenant: Tenant) -> None:
    token = (await signed_in(database, ada)).token
    agent = await current(database, (await signed_in(database, await new_person_with_password(database))).token)
    for actor, error in ((agent.actor, Forbidden), (tenant.actor, NotFound)):
        with pytest.raises(error):
            async with database.transaction() as tx:
                await sessions.revoke_sessions_of(tx, actor, PROVIDER_ID, ada.id, now=NOW)
    assert await is_in_force(database, token)
    admin = await new_person_with_password(database, Role.ADMIN)
    for actor in ((await current(database, (await signed_in(database, admin)).token)).actor, OPERATOR):
        token = (await signed_in(database, ada)).token
        async with database.transaction() as tx:
            assert await sessions.revoke_sessions_of(tx, actor, PROVIDER_ID, ada.id, now=NOW) > 0
        assert not await is_in_force(database, token)


async def test_expired_sessions_are_purged(database: Database, ada: User) -> None:
    token = (await signed_in(database, ada)).token
    async with database.transaction() as tx:
        await sessions.purge(tx, before=NOW + timedelta(days=7))
    assert await is_in_force(database, token)
    async with database.transaction() as tx:
        assert await sessions.purge(tx, before=NOW + timedelta(days=7, seconds=1)) >= 1
    assert not await is_in_force(database, token)
