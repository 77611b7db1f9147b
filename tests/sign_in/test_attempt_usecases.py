"""Limits of attempts to guess a password."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.identity import User
from clearline.platform.database.transactions import Database
from clearline.sign_in import attempt_usecases as attempts
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.attempt_domain import ACCOUNT_FROM_NETWORK_MAX, ACCOUNT_MAX, NETWORK_MAX, network_of
from clearline.sign_in.attempt_usecases import REFUSAL_SECONDS, limited_attempt
from clearline.sign_in.domain import Device, SignInRefused, StepUpNeeded, TooManyAttempts, require_recent
from clearline.sign_in.usecases import sign_in
from tests.builders.people import NOW
from tests.builders.sign_in.sessions import (
    DEVICE,
    ELSEWHERE,
    PASSWORD,
    current,
    is_in_force,
    new_person_with_password,
    signed_in,
)

LATER = timedelta(minutes=15)


@pytest.fixture
async def ada(database: Database) -> User:
    return await new_person_with_password(database)


@pytest.fixture(autouse=True)
async def clean(database: Database) -> AsyncIterator[None]:
    yield
    async with database.transaction() as tx:
        await tx.write("delete from sign_in_attempt")


async def refuse(database: Database, account: str, address: str, *, times: int = 1) -> None:
    """Let attempts fail, all at the same time."""

    async def fail() -> None:
        async with limited_attempt(database, account, address, now=NOW):
            raise SignInRefused

    results = await asyncio.gather(*(fail() for _ in range(times)), return_exceptions=True)
    assert {type(result) for result in results} <= {SignInRefused, TooManyAttempts}


async def is_allowed(
    database: Database, account: str, address: str = "192.0.2.7", *, after: timedelta = timedelta(0)
) -> bool:
    try:
        async with limited_attempt(database, account, address, now=NOW + after):
            return True
    except TooManyAttempts:
        return False


async def test_after_ten_wrong_passwords_even_the_right_one_is_refused_for_a_while(
    database: Database, ada: User
) -> None:
    results = await asyncio.gather(
        *(sign_in(database, ada.email, "wrong", DEVICE, now=NOW) for _ in range(12)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["SignInRefused"] * 10 + ["TooManyAttempts"] * 2
    with pytest.raises(TooManyAttempts, match=r"^too many attempts failed: try again in 15 minutes$") as refused:
        await sign_in(database, ada.email.upper(), PASSWORD, DEVICE, now=NOW)
    assert refused.value.retry_after == LATER.total_seconds()
    assert await is_in_force(database, (await signed_in(database, ada, where=ELSEWHERE)).token)
    await signed_in(database, ada, now=NOW + LATER)


async def test_an_unknown_address_is_limited_as_a_known_one_is(database: Database) -> None:
    nobody = f"{uuid4().hex}@example.net"
    results = await asyncio.gather(
        *(sign_in(database, nobody, "wrong", DEVICE, now=NOW) for _ in range(12)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["SignInRefused"] * 10 + ["TooManyAttempts"] * 2


async def test_the_refusal_of_one_too_many_takes_as_long_as_any_other(database: Database) -> None:
    await refuse(database, "busy", "192.0.2.7", times=ACCOUNT_FROM_NETWORK_MAX)
    began = time.monotonic()
    assert not await is_allowed(database, "busy")
    assert time.monotonic() - began >= REFUSAL_SECONDS - 0.01


async def test_attempts_that_succeed_do_not_count(database: Database, ada: User) -> None:
    for _ in range(ACCOUNT_FROM_NETWORK_MAX + 2):
        await signed_in(database, ada)
    await refuse(database, ada.email, DEVICE.address, times=ACCOUNT_FROM_NETWORK_MAX - 1)
    for _ in range(3):
        assert await is_allowed(database, ada.email, DEVICE.address)
    await refuse(database, ada.email, DEVICE.address)
    assert not await is_allowed(database, ada.email, DEVICE.address)


async def test_a_network_has_a_limit_over_all_accounts(database: Database) -> None:
    for account in range(NETWORK_MAX // 5):
        await refuse(database, f"user {account}", "2001:db8:1:2::5", times=5)
    assert not await is_allowed(database, "another", "2001:db8:1:2:ffff::1")
    assert await is_allowed(database, "another", "2001:db8:1:3::1")
    assert await is_allowed(database, "another", "2001:db8:1:2:ffff::1", after=LATER)


async def test_an_account_has_a_limit_over_all_networks(database: Database) -> None:
    for network in range(ACCOUNT_MAX // 5):
        await refuse(database, "victim", f"198.51.100.{network}", times=5)
    assert not await is_allowed(database, "victim", "203.0.113.1")
    assert await is_allowed(database, "somebody else", "203.0.113.1")


async def test_the_limit_holds_over_several_processes(database: Database, database_url: str) -> None:
    other = await Database.open(database_url, size=2)
    try:
        await refuse(database, "shared", "192.0.2.7", times=ACCOUNT_FROM_NETWORK_MAX)
        assert not await is_allowed(other, "shared")
    finally:
        await other.close()


async def test_counters_are_purged_when_their_time_is_over(database: Database) -> None:
    await refuse(database, "gone", "192.0.2.7")
    async with database.transaction() as tx:
        assert await attempts.purge(tx, before=NOW + LATER) == 0
    async with database.transaction() as tx:
        assert await attempts.purge(tx, before=NOW + LATER + timedelta(seconds=1)) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:\ud800", "unix:\ud800"),
    ],
)
async def test_addresses_of_one_network_count_together(database: Database, address: str, network: str) -> None:
    assert network_of(address) == network
    assert await is_allowed(database, "any", address)


async def test_passwords_of_a_stolen_session_cannot_be_guessed(database: Database, ada: User) -> None:
    actor = await current(database, (await signed_in(database, ada)).token)
    guesses = [passwords.confirm_password(database, actor, "wrong", now=NOW) for _ in range(6)]
    changes = [passwords.change_password(database, actor, "wrong", "nine copper lanterns hum", now=NOW)]
    results = await asyncio.gather(*guesses, *changes, return_exceptions=True)
    assert {type(result) for result in results} == {SignInRefused}
    await refuse(database, ada.email, DEVICE.address, times=3)
    with pytest.raises(TooManyAttempts):
        await passwords.confirm_password(database, actor, PASSWORD, now=NOW)
    with pytest.raises(TooManyAttempts):
        await passwords.change_password(database, actor, PASSWORD, "nine copper lanterns hum", now=NOW)


async def test_a_confirmed_password_rotates_the_token_and_counts_for_some_minutes(
    database: Database, ada: User
) -> None:
    old = (await signed_in(database, ada)).token
    at = NOW + timedelta(minutes=30)
    before = await current(database, old, after=timedelta(minutes=30))
    with pytest.raises(StepUpNeeded):
        require_recent(before.session, now=at)
    confirmed = await passwords.confirm_password(database, before, PASSWORD, now=at)
    assert not await is_in_force(database, old, after=timedelta(minutes=30))
    after = await current(database, confirmed.token, after=timedelta(minutes=45))
    assert (after.session.id, after.session.authenticated_at) == (before.session.id, at)
    require_recent(after.session, now=at + timedelta(minutes=15))
    with pytest.raises(StepUpNeeded):
        require_recent(after.session, now=at + timedelta(minutes=15, seconds=1))
    with pytest.raises(StepUpNeeded):
        require_recent(after.session, 5, now=at + timedelta(minutes=6))


async def test_a_session_that_has_ended_cannot_be_confirmed(database: Database, ada: User) -> None:
    actor = await current(database, (await signed_in(database, ada)).token)
    async with database.transaction() as tx:
        await tx.write("delete from sign_in_session where id = $1", actor.session.id)
    with pytest.raises(SignInRefused):
        await passwords.confirm_password(database, actor, PASSWORD, now=NOW)


@pytest.mark.parametrize("device", [Device("", "\x00"), Device("\x00", "192.0.2.7")])
async def test_any_device_can_be_refused(database: Database, ada: User, device: Device) -> None:
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, "wrong", device, now=NOW)
