"""Companies, users and API keys; and who a key speaks for."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from clearline.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound, Unauthenticated, Violation
from clearline.domain.party import (
    ALL_SCOPES,
    NAME_MAX,
    PHONE_MAX,
    Actor,
    ApiKey,
    Company,
    User,
    check_company,
)
from clearline.domain.text import check_email, check_text
from clearline.store import parties
from clearline.store.db import Database, Tx
from clearline.usecases import access

KEY_PREFIX = "clk_"
KEY_LENGTH = len(KEY_PREFIX) + 43
"""The prefix, and 32 random bytes in base64url without padding."""

_SHOWN = len(KEY_PREFIX) + 6
_MOST_REMEMBERED = 10_000


async def add_company(tx: Tx, actor: Actor, name: str, code: str, *, now: datetime) -> Company:
    """Take on a customer; ``code`` is the customer number that wires show.

    Raises:
        InvalidInput: a value breaks a rule.
        AlreadyExists: the name or the code is taken.
    """
    access.operate(actor)
    if violations := check_company(name, code):
        raise InvalidInput(violations)
    company = Company(uuid4(), name, code)
    if not await parties.insert_company(tx, company, now=now):
        raise AlreadyExists("company", f"{name} or code {code}")
    return company


async def list_companies(tx: Tx, actor: Actor) -> list[Company]:
    """Every company, by name."""
    access.operate(actor)
    return await parties.companies(tx)


async def add_user(
    tx: Tx, actor: Actor, company_name: str, *, name: str, email: str, phone: str, now: datetime
) -> User:
    """Add a person to a company.

    Raises:
        NotFound: no such company.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the company has a user of that address.
    """
    company = await access.company_named(tx, actor, company_name)
    violations = [
        *check_text("name", name, most=NAME_MAX),
        *check_email("email", email),
        *check_text("phone", phone, least=0, most=PHONE_MAX),
    ]
    if violations:
        raise InvalidInput(violations)
    user = User(company.id, uuid4(), name, email, phone)
    if not await parties.insert_user(tx, user, now=now):
        raise AlreadyExists("user", email)
    return user


async def list_users(tx: Tx, actor: Actor, company_name: str) -> list[User]:
    """The users of a company, the first one first.

    Raises:
        NotFound: no such company.
    """
    company = await access.company_named(tx, actor, company_name)
    return await parties.users(tx, company.id)


async def create_key(
    tx: Tx,
    actor: Actor,
    company_name: str,
    *,
    user_email: str | None,
    name: str,
    scopes: frozenset[str],
    lifetime: timedelta | None,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Issue a key to a user, by default the company's first; answers it with its secret, which is shown only now.

    Raises:
        NotFound: no such company, or it has no such user.
        Conflict: it has no user at all.
        InvalidInput: the name or a scope breaks a rule, or the lifetime is not positive.
    """
    company = await access.company_named(tx, actor, company_name)
    violations = check_text("name", name, most=NAME_MAX)
    if not scopes or scopes - ALL_SCOPES:
        violations.append(Violation("scopes", "must be some of " + ", ".join(sorted(ALL_SCOPES))))
    if lifetime is not None and lifetime <= timedelta(0):
        violations.append(Violation("lifetime", "must be positive"))
    if violations:
        raise InvalidInput(violations)
    user = _pick(await parties.users(tx, company.id), user_email, company)
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
    await parties.insert_key(tx, key, hash_secret(secret))
    return key, secret


def _pick(users: list[User], email: str | None, company: Company) -> User:
    for user in users:
        if email is None or user.email.lower() == email.lower():
            return user
    if email is None:
        raise Conflict(f"company {company.name} has no user yet for a key to speak for: add one first")
    raise NotFound("user", email)


async def list_keys(tx: Tx, actor: Actor, company_name: str) -> list[ApiKey]:
    """The keys of a company, without their secrets, oldest first.

    Raises:
        NotFound: no such company.
    """
    company = await access.company_named(tx, actor, company_name)
    return await parties.keys(tx, company.id)


async def revoke_key(tx: Tx, actor: Actor, company_name: str, key_id: UUID, *, now: datetime) -> ApiKey:
    """End a key at once, in every process.

    Raises:
        NotFound: no such company, or it has no such key.
    """
    company = await access.company_named(tx, actor, company_name)
    key = await parties.revoke_key(tx, company.id, key_id, now=now)
    if key is None:
        raise NotFound("key", str(key_id))
    return key


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
            actor = await parties.actor_of(tx, digest, now=now)
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
                await parties.save_last_uses(tx, [(company, key, at) for (company, key), at in uses.items()])
        return len(uses)
