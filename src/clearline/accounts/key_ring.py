"""The actors of API keys, in memory."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import key_store
from clearline.accounts.domain import hash_secret, is_secret
from clearline.errors import Unauthenticated
from clearline.identity import Actor
from clearline.platform.database.memory import Notified
from clearline.platform.database.transactions import Database

_CACHED_MAX = 10_000


class KeyRing(Notified):
    """Caches the actor of each API key, so that most requests read no key from the database.

    The database notifies every process when a key, user or company changes; the process then clears its cache. While
    no notifications arrive (``line_down``), nothing is cached. Entries are found by the hash of the secret.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._actors: dict[bytes, Actor] = {}
        self._last_uses: dict[tuple[UUID, UUID], datetime] = {}

    def _clear(self) -> None:
        self._actors.clear()

    def known(self, secret: str, now: datetime) -> Actor | None:
        """Return the actor of a key that is cached, or None when the database has to be asked: see ``actor``.

        Raises:
            Unauthenticated: the secret is malformed, or its key is expired.
        """
        if not is_secret(secret):
            raise Unauthenticated
        actor = self._actors.get(hash_secret(secret))
        return None if actor is None else self._used(actor, now)

    async def actor(self, secret: str, now: datetime) -> Actor:
        """Return the actor of a key.

        Raises:
            Unauthenticated: the secret is malformed or unknown, or its key is revoked or expired.
        """
        actor = self.known(secret, now)
        return self._used(await self._read(hash_secret(secret), now), now) if actor is None else actor

    def _used(self, actor: Actor | None, now: datetime) -> Actor:
        if actor is None or (actor.key_expires_at is not None and actor.key_expires_at <= now):
            raise Unauthenticated
        if actor.company is not None and actor.key_id is not None:
            self._last_uses[actor.company.id, actor.key_id] = now
        return actor

    async def _read(self, digest: bytes, now: datetime) -> Actor | None:
        generation = self._generation
        async with self._database.statement() as tx:
            actor = await key_store.actor_of(tx, digest, now=now)
        # The row may be older than a change that was notified during the query: then it is not cached.
        if actor is not None and self._may_keep(generation):
            if len(self._actors) >= _CACHED_MAX:
                self._actors.clear()
            self._actors[digest] = actor
        return actor

    async def save_last_uses(self) -> int:
        """Store when keys were last used, in a transaction of its own; return how many."""
        uses, self._last_uses = self._last_uses, {}
        if uses:
            async with self._database.transaction() as tx:
                await key_store.save_last_uses(tx, [(company, key, at) for (company, key), at in uses.items()])
        return len(uses)
