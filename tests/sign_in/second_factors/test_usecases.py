"""Second factors: codes of an app, recovery codes, and roles that need them."""

import asyncio
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from pyotp import TOTP

from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, Forbidden, InvalidInput, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Role, Scope, User
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.sign_in import session_usecases as sessions
from clearline.sign_in.domain import SecondFactorNeeded, SessionActor, SignedIn, StepUpNeeded, TooManyAttempts
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.sign_in.second_factors.domain import CodeRefused, SecondFactorRequired, step_of
from clearline.sign_in.usecases import sign_in
from clearline.web.mail import render
from tests.builders.people import NOW, new_person
from tests.builders.sign_in.sessions import (
    DEVICE,
    ELSEWHERE,
    PASSWORD,
    current,
    is_in_force,
    new_person_with_password,
    signed_in,
)

KEY = "a key that encrypts the secrets of this desk"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
MINUTE = timedelta(minutes=1)


def code(secret: str, at: datetime = NOW) -> str:
    return TOTP(secret).at(at)


async def enrol(database: Database, session: SessionActor) -> tuple[str, list[str], str]:
    """Set up a second factor; return its secret, the recovery codes, and the new token of the session."""
    async with database.transaction() as tx:
        enrolment = await second_factors.begin_enrolment(tx, session, secret_key=KEY, now=NOW)
    enrolled = await second_factors.confirm_enrolment(
        database, session, code(enrolment.secret), secret_key=KEY, now=NOW
    )
    return enrolment.secret, enrolled.recovery_codes, enrolled.signed_in.token


async def new_session(database: Database, role: Role = Role.AGENT) -> tuple[User, SessionActor]:
    user = await new_person_with_password(database, role)
    return user, await current(database, (await signed_in(database, user)).token)


async def challenged(database: Database, user: User, *, now: datetime = NOW) -> str:
    """Sign a person with a second factor in, up to the code; return the token of the sign-in."""
    result = await sign_in(database, user.email, PASSWORD, DEVICE, now=now)
    assert isinstance(result, SecondFactorNeeded)
    return result.token


async def finish(database: Database, token: str, typed: str, *, key: str = KEY, now: datetime) -> SignedIn:
    return await second_factors.sign_in_with_code(database, token, typed, ELSEWHERE, secret_key=key, now=now)


async def require(database: Database, *roles: Role) -> None:
    async with database.transaction() as tx:
        await second_factors.set_required_roles(tx, OPERATOR, roles, now=NOW)


async def test_a_code_confirms_a_second_factor_which_ends_the_other_sessions(database: Database) -> None:
    user, session = await new_session(database)
    other = (await signed_in(database, user)).token
    async with database.transaction() as tx:
        enrolment = await second_factors.begin_enrolment(tx, session, secret_key=KEY, now=NOW)
        assert not await second_factors.is_set_up(tx, session)
    assert enrolment.uri.startswith("otpauth://totp/Clearline:")
    assert f"secret={enrolment.secret}" in enrolment.uri
    assert isinstance(await sign_in(database, user.email, PASSWORD, DEVICE, now=NOW), SignedIn)
    typed = f" {code(enrolment.secret)[:3]} {code(enrolment.secret)[3:]}"
    enrolled = await second_factors.confirm_enrolment(database, session, typed, secret_key=KEY, now=NOW)
    assert len(set(enrolled.recovery_codes)) == 10
    assert not await is_in_force(database, other)
    rotated = await current(database, enrolled.signed_in.token)
    assert (rotated.session.id, rotated.session.second_factor) == (session.session.id, True)
    async with database.statement() as tx:
        assert await second_factors.is_set_up(tx, rotated)
        assert await second_factors.count_recovery_codes(tx, rotated) == 10


