"""Set and change passwords. As for a sign-in, no connection waits while a password is hashed."""

import asyncio
from datetime import datetime
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.errors import require_found, require_valid
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import link_store, password_store, session_store, session_usecases
from clearline.sign_in.attempt_usecases import limited_attempt
from clearline.sign_in.domain import PasswordReplaced, SessionActor, SignedIn, SignInRefused
from clearline.sign_in.password_domain import check_password, is_possible
from clearline.sign_in.password_hashes import hash_password, verify_password
from clearline.sign_in.password_store import Credential


async def change_password(database: Database, current: SessionActor, old: str, new: str, *, now: datetime) -> None:
    """Change the password of the person who is signed in, and end all its other sessions.

    Raises:
        SignInRefused: the old password is wrong.
        TooManyAttempts: too many attempts failed.
    """
    credential = await _confirmed(database, current, old, now=now)
    user = credential.user
    hashed = await checked_hash(user, new)
    async with database.transaction() as tx:
        locked = await password_store.lock(tx, user.company_id, user.id)
        if locked is None or locked.hash != credential.hash:
            raise SignInRefused
        await store_password(tx, current.actor, locked.user, hashed, but=current.session.id, now=now)


async def confirm_password(database: Database, current: SessionActor, password: str, *, now: datetime) -> SignedIn:
    """Note that the person who is signed in has proved again who it is; return the session with another token.

    The token before is not in force any more.

    Raises:
        SignInRefused: the password is wrong.
        TooManyAttempts: too many attempts failed.
    """
    await _confirmed(database, current, password, now=now)
    async with database.transaction() as tx:
        return await session_usecases.rotate(tx, current, second_factor=current.session.second_factor, now=now)


async def _confirmed(database: Database, current: SessionActor, password: str, *, now: datetime) -> Credential:
    """Return the user who is signed in, if this is its password."""
    user, _company = accounts.user_and_company(current.actor)
    async with limited_attempt(database, user.email, current.session.address, now=now):
        async with database.statement() as tx:
            credential = require_found(await password_store.get(tx, user.company_id, user.id), "user", user.id)
        if not await verify_password(credential.hash, password if is_possible(password) else ""):
            raise SignInRefused
        if credential.replaced_by is not None:
            raise PasswordReplaced(credential.replaced_by)
    return credential


async def set_password(
    database: Database, actor: Actor, company_ref: UUID | str, user_ref: UUID | str, password: str, *, now: datetime
) -> User:
    """Set the password of a user whom the actor manages, and end all its sessions."""
    async with database.transaction() as tx:
        user = await accounts.lock_user(tx, actor, company_ref, user_ref)
    hashed = await checked_hash(user, password)
    async with database.transaction() as tx:
        user = await accounts.lock_user(tx, actor, company_ref, user.id)
        await store_password(tx, actor, user, hashed, now=now)
    return user


async def checked_hash(user: User, password: str) -> str:
    """Return the hash of a new password of a user; refuse one that is short, common or easy to guess."""
    require_valid(await asyncio.to_thread(check_password, user, password))
    return await hash_password(password)


async def store_password(
    tx: Tx, actor: Actor, user: User, hashed: str, *, but: UUID | None = None, now: datetime
) -> None:
    """Store a new password of a locked user; end its links, unfinished sign-ins, and sessions except ``but``."""
    await password_store.save(tx, user.company_id, user.id, hashed, now=now)
    await link_store.delete_of(tx, user.company_id, user.id)
    await session_store.delete_challenges(tx, user.company_id, user.id)
    await session_usecases.end_sessions(tx, actor, user, but=but, now=now)
    await append_record_event(tx, actor, "password", "changed", user, company_id=user.company_id, now=now)
