"""API keys: issue, list and revoke them; and who a key speaks for."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import ApiKey, check_key
from clearline.errors import Conflict, InvalidInput, NotFound, Unauthenticated, UserInactive, Violation
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, record
from clearline.identity import ROLE_SCOPES, Actor, Company, User
from clearline.platform.database.transactions import Database, Tx

KEY_PREFIX = "clk_"
KEY_LENGTH = len(KEY_PREFIX) + 43
"""The prefix, and 32 random bytes in base64url without padding."""

_KIND = "api_key"
_SHOWN = len(KEY_PREFIX) + 6
_MOST_REMEMBERED = 10_000


async def create_key(
    tx: Tx,
    actor: Actor,
    which: UUID | str,
    *,
    user_email: str | None = None,
    user_id: UUID | None = None,
    name: str,
    scopes: frozenset[str] | None = None,
    lifetime: timedelta | None = None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Issue a key to a user, by default the company's first; answers it with its secret, which is shown only now.

    Without ``scopes`` the key may do whatever the user's role and its issuer may. Nobody issues a key that may do more
    than the one it is issued with, or lasts longer.

    Raises:
        NotFound: no such company, or it has no such user.
        Forbidden: the actor does not manage the company.
        Conflict: the company has no user at all, or the user is not active.
        InvalidInput: the name breaks a rule, the user's role or the issuer cannot carry a scope, or the lifetime is not
            positive, or longer than the issuer's.
    """
    company = await accounts.company_to_manage(tx, actor, which)
    user = await _whom(tx, company, user_email, user_id)
    if scopes is None:
        scopes = frozenset(ROLE_SCOPES[user.role] & actor.scopes)
    violations = check_key(name, scopes, user.role)
    if not violations and (beyond := scopes - actor.scopes):
        violations.append(Violation("scopes", f"must be some of your own, and {', '.join(sorted(beyond))} is not"))
    ends = actor.key_expires_at
    if ends is not None and (lifetime is None or now + lifetime > ends):
        violations.append(Violation("lifetime", "must not be longer than that of the key it is issued with"))
    if lifetime is not None and lifetime <= timedelta(0):
        violations.append(Violation("lifetime", "must be positive"))
    if violations:
        raise InvalidInput(violations)
    if not user.is_active:
        raise UserInactive(user.email)
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        company_id=company.id,
        id=uuid4(),
        user_id=user.id,
        name=name,
        prefix=secret[:_SHOWN],
        scopes=scopes,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        revoked_at=None,
        last_used_at=None,
    )
    await account_store.insert_key(tx, key, hash_secret(secret))
    made = [Change(field, None, value) for field, value in _told(key).items()]
    await event_store.append(tx, actor, company.id, record(_KIND, "created", key, made), now=now)
    return key, secret


async def _whom(tx: Tx, company: Company, email: str | None, user_id: UUID | None) -> User:
    if user_id is not None:
        user = await account_store.user(tx, company.id, user_id)
    elif email is not None:
        user = await account_store.user_with_email(tx, company.id, email)
    else:
        user = await account_store.first_user(tx, company.id)
        if user is None:
            raise Conflict(f"company {company.name} has no user yet for a key to speak for: add one first")
    if user is None:
        raise NotFound("user", email or str(user_id))
    return user


def _told(key: ApiKey) -> dict[str, object]:
    """What an event tells of a new key: never its secret."""
    return {
        "user_id": str(key.user_id),
        "prefix": key.prefix,
        "scopes": sorted(key.scopes),
        "expires_at": key.expires_at,
    }