async def test_a_wrong_code_confirms_nothing(database: Database) -> None:
    user, session = await new_session(database)
    for typed in ("000000", "", "12345", "1234567", "\uff11\uff12\uff13\uff14\uff15\uff16", "\x00", "a" * 10_000):
        with pytest.raises(CodeRefused, match=r"^the code is wrong or was used already"):
            await second_factors.confirm_enrolment(database, session, typed, secret_key=KEY, now=NOW)
    assert isinstance(await sign_in(database, user.email, PASSWORD, DEVICE, now=NOW), SignedIn)


async def test_a_sign_in_needs_the_code_after_the_password(database: Database) -> None:
    user, session = await new_session(database)
    secret, _codes, _token = await enrol(database, session)
    token = await challenged(database, user)
    assert not await is_in_force(database, token)
    at = NOW + MINUTE
    signed = await finish(database, token, code(secret, at), now=at)
    assert signed.session.second_factor
    assert signed.session.device == ELSEWHERE.text
    assert await is_in_force(database, signed.token, after=MINUTE)
    with pytest.raises(CodeRefused):
        await finish(database, token, code(secret, at + MINUTE), now=at + MINUTE)


async def test_a_code_is_used_once_even_by_two_at_the_same_time(database: Database) -> None:
    user, session = await new_session(database)
    secret, _codes, _token = await enrol(database, session)
    with pytest.raises(CodeRefused):
        await finish(database, await challenged(database, user), code(secret), now=NOW)
    at = NOW + MINUTE
    token = await challenged(database, user, now=at)
    uses = (finish(database, token, code(secret, at), now=at) for _ in range(3))
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    with pytest.raises(CodeRefused):
        await finish(database, await challenged(database, user, now=at), code(secret, at), now=at)


@pytest.mark.parametrize(("seconds", "is_accepted"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_the_clock_of_a_phone_may_differ_by_half_a_minute(seconds: int, is_accepted: bool) -> None:  # noqa: FBT001
    typed = code(SECRET, NOW + timedelta(seconds=seconds))
    assert (step_of(SECRET, typed, after=0, now=NOW) is not None) == is_accepted


async def test_a_recovery_code_works_once_however_it_is_typed(database: Database) -> None:
    user, session = await new_session(database)
    _secret, codes, _token = await enrol(database, session)
    for typed in (codes[0], codes[1].upper(), codes[2].replace("-", " ")):
        signed = await finish(database, await challenged(database, user), typed, now=NOW)
        assert signed.session.second_factor
        with pytest.raises(CodeRefused):
            await finish(database, await challenged(database, user), typed, now=NOW)
    async with database.statement() as tx:
        assert await second_factors.count_recovery_codes(tx, session) == 7


async def test_a_sign_in_waits_ten_minutes_for_its_code(database: Database) -> None:
    user, session = await new_session(database)
    _secret, codes, _token = await enrol(database, session)
    token = await challenged(database, user)
    with pytest.raises(CodeRefused):
        await finish(database, token, codes[0], now=NOW + 10 * MINUTE)
    newer = await challenged(database, user)
    with pytest.raises(CodeRefused):
        await finish(database, token, codes[0], now=NOW)
    await finish(database, newer, codes[0], now=NOW)


async def test_a_changed_or_inactive_user_does_not_finish_its_sign_in(database: Database) -> None:
    user, session = await new_session(database)
    _secret, codes, _token = await enrol(database, session)
    token = await challenged(database, user)
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, user.id, {"role": Role.VIEWER}, now=NOW)
    with pytest.raises(CodeRefused):
        await finish(database, token, codes[0], now=NOW)
    token = await challenged(database, user)
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, user.id, {"is_active": False}, now=NOW)
    with pytest.raises(CodeRefused):
        await finish(database, token, codes[0], now=NOW)


@pytest.mark.parametrize("token", ["", "x" * 43, "\x00" * 43])
async def test_a_text_that_is_no_token_is_refused(database: Database, token: str) -> None:
    with pytest.raises(CodeRefused):
        await finish(database, token, "000000", now=NOW)


