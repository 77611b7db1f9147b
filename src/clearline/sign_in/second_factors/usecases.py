"""Second factors: set one up, sign in with it, lose it, and require it of a role."""

import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, RuleCode, Violation, require_found, require_valid
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import PROVIDER_ID, STAFF_ROLES, Actor, Role, Scope, User
from clearline.mail.inbound.secret_box import SecretBox, UndecryptableSecret
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store, session_store, session_usecases
from clearline.sign_in.attempt_usecases import limited_attempt
from clearline.sign_in.domain import (
    DEFAULT_SESSION_LIMITS,
    Challenge,
    Device,
    SessionActor,
    SessionLimits,
    SessionSubject,
    SignedIn,
    hash_token,
    is_token,
    require_recent,
)
from clearline.sign_in.second_factors import store as second_factor_store
from clearline.sign_in.second_factors.domain import (
    CODES_MAX,
    CodeRefused,
    Enrolled,
    Enrolment,
    SecondFactorRequired,
    enrolment,
    hash_recovery_code,
    new_recovery_codes,
    new_secret,
    step_of,
)
from clearline.sign_in.usecases import new_session, origin

_KIND = "second_factor"
_POLICY = SessionSubject(PROVIDER_ID, "second factors")


async def _box(tx: Tx, secret_key: str | None) -> SecretBox:
    """Return what encrypts the secrets: with the key of the settings, or else a shared one of the database."""
    if secret_key is not None:
        return SecretBox(secret_key.encode())
    return SecretBox(await shared_secret(tx, "second factors", secrets.token_bytes(32)))


async def begin_enrolment(tx: Tx, current: SessionActor, *, secret_key: str | None, now: datetime) -> Enrolment:
    """Give the person who is signed in a secret for its authenticator app, which a code has to confirm.

    Raises:
        StepUpNeeded: the person has not proved lately who it is.
        Conflict: it has a second factor already.
    """
    require_recent(current.session, now=now)
    user, _company = accounts.user_and_company(current.actor)
    await password_store.lock(tx, user.company_id, user.id)
    existing = await second_factor_store.get(tx, user.company_id, user.id)
    if existing is not None and existing.is_confirmed:
        raise Conflict("you have a second factor: remove it first")
    secret = new_secret()
    box = await _box(tx, secret_key)
    await second_factor_store.save(tx, user.company_id, user.id, box.encrypt(secret), now=now)
    return enrolment(secret, user.email)


async def confirm_enrolment(
    database: Database, current: SessionActor, code: str, *, secret_key: str | None, now: datetime
) -> Enrolled:
    """Confirm a new second factor with a code; return recovery codes, and the session with another token.

    All other sessions of the person end.

    Raises:
        CodeRefused: the code is wrong, or there is no second factor to confirm.
        Conflict: it is confirmed already.
    """
    user, _company = accounts.user_and_company(current.actor)
    async with (
        limited_attempt(database, _account(user), current.session.address, most=CODES_MAX, now=now),
        database.transaction() as tx,
    ):
        await password_store.lock(tx, user.company_id, user.id)
        existing = await second_factor_store.get(tx, user.company_id, user.id)
        if existing is not None and existing.is_confirmed:
            raise Conflict("you have a second factor already")
        if not await _use_code(tx, user, code, secret_key=secret_key, now=now):
            raise CodeRefused
        codes = await _new_codes(tx, user)
        await _record(tx, current.actor, user, Change("is_set_up", False, True), now=now)
        await session_usecases.end_sessions(tx, current.actor, user, but=current.session.id, now=now)
        return Enrolled(codes, await session_usecases.rotate(tx, current, second_factor=True, now=now))


