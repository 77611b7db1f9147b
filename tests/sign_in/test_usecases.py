"""Signing in, and the actor of a session."""

import asyncio
import json
import time
from datetime import timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from clearline.accounts import key_store
from clearline.accounts import usecases as accounts
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store, session_store
from clearline.sign_in.attempt_usecases import REFUSAL_SECONDS
from clearline.sign_in.domain import (
    Device,
    SecondFactorNeeded,
    Session,
    SessionLimits,
    SignedIn,
    SignInRefused,
    hash_token,
    new_token,
)
from clearline.sign_in.password_hashes import hash_password
from clearline.sign_in.second_factors import store as second_factor_store
from clearline.sign_in.usecases import session_actor, sign_in
from tests.builders.databases import RecordingConnection, plan_of
from tests.builders.people import NOW, Tenant
from tests.builders.sign_in.sessions import (
    DEVICE,
    ELSEWHERE,
    PASSWORD,
    current,
    is_in_force,
    new_person_with_password,
    signed_in,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def ada(database: Database) -> User:
    return await new_person_with_password(database)


async def events_of(database: Database, subject: UUID) -> list[tuple[str, str, dict[str, object]]]:
    """Return the events about a record: their types, actors and new values."""
    async with database.statement() as tx:
        rows = await tx.fetch(
            "select type, actor_name, data->'changes' from event where data->>'id' = $1 order by id", str(subject)
        )
    return [(row[0], row[1], {change["field"]: change["after"] for change in json.loads(row[2])}) for row in rows]


async def change_user(database: Database, user: User, **values: object) -> None:
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, user.id, values, now=NOW)


async def test_the_right_password_begins_a_session_with_its_device(database: Database, ada: User) -> None:
    result = await signed_in(database, ada)
    assert result.session == Session(
        PROVIDER_ID, result.session.id, ada.id, NOW, NOW, NOW + timedelta(days=7), NOW, False,
        DEVICE.text, DEVICE.address,
    )  # fmt: skip
    assert (await current(database, result.token)).session == result.session


async def test_the_address_is_found_in_any_case(database: Database, ada: User) -> None:
    assert (await signed_in(database, replace(ada, email=ada.email.upper()))).session.user_id == ada.id


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.ADMIN])
async def test_a_session_has_the_actor_of_a_key_with_every_scope(database: Database, role: Role) -> None:
    user = await new_person_with_password(database, role)
    async with database.statement() as tx:
        of_key = await key_store.actor_for(tx, PROVIDER_ID, user.id, ALL_SCOPES)
    assert (await current(database, (await signed_in(database, user)).token)).actor == of_key


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@example.net", PASSWORD),
        ("", PASSWORD),
        ("ada\x00@example.net", PASSWORD),
        ("ada\ud800@example.net", PASSWORD),
        ("a" * 10_000 + "@example.net", PASSWORD),
        (None, "eight violet anchors drift"),
        (None, ""),
        (None, PASSWORD.upper()),
        (None, PASSWORD + " "),
        (None, "\x00"),
        (None, "\ud800"),
        (None, "a" * 1025),
        (None, "a" * 1_000_000),
    ],
)
async def test_wrong_addresses_and_passwords_are_refused_in_the_same_words(
    database: Database, ada: User, email: str | None, password: str
) -> None:
    with pytest.raises(SignInRefused, match=r"^the e-mail address or the password is wrong$"):
        await sign_in(database, ada.email if email is None else email, password, DEVICE, now=NOW)


async def test_an_inactive_user_a_customer_and_one_without_a_password_are_refused(
    database: Database, ada: User, tenant: Tenant
) -> None:
    await change_user(database, ada, is_active=False)
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, PASSWORD, DEVICE, now=NOW)
    with pytest.raises(SignInRefused):
        await sign_in(database, tenant.user.email, PASSWORD, DEVICE, now=NOW)
    without = await new_person_with_password(database)
    async with database.transaction() as tx:
        await tx.write("delete from user_password where user_id = $1", without.id)
    for password in (PASSWORD, "", "the password of nobody"):
        with pytest.raises(SignInRefused):
            await sign_in(database, without.email, password, DEVICE, now=NOW)


async def test_every_refusal_takes_at_least_the_same_time(database: Database, ada: User) -> None:
    for email, password in ((ada.email, "wrong"), ("nobody@example.net", "wrong"), ("", ""), (ada.email, "a" * 9999)):
        began = time.monotonic()
        with pytest.raises(SignInRefused):
            await sign_in(database, email, password, DEVICE, now=NOW)
        assert time.monotonic() - began >= REFUSAL_SECONDS - 0.01


async def test_sign_ins_and_wrong_passwords_are_in_the_audit(database: Database, ada: User) -> None:
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, "wrong", ELSEWHERE, now=NOW)
    result = await signed_in(database, ada)
    origin = {"device": DEVICE.text, "address": DEVICE.address}
    assert await events_of(database, result.session.id) == [
        ("session.created", ada.name, {"user_id": str(ada.id), **origin, "second_factor": False})
    ]
    assert await events_of(database, ada.id) == [
        ("user.created", "operator", {
            "name": ada.name, "email": ada.email, "phone": "", "role": "agent", "is_active": True, "is_available": True,
        }),
        ("password.changed", "operator", {}),
        ("password.refused", ada.name, {"device": ELSEWHERE.text, "address": ELSEWHERE.address}),
    ]  # fmt: skip