async def test_codes_cannot_be_guessed(database: Database) -> None:
    user, session = await new_session(database)
    _secret, codes, _token = await enrol(database, session)
    token = await challenged(database, user)
    results = await asyncio.gather(
        *(finish(database, token, f"{number:06}", now=NOW) for number in range(12)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["CodeRefused"] * 10 + ["TooManyAttempts"] * 2
    elsewhere = replace(DEVICE, address="203.0.113.77")
    with pytest.raises(TooManyAttempts):
        await second_factors.sign_in_with_code(database, token, codes[0], elsewhere, secret_key=KEY, now=NOW)
    later = NOW + 15 * MINUTE
    await finish(database, await challenged(database, user, now=later), codes[0], now=later)


async def test_a_new_password_by_a_link_does_not_replace_the_code(database: Database) -> None:
    user, session = await new_session(database)
    _secret, codes, _token = await enrol(database, session)
    async with database.transaction() as tx:
        link = await links.invite(tx, OPERATOR, user.id, settings=Settings(), render=render, now=NOW)
    result = await links.use_link(database, link.token, "nine copper lanterns hum", DEVICE, now=NOW)
    assert isinstance(result, SecondFactorNeeded)
    await finish(database, result.token, codes[0], now=NOW)


async def test_the_key_that_encrypts_a_secret_is_needed(database: Database) -> None:
    user, session = await new_session(database)
    secret, codes, _token = await enrol(database, session)
    at = NOW + MINUTE
    token = await challenged(database, user, now=at)
    with pytest.raises(CodeRefused):
        await finish(database, token, code(secret, at), key="another key of this desk, as long as it is", now=at)
    await finish(database, token, codes[0], key="another key of this desk, as long as it is", now=at)


async def test_a_code_confirms_who_it_is_and_rotates_the_token(database: Database) -> None:
    _user, session = await new_session(database)
    with pytest.raises(CodeRefused):
        await second_factors.confirm_code(database, session, "000000", secret_key=KEY, now=NOW)
    secret, _codes, token = await enrol(database, session)
    at, after = NOW + 30 * MINUTE, 30 * MINUTE
    session = await current(database, token, after=after)
    async with database.transaction() as tx:
        with pytest.raises(StepUpNeeded):
            await second_factors.renew_recovery_codes(tx, session, now=at)
    confirmed = await second_factors.confirm_code(database, session, code(secret, at), secret_key=KEY, now=at)
    assert not await is_in_force(database, token, after=after)
    session = await current(database, confirmed.token, after=after)
    async with database.transaction() as tx:
        assert len(await second_factors.renew_recovery_codes(tx, session, now=at)) == 10


async def test_renewed_recovery_codes_replace_the_old_ones(database: Database) -> None:
    user, session = await new_session(database)
    _secret, old, token = await enrol(database, session)
    async with database.transaction() as tx:
        new = await second_factors.renew_recovery_codes(tx, await current(database, token), now=NOW)
    waiting = await challenged(database, user)
    with pytest.raises(CodeRefused):
        await finish(database, waiting, old[0], now=NOW)
    await finish(database, waiting, new[0], now=NOW)


async def test_a_second_factor_is_removed_by_its_person_unless_the_role_needs_it(database: Database) -> None:
    user, session = await new_session(database)
    _secret, _codes, token = await enrol(database, session)
    session = await current(database, token)
    await require(database, Role.AGENT)
    async with database.transaction() as tx:
        with pytest.raises(SecondFactorRequired):
            await second_factors.remove(tx, session, now=NOW)
    await require(database)
    async with database.transaction() as tx:
        with pytest.raises(StepUpNeeded):
            await second_factors.remove(tx, session, now=NOW + 16 * MINUTE)
        with pytest.raises(Conflict, match="remove it first"):
            await second_factors.begin_enrolment(tx, session, secret_key=KEY, now=NOW)
        await second_factors.remove(tx, session, now=NOW)
        with pytest.raises(Conflict, match="no second factor"):
            await second_factors.remove(tx, session, now=NOW)
    assert isinstance(await sign_in(database, user.email, PASSWORD, DEVICE, now=NOW), SignedIn)


async def test_an_admin_resets_the_second_factor_of_somebody_who_lost_it(database: Database) -> None:
    user, session = await new_session(database)
    _secret, _codes, token = await enrol(database, session)
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
    few = replace(admin, scopes=frozenset({Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE}))
    for actor, error in ((agent, Forbidden), (few, ScopeMissing)):
        with pytest.raises(error):
            async with database.transaction() as tx:
                await second_factors.reset(tx, actor, user.id, now=NOW)
    async with database.transaction() as tx:
        await second_factors.reset(tx, admin, user.id, now=NOW)
        with pytest.raises(Conflict, match="has no second factor"):
            await second_factors.reset(tx, OPERATOR, user.email, now=NOW)
    assert not await is_in_force(database, token)
    assert isinstance(await sign_in(database, user.email, PASSWORD, DEVICE, now=NOW), SignedIn)


async def test_a_role_that_needs_a_second_factor_can_do_nothing_before_it_has_one(database: Database) -> None:
    user, session = await new_session(database)
    assert (session.lacks_second_factor, session.actor.scopes) == (False, ROLE_SCOPES[Role.AGENT])
    await require(database, Role.AGENT, Role.ADMIN)
    try:
        token = (await signed_in(database, user)).token
        session = await current(database, token)
        assert (session.lacks_second_factor, session.actor.scopes) == (True, frozenset())
        _viewer, of_viewer = await new_session(database, Role.VIEWER)
        assert not of_viewer.lacks_second_factor
        _secret, _codes, token = await enrol(database, session)
        session = await current(database, token)
        assert (session.lacks_second_factor, session.actor.scopes) == (False, ROLE_SCOPES[Role.AGENT])
        async with database.transaction() as tx:
            await sessions.sign_out(tx, session, now=NOW)
    finally:
        await require(database)


async def test_only_an_admin_sets_the_roles_that_need_a_second_factor(database: Database) -> None:
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        async with database.transaction() as tx:
            await second_factors.set_required_roles(tx, agent, [Role.AGENT], now=NOW)
    with pytest.raises(InvalidInput, match="must be some of admin, agent, viewer"):
        async with database.transaction() as tx:
            await second_factors.set_required_roles(tx, admin, [Role.CUSTOMER], now=NOW)
    async with database.transaction() as tx:
        await second_factors.set_required_roles(tx, admin, [Role.VIEWER, Role.ADMIN, Role.ADMIN], now=NOW)
        assert await second_factors.required_roles(tx, agent) == [Role.ADMIN, Role.VIEWER]
        await second_factors.set_required_roles(tx, admin, [], now=NOW)
        events = await tx.fetch("select data->'changes'->0->>'after' from event where type = 'sign_in_policy.changed'")
    assert [row[0] for row in events[-2:]] == ['["admin", "viewer"]', "[]"]


async def test_neither_secrets_nor_codes_are_stored_and_changes_are_in_the_audit(database: Database) -> None:
    user, session = await new_session(database)
    secret, codes, _token = await enrol(database, session)
    token = await challenged(database, user)
    with pytest.raises(CodeRefused):
        await finish(database, token, "000000", now=NOW)
    await finish(database, token, codes[0], now=NOW)
    async with database.statement() as tx:
        for (table,) in await tx.fetch("select tablename from pg_tables where schemaname = current_schema"):
            rows = await tx.fetch(f"select t::text from {table} t")  # noqa: S608
            text = " ".join(row[0] for row in rows)
            assert [shown for shown in (secret, token, *codes) if shown in text] == [], table
        events = await tx.fetch(
            "select type from event where type like 'second_factor.%' and data->>'id' = $1 order by id", str(user.id)
        )
    assert [row[0] for row in events] == ["second_factor.changed", "second_factor.refused"]
