"""Sign in, and find who a session belongs to.

These functions take the database, not a ``tx``, as ``KeyRing`` does: no connection waits while a password is hashed.
"""

from datetime import datetime
from uuid import uuid4

from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import PROVIDER_ID, Actor, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store, session_store
from clearline.sign_in.attempt_usecases import limited_attempt
from clearline.sign_in.domain import (
    CHALLENGE_LIFETIME,
    DEFAULT_SESSION_LIMITS,
    LAST_USE_EVERY,
    Challenge,
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
) -> SignedIn | SecondFactorNeeded:
    """Sign a person of the provider in; return the new session with its token, which is shown only now.

    A person with a second factor gets no session yet: a code has to follow (``sign_in_with_code``).

    Raises:
        SignInRefused: the address is unknown, the password is wrong, the user is not active or has no password. The
            answer takes ``REFUSAL_SECONDS`` at least, and the same work is done for an unknown address.
        PasswordReplaced: the password is right, and the person has to sign in with its identity provider.
        TooManyAttempts: for this address or from this network too many attempts failed.
    """
    where = where.storable()
    async with limited_attempt(database, email, where.address, now=now):
        credential = await _checked(database, email, password, where, now=now)
        return await _begin_session(database, credential, password, where, limits, now=now)


async def _checked(database: Database, email: str, password: str, where: Device, *, now: datetime) -> Credential:
    """Return the user with an address and a password."""
    credential = None
    if not check_email("email", email):
        async with database.statement() as tx:
            credential = await password_store.find(tx, PROVIDER_ID, email)
    stored = None if credential is None else credential.hash
    is_right = await verify_password(stored, password if is_possible(password) else "")
    if credential is None or stored is None or not is_right or not credential.user.is_active:
        if credential is not None:
            await _record_refusal(database, credential.user, where, now=now)
        raise SignInRefused
    return credential


async def _record_refusal(database: Database, user: User, where: Device, *, now: datetime) -> None:
    actor = Actor(user.role, user.name, user=user)
    async with database.statement() as tx:
        await append_record_event(
            tx, actor, "password", "refused", user, origin(where), company_id=user.company_id, now=now
        )


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
