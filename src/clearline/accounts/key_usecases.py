"""API keys: issue, list, read and revoke them."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import company_store, key_store, permissions, user_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import (
    DEFAULT_LIMITS,
    KEY_PREFIX,
    KEYS_IN_A_DAY,
    SHOWN_LENGTH,
    AccountLimits,
    ApiKey,
    check_key,
    hash_secret,
)
from clearline.clock import counted_until
from clearline.errors import Conflict, RuleCode, UserInactive, Violation, require_found, require_valid
from clearline.events.domain import Change, changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import ROLE_SCOPES, Actor, Company, Scope, User
from clearline.limit_errors import TooManyKeys, TooManyKeysInADay
from clearline.platform.database.transactions import Tx

_KIND = "api_key"


async def create_key(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    *,
    user_email: str | None = None,
    user_id: UUID | None = None,
    name: str,
    scopes: frozenset[str] | None = None,
    lifetime: timedelta | None = None,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Issue a key to a user, by default the company's first; return it with its secret, which is shown only now.

    Without ``scopes`` the key has every scope that both the user's role and the issuer have. Nobody can issue a key
    with more scopes than the key of the request, or with a longer lifetime.

    Raises:
        Conflict: the company has no user at all.
        UserInactive: the user is not active.
        TooManyKeys: the actor is a customer, and its company has as many in force as it may.
        TooManyKeysInADay: the actor is a customer, and its company got ``KEYS_IN_A_DAY`` times as many within a day.
    """
    company = await accounts.company_to_manage(tx, actor, company_ref)
    user = await _key_user(tx, company, user_email, user_id)
    if scopes is None:
        scopes = frozenset(ROLE_SCOPES[user.role] & actor.scopes)
    _check(actor, user, name, scopes, lifetime, now=now)
    if not user.is_active:
        raise UserInactive(user.email)
    await _require_room(tx, actor, company, limits, now=now)
    return await _issue(tx, actor, user, name, scopes, lifetime, now=now)


async def create_own_key(
    tx: Tx, actor: Actor, *, name: str, scopes: frozenset[str], lifetime: timedelta | None = None, now: datetime
) -> tuple[ApiKey, str]:
    """Issue a key to the actor itself, one of the provider's people; return it with its secret, shown only now.

    It has no scope that the actor does not have.
    """
    user = _own(actor)
    _check(actor, user, name, scopes, lifetime, now=now)
    return await _issue(tx, actor, user, name, scopes, lifetime, now=now)


def _own(actor: Actor) -> User:
    """Return the acting user, one of the provider's people: those of customers get keys from their admins."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    return accounts.user_and_company(actor)[0]


def _check(
    actor: Actor, user: User, name: str, scopes: frozenset[str], lifetime: timedelta | None, *, now: datetime
) -> None:
    """Refuse a key with more scopes than the actor or its user has, or with a longer lifetime than the actor's."""
    violations = check_key(name, scopes, user.role)
    if not violations and (beyond := scopes - actor.scopes):
        violations.append(
            Violation("scopes", f"must be some of your own, and {', '.join(sorted(beyond))} is not", RuleCode.CHOICE)
        )
    issuer_ends = actor.key_expires_at
    if issuer_ends is not None and (lifetime is None or now + lifetime > issuer_ends):
        violations.append(
            Violation("lifetime", "must not be longer than that of the key it is issued with", RuleCode.ORDER)
        )
    if lifetime is not None and lifetime <= timedelta(0):
        violations.append(Violation("lifetime", "must be positive", RuleCode.ORDER))
    require_valid(violations)


async def _issue(
    tx: Tx, actor: Actor, user: User, name: str, scopes: frozenset[str], lifetime: timedelta | None, *, now: datetime
) -> tuple[ApiKey, str]:
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        company_id=user.company_id,
        id=uuid4(),
        user_id=user.id,
        name=name,
        prefix=secret[:SHOWN_LENGTH],
        scopes=scopes,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        revoked_at=None,
        last_used_at=None,
    )
    await key_store.insert(tx, key, hash_secret(secret))
    await append_record_event(tx, actor, _KIND, "created", key, _shown_values(key), company_id=user.company_id, now=now)
    return key, secret


async def _require_room(tx: Tx, actor: Actor, company: Company, limits: AccountLimits, *, now: datetime) -> None:
    """Refuse one more key of a customer; lock its company to count them."""
    if actor.is_staff:
        return
    await company_store.lock(tx, company.id)
    if await key_store.count(tx, company.id, now=now) >= limits.keys:
        raise TooManyKeys(limits.keys)
    most = limits.keys * KEYS_IN_A_DAY
    since, until = now - timedelta(days=1), counted_until(now)
    if await key_store.count_issued(tx, company.id, since=since, until=until) >= most:
        raise TooManyKeysInADay(most)


