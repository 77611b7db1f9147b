"""The sessions of the person who is signed in: list and end them."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.errors import require_found
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, User
from clearline.platform.database.transactions import Tx
from clearline.sign_in import session_store
from clearline.sign_in.domain import (
    DEFAULT_SESSION_LIMITS,
    Session,
    SessionActor,
    SessionLimits,
    SessionSubject,
    SignedIn,
    SignInRefused,
    hash_token,
    new_token,
)

_PURGED_AT_ONCE = 1000


async def list_sessions(
    tx: Tx, current: SessionActor, *, limits: SessionLimits = DEFAULT_SESSION_LIMITS, now: datetime
) -> list[Session]:
    """Return the sessions in force of the person who is signed in, newest first."""
    session = current.session
    return await session_store.of_user(tx, session.company_id, session.user_id, idle_since=now - limits.idle, now=now)


async def rotate(tx: Tx, current: SessionActor, *, second_factor: bool, now: datetime) -> SignedIn:
    """Give a session another token, and note that its person has just proved who it is.

    Raises:
        SignInRefused: the session has ended.
    """
    session = replace(current.session, authenticated_at=now, second_factor=second_factor)
    token = new_token()
    if not await session_store.save_rotated(tx, session, hash_token(token)):
        raise SignInRefused
    return SignedIn(token, session)


async def sign_out(tx: Tx, current: SessionActor, *, now: datetime) -> None:
    """End the session of the request. Nothing happens when it has ended already."""
    session = current.session
    if await session_store.delete(tx, session.company_id, session.user_id, session.id):
        await _record_end(tx, current.actor, accounts.user_and_company(current.actor)[0], [session.id], now=now)


async def revoke_session(tx: Tx, current: SessionActor, session_id: UUID, *, now: datetime) -> None:
    """End a session of the person who is signed in, in every process at once."""
    session = current.session
    is_deleted = await session_store.delete(tx, session.company_id, session.user_id, session_id)
    require_found(is_deleted or None, "session", session_id)
    await _record_end(tx, current.actor, accounts.user_and_company(current.actor)[0], [session_id], now=now)


async def revoke_other_sessions(tx: Tx, current: SessionActor, *, now: datetime) -> int:
    """End every session of the person who is signed in except that of the request; return how many."""
    user, _company = accounts.user_and_company(current.actor)
    return await end_sessions(tx, current.actor, user, but=current.session.id, now=now)


async def revoke_sessions_of(
    tx: Tx, actor: Actor, company_ref: UUID | str, user_ref: UUID | str, *, now: datetime
) -> int:
    """End every session of a user whom the actor manages; return how many."""
    user = await accounts.lock_user(tx, actor, company_ref, user_ref)
    return await end_sessions(tx, actor, user, now=now)


async def end_sessions(tx: Tx, actor: Actor, user: User, *, but: UUID | None = None, now: datetime) -> int:
    """End the sessions of a user, except ``but``; return how many."""
    ended = await session_store.delete_others(tx, user.company_id, user.id, but=but)
    await _record_end(tx, actor, user, ended, now=now)
    return len(ended)


async def _record_end(tx: Tx, actor: Actor, user: User, ended: list[UUID], *, now: datetime) -> None:
    for session_id in ended:
        subject = SessionSubject(session_id, user.name)
        changes = [Change("user_id", str(user.id), None)]
        await append_record_event(tx, actor, "session", "ended", subject, changes, company_id=user.company_id, now=now)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete sessions, and sign-ins without their code, that expired before a time; return how many, 0 at the end."""
    sessions = await session_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
    return sessions + await session_store.purge_challenges(tx, before=before, limit=_PURGED_AT_ONCE)
