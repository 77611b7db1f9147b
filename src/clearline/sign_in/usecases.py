"""Sign in, and find who a session belongs to.

These functions take the database, not a ``tx``, as ``KeyRing`` does: no connection waits while a password is hashed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Company, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store, session_store
from clearline.sign_in.attempt_usecases import limited_attempt
from clearline.sign_in.domain import (
    CHALLENGE_LIFETIME,
    DEFAULT_SESSION_LIMITS,
    LAST_USE_EVERY,
    Challenge,
    CompanyNeeded,
    Device,
    PasswordReplaced,
    SecondFactorNeeded,
    Session,
    SessionActor,
    SessionLimits,
    SessionSubject,
    SignedIn,
    SignInRefused,
    hash_token,
    is_token,
    new_token,
)
from clearline.sign_in.password_domain import is_possible
from clearline.sign_in.password_hashes import hash_password, needs_rehash, verify_password
from clearline.sign_in.password_store import Credential
from clearline.text import check_email


async def sign_in(
    database: Database,
    email: str,
    password: str,
    where: Device,
    *,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> SignedIn | SecondFactorNeeded | CompanyNeeded:
    """Sign a person in; return the new session with its token, which is shown only now.

    Several companies may have a user with the address: the password decides. When it is that of several users, the
    person has to choose its company (``choose_company``). A person with a second factor gets no session yet: a code
    has to follow (``sign_in_with_code``).

    Raises:
        SignInRefused: the address is unknown, the password is wrong, the user is not active or has no password. The
            answer takes ``REFUSAL_SECONDS`` at least, and the same work is done for an unknown address.
        PasswordReplaced: the password is right, and the person has to sign in with its identity provider.
        TooManyAttempts: for this address or from this network too many attempts failed.
    """
    where = where.storable()
    async with limited_attempt(database, email, where.address, now=now):
        users = await _checked(database, email, password, where, now=now)
        if len(users) > 1:
            return await _ask_company(database, users, now=now)
        return await _begin_session(database, users[0], password, where, limits, now=now)


async def _checked(database: Database, email: str, password: str, where: Device, *, now: datetime) -> list[Credential]:
    """Return the active users with an address and a password, at least one."""
    users: list[Credential] = []
    if not check_email("email", email):
        async with database.statement() as tx:
            users = await password_store.of_address(tx, email)
    possible = password if is_possible(password) else ""
    hashes: list[str | None] = [user.hash for user in users if user.user.is_active] or [None]
    are_right = await asyncio.gather(*(verify_password(stored, possible) for stored in hashes))
    right = {stored for stored, is_right in zip(hashes, are_right, strict=True) if is_right}
    matching = [user for user in users if user.hash in right and user.user.is_active]
    if not matching:
        await _record_refusals(database, [user.user for user in users if user.user.is_confirmed], where, now=now)
        raise SignInRefused
    return matching


async def _record_refusals(database: Database, users: Sequence[User], where: Device, *, now: datetime) -> None:
    """Store that the password of users was wrong.

    A company whose user does not have its address for certain must not learn of the sign-ins of whoever has it.
    """
    for user in users:
        actor = Actor(user.role, user.name, user=user)
        async with database.statement() as tx:
            await append_record_event(
                tx, actor, "password", "refused", user, origin(where), company_id=user.company_id, now=now
            )


async def _ask_company(database: Database, users: Sequence[Credential], *, now: datetime) -> CompanyNeeded:
    """Wait for a choice among users whose password was right."""
    tokens, expires_at = [], now + CHALLENGE_LIFETIME
    async with database.transaction() as tx:
        for user in users:
            token = new_token()
            challenge = Challenge(user.user.company_id, user.user.id, user.epoch)
            await session_store.add_challenge(tx, challenge, hash_token(token), expires_at=expires_at)
            tokens.append(token)
    return CompanyNeeded(tuple(tokens), expires_at)


async def companies_to_choose(tx: Tx, tokens: Sequence[str], *, now: datetime) -> list[Company]:
    """Return the companies among which a person may choose that has these tokens."""
    users = [await _waiting(tx, token, now=now) for token in tokens]
    return [user.company for user in users if user is not None]


async def choose_company(
    tx: Tx,
    tokens: Sequence[str],
    company_id: UUID,
    where: Device,
    *,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> SignedIn | SecondFactorNeeded:
    """Go on with the sign-in of a user of a company, one of those whose password was right.

    Raises:
        SignInRefused: no token is that of a user of the company, or the user was changed in the meantime.
        PasswordReplaced: the person has to sign in with its identity provider.
    """
    for token in tokens:
        user = await _waiting(tx, token, now=now)
        if user is not None and user.company.id == company_id:
            break
    else:
        raise SignInRefused
    locked = await password_store.lock(tx, company_id, user.user.id)
    if locked is None or not locked.user.is_active or locked.epoch != user.epoch:
        raise SignInRefused
    if locked.replaced_by is not None:
        raise PasswordReplaced(locked.replaced_by)
    if not await session_store.delete_challenges(tx, company_id, locked.user.id):
        raise SignInRefused
    return await first_factor_passed(tx, locked, where.storable(), limits, now=now)


async def _waiting(tx: Tx, token: str, *, now: datetime) -> Credential | None:
    """Return the active user whose sign-in waits with a token, or None."""
    challenge = await session_store.challenge_of(tx, hash_token(token), now=now) if is_token(token) else None
    if challenge is None:
        return None
    user = await password_store.get(tx, challenge.company_id, challenge.user_id)
    return user if user is not None and user.user.is_active and user.epoch == challenge.epoch else None


async def _begin_session(
    database: Database, checked: Credential, password: str, where: Device, limits: SessionLimits, *, now: datetime
) -> SignedIn | SecondFactorNeeded:
    stored = checked.hash or ""
    rehashed = await hash_password(password) if needs_rehash(stored) else None
    async with database.transaction() as tx:
        user = checked.user
        locked = await password_store.lock(tx, user.company_id, user.id)
        if locked is None or locked.hash != stored or not locked.user.is_active:
            raise SignInRefused
        if locked.replaced_by is not None:
            raise PasswordReplaced(locked.replaced_by)
        if rehashed is not None:
            await password_store.save_rehashed(tx, user.company_id, user.id, rehashed)
        return await first_factor_passed(tx, locked, where, limits, now=now)


async def first_factor_passed(
    tx: Tx,
    locked: Credential,
    where: Device,
    limits: SessionLimits,
    *,
    authenticated_at: datetime | None = None,
    by: str | None = None,
    now: datetime,
) -> SignedIn | SecondFactorNeeded:
    """Begin a session of a locked user, or wait for its code if it has a second factor."""
    user = locked.user
    if not locked.has_second_factor:
        return await new_session(
            tx, locked, where, limits, second_factor=False, authenticated_at=authenticated_at, by=by, now=now
        )
    token, expires_at = new_token(), now + CHALLENGE_LIFETIME
    challenge = Challenge(user.company_id, user.id, locked.epoch)
    await session_store.add_challenge(tx, challenge, hash_token(token), expires_at=expires_at)
    return SecondFactorNeeded(token, expires_at)


async def new_session(
    tx: Tx,
    locked: Credential,
    where: Device,
    limits: SessionLimits,
    *,
    second_factor: bool,
    authenticated_at: datetime | None = None,
    by: str | None = None,
    now: datetime,
) -> SignedIn:
    """Begin a session of a locked user, who has proved who it is: just now, or at ``authenticated_at``.

    ``by`` is the name of the identity provider that says so.
    """
    user, token = locked.user, new_token()
    session = Session(
        company_id=user.company_id,
        id=uuid4(),
        user_id=user.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + limits.absolute,
        authenticated_at=authenticated_at or now,
        second_factor=second_factor,
        device=where.text,
        address=where.address,
    )
    await session_store.insert(tx, session, hash_token(token), locked.epoch)
    actor = Actor(user.role, user.name, locked.company, user)
    changes = [Change("user_id", None, str(user.id)), *origin(where), Change("second_factor", None, second_factor)]
    if by is not None:
        changes.append(Change("identity_provider", None, by))
    subject = SessionSubject(session.id, user.name)
    await append_record_event(tx, actor, "session", "created", subject, changes, company_id=user.company_id, now=now)
    return SignedIn(token, session)


def origin(where: Device) -> list[Change]:
    """Return what an event shows of the device that caused it."""
    return [Change("device", None, where.text), Change("address", None, where.address)]


async def session_actor(
    database: Database,
    token: str,
    *,
    address: str,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    is_use: bool = True,
    now: datetime,
) -> SessionActor | None:
    """Return the session of a token with its actor, who has every scope of its role; None when it has ended.

    A session ends when it is not used for the idle limit, when it expires, when the user signs out or is signed out,
    and when the user gets another role or is deactivated. One indexed statement; once a minute also a write of the last
    use, with the network address, unless this is no use (``is_use``): what a page asks for by itself.
    """
    if not is_token(token):
        return None
    async with database.statement() as tx:
        current = await session_store.actor_of(tx, hash_token(token), idle_since=now - limits.idle, now=now)
    if is_use and current is not None and current.session.last_used_at <= (before := now - LAST_USE_EVERY):
        async with database.statement() as tx:
            await session_store.save_last_use(
                tx, current.session, before=before, address=Device("", address).storable().address, now=now
            )
    return current