async def _key_user(tx: Tx, company: Company, email: str | None, user_id: UUID | None) -> User:
    if user_id is not None:
        return require_found(await user_store.get(tx, company.id, user_id), "user", user_id)
    if email is not None:
        return require_found(await accounts.find_user(tx, company.id, email), "user", email)
    if (user := await user_store.first(tx, company.id)) is None:
        raise Conflict(f"company {company.name} has no user yet for a key to speak for: add one first")
    return user


def _shown_values(key: ApiKey) -> list[Change]:
    """Return what the event of a new key shows: never its secret."""
    return [
        Change("user_id", None, str(key.user_id)),
        Change("prefix", None, key.prefix),
        Change("scopes", None, sorted(key.scopes)),
        Change("expires_at", None, key.expires_at),
    ]


async def list_keys(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """Return the keys of a company without their secrets, oldest first, after a time and id.

    Served by ``api_key_by_age``.
    """
    company = await accounts.get_company(tx, actor, company_ref)
    return await key_store.page(tx, company.id, after=after, limit=limit)


async def list_own_keys(
    tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
) -> list[ApiKey]:
    """Return the keys of the actor, one of the provider's people, oldest first, after a time and id.

    Served by ``api_key_by_age``: a walk of the provider's keys.
    """
    user = _own(actor)
    return await key_store.page(tx, user.company_id, user_id=user.id, after=after, limit=limit)


async def newest_own_key(tx: Tx, actor: Actor, *, now: datetime) -> ApiKey | None:
    """Return the newest key in force of the acting user, of whichever company, without its secret.

    Served by ``api_key_by_age``: a walk of the company's keys.
    """
    user, _company = accounts.user_and_company(actor)
    listed = await key_store.page(tx, user.company_id, user_id=user.id)
    in_force = [key for key in listed if key.revoked_at is None and (key.expires_at is None or key.expires_at > now)]
    return in_force[-1] if in_force else None


async def get_own_key(tx: Tx, actor: Actor, key_id: UUID) -> ApiKey:
    """Return a key of the actor without its secret."""
    return _require_own(await key_store.get(tx, _own(actor).company_id, key_id), actor, key_id)


async def lock_own_key(tx: Tx, actor: Actor, key_id: UUID) -> ApiKey:
    """Lock a key of the actor, which is about to revoke it, until the transaction ends."""
    return _require_own(await key_store.lock(tx, _own(actor).company_id, key_id), actor, key_id)


def _require_own(key: ApiKey | None, actor: Actor, key_id: UUID) -> ApiKey:
    return require_found(key if key is not None and key.user_id == _own(actor).id else None, "key", key_id)


async def get_key(tx: Tx, actor: Actor, company_ref: UUID | str, key_id: UUID) -> ApiKey:
    """Return a key without its secret."""
    company = await accounts.get_company(tx, actor, company_ref)
    return require_found(await key_store.get(tx, company.id, key_id), "key", key_id)


async def lock_key(tx: Tx, actor: Actor, company_ref: UUID | str, key_id: UUID) -> ApiKey:
    """Lock a key that the actor is about to revoke, until the transaction ends."""
    company = await accounts.company_to_manage(tx, actor, company_ref)
    return require_found(await key_store.lock(tx, company.id, key_id), "key", key_id)


async def revoke_key(tx: Tx, actor: Actor, company_ref: UUID | str, key_id: UUID, *, now: datetime) -> ApiKey:
    """Revoke a key, at once and in every process; a revoked key stays as it is."""
    return await _revoke(tx, actor, await lock_key(tx, actor, company_ref, key_id), now=now)


async def revoke_own_key(tx: Tx, actor: Actor, key_id: UUID, *, now: datetime) -> ApiKey:
    """Revoke a key of the actor, as ``revoke_key`` does."""
    return await _revoke(tx, actor, await lock_own_key(tx, actor, key_id), now=now)


async def _revoke(tx: Tx, actor: Actor, before: ApiKey, *, now: datetime) -> ApiKey:
    if before.revoked_at is not None:
        return before
    await key_store.revoke(tx, before.company_id, before.id, now=now)
    revoked = replace(before, revoked_at=now)
    changes = changes_between(before, revoked)
    await append_record_event(tx, actor, _KIND, "revoked", before, changes, company_id=before.company_id, now=now)
    return revoked