async def sign_in_with_code(
    database: Database,
    token: str,
    code: str,
    where: Device,
    *,
    secret_key: str | None,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> SignedIn:
    """Finish a sign-in that waits for a code, of the app or a recovery code; return the new session.

    Raises:
        CodeRefused: the code is wrong, or the sign-in took too long, or the user was changed in the meantime.
        TooManyAttempts: too many codes of the person were wrong.
    """
    where = where.storable()
    challenge = None
    if is_token(token):
        async with database.statement() as tx:
            challenge = await session_store.challenge_of(tx, hash_token(token), now=now)
    if challenge is None:
        raise CodeRefused
    account = f"code of {challenge.user_id}"
    async with limited_attempt(database, account, where.address, most=CODES_MAX, now=now):
        signed_in = await _finish(database, challenge, code, where, limits, secret_key=secret_key, now=now)
        if signed_in is None:
            raise CodeRefused
    return signed_in


async def _finish(
    database: Database,
    challenge: Challenge,
    code: str,
    where: Device,
    limits: SessionLimits,
    *,
    secret_key: str | None,
    now: datetime,
) -> SignedIn | None:
    async with database.transaction() as tx:
        locked = await password_store.lock(tx, challenge.company_id, challenge.user_id)
        if locked is None or not locked.user.is_active or locked.epoch != challenge.epoch:
            return None
        if not await _use_code(tx, locked.user, code, secret_key=secret_key, now=now):
            actor = Actor(locked.user.role, locked.user.name, locked.company, locked.user)
            await append_record_event(tx, actor, _KIND, "refused", locked.user, origin(where), now=now)
            return None
        if not await session_store.delete_challenges(tx, challenge.company_id, challenge.user_id):
            return None
        return await new_session(tx, locked, where, limits, second_factor=True, now=now)


async def confirm_code(
    database: Database, current: SessionActor, code: str, *, secret_key: str | None, now: datetime
) -> SignedIn:
    """Note that the person who is signed in has proved again who it is; return the session with another token.

    Raises:
        CodeRefused: the code is wrong.
        TooManyAttempts: too many codes of the person were wrong.
    """
    user, _company = accounts.user_and_company(current.actor)
    async with (
        limited_attempt(database, _account(user), current.session.address, most=CODES_MAX, now=now),
        database.transaction() as tx,
    ):
        await password_store.lock(tx, user.company_id, user.id)
        if not current.session.second_factor or not await _use_code(tx, user, code, secret_key=secret_key, now=now):
            raise CodeRefused
        return await session_usecases.rotate(tx, current, second_factor=True, now=now)


async def renew_recovery_codes(tx: Tx, current: SessionActor, *, now: datetime) -> list[str]:
    """Return new recovery codes, which are shown only now; the old ones end.

    Raises:
        StepUpNeeded: the person has not proved lately who it is.
        Conflict: it has no second factor.
    """
    user = await _with_factor(tx, current, now=now)
    codes = await _new_codes(tx, user)
    await _record(tx, current.actor, user, Change("recovery_codes", None, len(codes)), now=now)
    return codes


async def remove(tx: Tx, current: SessionActor, *, now: datetime) -> None:
    """Remove the second factor of the person who is signed in, with its recovery codes.

    Raises:
        StepUpNeeded: the person has not proved lately who it is.
        Conflict: it has no second factor.
        SecondFactorRequired: its role needs one.
    """
    user = await _with_factor(tx, current, now=now)
    if user.role in await second_factor_store.required_roles(tx):
        raise SecondFactorRequired
    await second_factor_store.delete(tx, user.company_id, user.id)
    await _record(tx, current.actor, user, Change("is_set_up", True, False), now=now)


async def reset(
    tx: Tx, actor: Actor, user_ref: UUID | str, *, company_ref: UUID | str = PROVIDER_ID, now: datetime
) -> User:
    """Remove the second factor of a person of the provider, or of a customer, who lost it, and end its sessions.

    Raises:
        Conflict: the person has none.
        ScopeMissing: the actor may not do all that the person may.
    """
    user = await accounts.lock_user(tx, actor, company_ref, user_ref)
    permissions.require_rights_of_role(actor, user.role)
    if not await second_factor_store.delete(tx, user.company_id, user.id):
        raise Conflict(f"user {user.email} has no second factor")
    await session_store.delete_challenges(tx, user.company_id, user.id)
    await session_usecases.end_sessions(tx, actor, user, now=now)
    await _record(tx, actor, user, Change("is_set_up", True, False), now=now)
    return user


async def is_set_up(tx: Tx, current: SessionActor) -> bool:
    """Return whether the person who is signed in has a second factor."""
    existing = await second_factor_store.get(tx, current.session.company_id, current.session.user_id)
    return existing is not None and existing.is_confirmed


async def has_second_factor(tx: Tx, actor: Actor, user_id: UUID, *, company_id: UUID = PROVIDER_ID) -> bool:
    """Return whether a person of the provider, or of a customer, has a second factor."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_READ)
    existing = await second_factor_store.get(tx, company_id, user_id)
    return existing is not None and existing.is_confirmed


async def count_recovery_codes(tx: Tx, current: SessionActor) -> int:
    """Return how many recovery codes the person who is signed in has left."""
    return await second_factor_store.count_codes(tx, current.session.company_id, current.session.user_id)


async def required_roles(tx: Tx, actor: Actor) -> list[Role]:
    """Return the roles whose people need a second factor."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await second_factor_store.required_roles(tx)


async def set_required_roles(tx: Tx, actor: Actor, roles: Collection[Role], *, now: datetime) -> list[Role]:
    """Set the roles whose people need a second factor; return them.

    Until they set one up, their sessions may do nothing else.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    if set(roles) - set(STAFF_ROLES):
        require_valid([Violation("roles", "must be some of " + ", ".join(STAFF_ROLES), RuleCode.CHOICE)])
    before, after = await second_factor_store.required_roles(tx), sorted(set(roles))
    if before != after:
        await second_factor_store.set_required_roles(tx, after)
        change = Change("second_factor_roles", before, after)
        await append_record_event(tx, actor, "sign_in_policy", "changed", _POLICY, [change], now=now)
    return after


async def _with_factor(tx: Tx, current: SessionActor, *, now: datetime) -> User:
    require_recent(current.session, now=now)
    user, _company = accounts.user_and_company(current.actor)
    locked = require_found(await password_store.lock(tx, user.company_id, user.id), "user", user.id)
    if not await is_set_up(tx, current):
        raise Conflict("you have no second factor")
    return locked.user


async def _use_code(tx: Tx, user: User, code: str, *, secret_key: str | None, now: datetime) -> bool:
    """Use a code of a locked user up; return whether it is one."""
    factor = await second_factor_store.get(tx, user.company_id, user.id)
    if factor is None:
        return False
    if factor.is_confirmed and await second_factor_store.use_code(
        tx, user.company_id, user.id, hash_recovery_code(code)
    ):
        return True
    try:
        secret = (await _box(tx, secret_key)).decrypt(factor.secret)
    except UndecryptableSecret:
        return False
    step = step_of(secret, code, after=factor.last_step, now=now)
    return step is not None and await second_factor_store.save_step(tx, user.company_id, user.id, step, now=now)


async def _new_codes(tx: Tx, user: User) -> list[str]:
    codes = new_recovery_codes()
    hashes = [hash_recovery_code(code) for code in codes]
    await second_factor_store.replace_codes(tx, user.company_id, user.id, hashes)
    return codes


def _account(user: User) -> str:
    return f"code of {user.id}"


async def _record(tx: Tx, actor: Actor, user: User, change: Change, *, now: datetime) -> None:
    await append_record_event(tx, actor, _KIND, "changed", user, [change], company_id=user.company_id, now=now)