async def test_neither_tokens_nor_passwords_are_stored(database: Database, ada: User) -> None:
    token = (await signed_in(database, ada)).token
    with pytest.raises(SignInRefused):
        await sign_in(database, ada.email, f"{PASSWORD}!", DEVICE, now=NOW)
    async with database.statement() as tx:
        tables = await tx.fetch("select tablename from pg_tables where schemaname = current_schema")
        for (table,) in tables:
            rows = await tx.fetch(f"select t::text from {table} t")  # noqa: S608
            text = " ".join(row[0] for row in rows)
            assert token not in text, table
            assert PASSWORD not in text, table


async def test_a_hash_of_other_parameters_is_made_again(database: Database, ada: User) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with database.transaction() as tx:
        await password_store.save(tx, PROVIDER_ID, ada.id, weak, now=NOW)
    await signed_in(database, ada)
    async with database.statement() as tx:
        credential = await password_store.get(tx, PROVIDER_ID, ada.id)
    assert credential is not None
    assert credential.hash is not None
    assert credential.hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await signed_in(database, ada)


@pytest.mark.parametrize("change", ["password", "second factor"])
async def test_a_sign_in_that_waits_for_a_change_of_its_user_respects_it(
    database: Database, ada: User, change: str
) -> None:
    before = (await signed_in(database, ada)).session
    async with database.transaction() as tx:
        locked = await password_store.lock(tx, PROVIDER_ID, ada.id)
        assert locked is not None
        waiting = asyncio.create_task(sign_in(database, ada.email, PASSWORD, DEVICE, now=NOW))
        while not await tx.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if change == "password":
            await password_store.save(tx, PROVIDER_ID, ada.id, await hash_password("another"), now=NOW)
        else:
            await second_factor_store.save(tx, PROVIDER_ID, ada.id, b"sealed", now=NOW)
            await second_factor_store.save_step(tx, PROVIDER_ID, ada.id, 1, now=NOW)
    [result] = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(result, SignInRefused if change == "password" else SecondFactorNeeded)
    async with database.statement() as tx:
        assert await session_store.of_user(tx, PROVIDER_ID, ada.id, idle_since=NOW - HOUR, now=NOW) == [before]


async def test_a_session_ends_when_it_is_not_used_for_half_a_day(database: Database, ada: User) -> None:
    token = (await signed_in(database, ada)).token
    assert await is_in_force(database, token, after=12 * HOUR - MINUTE)
    assert await is_in_force(database, token, after=23 * HOUR)
    assert not await is_in_force(database, token, after=35 * HOUR)


async def test_a_session_ends_after_a_week_although_it_is_used(database: Database, ada: User) -> None:
    token = (await signed_in(database, ada)).token
    for hours in range(0, 168, 11):
        assert await is_in_force(database, token, after=hours * HOUR)
    assert await is_in_force(database, token, after=168 * HOUR - MINUTE)
    assert not await is_in_force(database, token, after=168 * HOUR)


async def test_the_limits_of_a_session_are_settings(database: Database, ada: User) -> None:
    limits = SessionLimits(HOUR, 2 * HOUR)
    result = await sign_in(database, ada.email, PASSWORD, DEVICE, limits=limits, now=NOW)
    assert isinstance(result, SignedIn)
    for after, is_there in ((HOUR - MINUTE, True), (2 * HOUR - MINUTE, False)):
        found = await session_actor(database, result.token, address="", limits=limits, now=NOW + after)
        assert (found is not None) == is_there
    assert result.session.expires_at == NOW + 2 * HOUR


async def test_the_last_use_is_stored_once_a_minute_with_its_address(database: Database, ada: User) -> None:
    token = (await signed_in(database, ada)).token
    uses = []
    for seconds in (0, 59, 60, 61, 119, 120):
        await session_actor(database, token, address=f"192.0.2.{seconds}", now=NOW + timedelta(seconds=seconds))
        session = (await current(database, token)).session
        uses.append(((session.last_used_at - NOW).seconds, session.address))
    first, second, third = (0, "192.0.2.7"), (60, "192.0.2.60"), (120, "192.0.2.120")
    assert uses == [first, first, second, second, second, third]


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": Role.VIEWER}, {"role": Role.ADMIN}])
async def test_another_role_or_state_ends_the_sessions_for_good(
    database: Database, ada: User, values: dict[str, object]
) -> None:
    token = (await signed_in(database, ada)).token
    await change_user(database, ada, name="Ada Lund", phone="+1-555-0100")
    assert await is_in_force(database, token)
    await change_user(database, ada, **values)
    assert not await is_in_force(database, token)
    await change_user(database, ada, is_active=True, role=Role.AGENT)
    assert not await is_in_force(database, token)
    assert await is_in_force(database, (await signed_in(database, ada)).token)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\ud800" * 43, "é" * 43, "x" * 1_000_000, "\x00" * 43])
async def test_a_text_that_is_no_token_has_no_session(database: Database, token: str) -> None:
    assert not await is_in_force(database, token)


async def test_a_device_can_have_any_text(database: Database, ada: User) -> None:
    where = Device("Ünï\x00\ud800" * 100, "fe80::1%" + "x" * 100)
    session = (await signed_in(database, ada, where=where)).session
    assert len(session.device) == 255
    assert len(session.address) == 64


async def test_every_sign_in_has_a_token_of_its_own(database: Database, ada: User) -> None:
    tokens = {(await signed_in(database, ada)).token for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert await is_in_force(database, token)


async def test_a_session_is_found_by_its_token_alone(database: Database) -> None:
    recording = RecordingConnection()
    await session_store.actor_of(Tx(recording), hash_token(new_token()), idle_since=NOW, now=NOW)
    async with database.statement() as tx:
        used, scanned = await plan_of(tx, recording.statement, *recording.values)
    assert "sign_in_session_by_token" in used
    assert scanned <= {"company"}