async def list_keys(
    tx: Tx,
    actor: Actor,
    which: UUID | str,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """The keys of a company, without their secrets, oldest first; ``after`` is the time and id of the last one before.

    Served by ``api_key_by_age``.

    Raises:
        NotFound: no such company.
        ScopeMissing: the actor's key may not read accounts.
    """
    company = await accounts.get_company(tx, actor, which)
    return await account_store.keys(tx, company.id, after=after, limit=limit)


async def get_key(tx: Tx, actor: Actor, which: UUID | str, key_id: UUID) -> ApiKey:
    """One key, without its secret.

    Raises:
        NotFound: no such company, or it has no such key.
        ScopeMissing: the actor's key may not read accounts.
    """
    company = await accounts.get_company(tx, actor, which)
    key = await account_store.key(tx, company.id, key_id)
    if key is None:
        raise NotFound("key", str(key_id))
    return key


async def lock_key(tx: Tx, actor: Actor, which: UUID | str, key_id: UUID) -> ApiKey:
    """A key that the actor is about to revoke, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such company, or it has no such key.
        Forbidden: the actor does not manage the company.
    """
    company = await accounts.company_to_manage(tx, actor, which)
    key = await account_store.lock_key(tx, company.id, key_id)
    if key is None:
        raise NotFound("key", str(key_id))
    return key


async def revoke_key(tx: Tx, actor: Actor, which: UUID | str, key_id: UUID, *, now: datetime) -> ApiKey:
    """End a key at once, in every process; one that was revoked before stays as it was.

    Raises:
        NotFound: no such company, or it has no such key.
        Forbidden: the actor does not manage the company.
    """
    before = await lock_key(tx, actor, which, key_id)
    if before.revoked_at is not None:
        return before
    await account_store.revoke_key(tx, before.company_id, key_id, now=now)
    revoked = replace(before, revoked_at=now)
    fact = record(_KIND, "revoked", before, changes_between(before, revoked))
    await event_store.append(tx, actor, before.company_id, fact, now=now)
    return revoked


def hash_secret(secret: str) -> bytes:
    """What is stored of a key's secret: its SHA-256. It holds 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).digest()


class KeyRing:
    """Who each API key speaks for, remembered, so that a request need not ask the database.

    The database tells every process when a key, user or company changes; then all is forgotten. While that line is
    down nothing is remembered. Keys are remembered by the hash of their secret, and for as long as they last.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._actors: dict[bytes, Actor] = {}
        self._last_uses: dict[tuple[UUID, UUID], datetime] = {}
        self._line_is_up = False
        self._generation = 0

    def forget(self) -> None:
        """Ask the database again about every key."""
        self._generation += 1
        self._actors.clear()

    def line_up(self) -> None:
        """Changes are told from now on."""
        self.forget()
        self._line_is_up = True

    def line_down(self) -> None:
        """Changes may go untold from now on."""
        self._line_is_up = False
        self.forget()

    @property
    def is_line_up(self) -> bool:
        """Whether this process hears of changes."""
        return self._line_is_up

    async def actor(self, secret: str, now: datetime) -> Actor:
        """Who the key speaks for.

        Raises:
            Unauthenticated: it is malformed, unknown, revoked or expired.
        """
        if len(secret) != KEY_LENGTH or not secret.startswith(KEY_PREFIX) or not secret.isascii():
            raise Unauthenticated
        digest = hash_secret(secret)
        actor = self._actors.get(digest) or await self._ask(digest, now)
        if actor is None or (actor.key_expires_at is not None and actor.key_expires_at <= now):
            raise Unauthenticated
        if actor.company is not None and actor.key_id is not None:
            self._last_uses[actor.company.id, actor.key_id] = now
        return actor

    async def _ask(self, digest: bytes, now: datetime) -> Actor | None:
        generation = self._generation
        async with self._database.statement() as tx:
            actor = await account_store.actor_of(tx, digest, now=now)
        # A change told while the question was under way may be missing from the answer: then it is not remembered.
        if actor is not None and self._line_is_up and generation == self._generation:
            if len(self._actors) >= _MOST_REMEMBERED:
                self._actors.clear()
            self._actors[digest] = actor
        return actor

    async def save_last_uses(self) -> int:
        """Write down when keys were last used, outside any request; how many."""
        uses, self._last_uses = self._last_uses, {}
        if uses:
            async with self._database.transaction() as tx:
                await account_store.save_last_uses(tx, [(company, key, at) for (company, key), at in uses.items()])
        return len(uses)
