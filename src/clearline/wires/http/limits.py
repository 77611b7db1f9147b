"""Limits of keys, companies and peers, counted in the memory of this process: requests, streams, searches."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_address, ip_network
from math import ceil
from operator import itemgetter
from typing import Any
from uuid import UUID

from clearline.clock import monotonic
from clearline.errors import Unauthenticated
from clearline.identity import Actor
from clearline.settings.defaults import UNKNOWN_KEYS

_MOST_BUCKETS = 10_000
_STREAM_WAIT = 10
_SEARCH_WAIT = 1
_SUBNET = 64
"""Bits of an IPv6 address that count: whoever has one address usually has all that begin with them."""


def customer_id(actor: Actor) -> UUID | None:
    """Return the company whose limits an actor shares, or None for the provider's people, who have none."""
    return None if actor.is_staff or actor.company is None else actor.company.id


class TooManyRequests(Exception):
    """The bucket of ``whose`` is empty; ``retry_after`` whole seconds from now it is not."""

    def __init__(self, retry_after: int, whose: str = "") -> None:
        super().__init__(f"too many requests{whose}; try again in {retry_after} seconds")
        self.retry_after = retry_after


class Buckets:
    """A token bucket for each owner: it holds at most ``quota``, and gains ``quota`` in ``window`` seconds."""

    def __init__(self, name: str, quota: int, window: int) -> None:
        self.quota = quota
        self.rate = quota / window
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        self._policy = f'"{name}";q={quota};w={window}'.encode()
        self._name, self._limit = name.encode(), b"%d" % quota

    def level(self, owner: Hashable, at: float) -> float:
        """Return what the bucket holds ``at`` this second of ``clock.monotonic``."""
        level, before = self._buckets.get(owner, (self.quota, at))
        return min(self.quota, level + (at - before) * self.rate)

    def fill(self, owner: Hashable, level: float, at: float) -> None:
        """Set what the bucket holds. When there are too many buckets, all others are forgotten, which fills them."""
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[owner] = (level, at)

    def seconds_until_one(self, level: float) -> int:
        """Return after how many whole seconds a bucket of this level holds one."""
        return ceil((1 - level) / self.rate)

    def headers(self, level: float, wait: int, now: float) -> list[tuple[bytes, bytes]]:
        """Return the headers that describe a bucket of this level (draft-ietf-httpapi-ratelimit-headers, and X-)."""
        full_in = wait or ceil((self.quota - level) / self.rate)
        remaining = b"%d" % level
        return [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", b'"%b";r=%b;t=%d' % (self._name, remaining, full_in)),
            (b"x-ratelimit-limit", self._limit),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", b"%d" % ceil(now + full_in)),
        ]


class RateLimiter:
    """Allows each key and each signed-in person a burst of ``quota`` requests, and as many again in each minute.

    A company likewise has ``company_quota`` for all of its own.
    0 is no limit.
    """

    WINDOW = 60

    def __init__(self, quota: int, company_quota: int = 0) -> None:
        self._keys = Buckets("key", quota, self.WINDOW) if quota else None
        self._companies = Buckets("company", company_quota, self.WINDOW) if company_quota else None
        self.refused_of_keys = self.refused_of_companies = 0
        """How many requests were refused."""

    def spend(
        self, key: UUID, at: float, now: float, *, company: UUID | None = None
    ) -> tuple[list[tuple[bytes, bytes]], int]:
        """Take one request from the buckets of a key or person and of its company.

        ``at`` is this second of ``clock.monotonic``. ``company`` is None for the provider's people. ``now`` (Unix
        seconds) is only for the header that names the time of day. Return the headers that describe the bucket with
        less in it, and 0, or the seconds to wait when that was empty. A refused request takes nothing.
        """
        spent: list[tuple[float, Buckets, UUID]] = []
        if self._keys is not None:
            spent.append((self._keys.level(key, at), self._keys, key))
        if company is not None and self._companies is not None:
            spent.append((self._companies.level(company, at), self._companies, company))
            spent.sort(key=_level)
        if not spent:
            return [], 0
        level, scarcest, owner = spent[0]
        if level < 1:
            scarcest.fill(owner, level, at)
            wait = scarcest.seconds_until_one(level)
            self.refused_of_keys += scarcest is self._keys
            self.refused_of_companies += scarcest is self._companies
            return scarcest.headers(level, wait, now), wait
        for before, buckets, owner in spent:
            buckets.fill(owner, before - 1, at)
        return scarcest.headers(level - 1, 0, now), 0


_level = itemgetter(0)


class LookUps:
    """Limits how often a peer may send keys that this process does not know: each costs a query.

    A key that turns out to be valid costs nothing, and keys that are known already are never refused.
    """

    def __init__(self, quota: int = UNKNOWN_KEYS) -> None:
        """Allow each peer ``quota`` unknown keys at once, and as many again in each minute."""
        self._peers = Buckets("peer", quota, 60)
        self.refused = 0

    @contextmanager
    def count(self, client: Any) -> Iterator[None]:
        """Count the look-up in the block, unless it finds the key. ``client`` is ASGI's: address and port, or None.

        Raises:
            TooManyRequests: the peer sent too many unknown keys.
        """
        peer, at = _network(client), monotonic()
        level = self._peers.level(peer, at)
        if level < 1:
            self.refused += 1
            raise TooManyRequests(self._peers.seconds_until_one(level), " with unknown API keys from your address")
        self._peers.fill(peer, level - 1, at)
        try:
            yield
        except Unauthenticated:
            raise
        except BaseException:
            self._give_back(peer)
            raise
        self._give_back(peer)

    def _give_back(self, peer: str) -> None:
        at = monotonic()
        self._peers.fill(peer, self._peers.level(peer, at) + 1, at)


def _network(client: Any) -> str:
    """Return whose look-ups are counted together: an IPv4 address, or the /64 of an IPv6 address."""
    host = str(client[0]) if client else ""
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or ip_network((address, _SUBNET), strict=False))


class TooManySearches(TooManyRequests):
    """The company runs as many searches as it may."""

    def __init__(self, most: int) -> None:
        super().__init__(_SEARCH_WAIT)
        self.args = (f"{most} searches of your company are running; try again when one of them is answered",)


class Searches:
    """Limits how many searches of a company run at a time: some take seconds of the database."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._by_company: Counter[UUID] = Counter()
        self.refused = 0

    @contextmanager
    def count(self, company: UUID | None) -> Iterator[None]:
        """Count a search for as long as the block runs. ``company`` is None for the provider's people.

        Raises:
            TooManySearches: there are too many already.
        """
        if company is None:
            yield
            return
        if self._by_company[company] >= self._most:
            self.refused += 1
            raise TooManySearches(self._most)
        self._by_company[company] += 1
        try:
            yield
        finally:
            _decrement(self._by_company, company)


class TooManyKeptAnswers(TooManyRequests):
    """The answers that are kept for the Idempotency-Keys of a company have the maximum size."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        advice = f"try again in {retry_after} seconds, or without a key"
        self.args = (f"too many answers are kept for your Idempotency-Keys; {advice}",)


class KeptAnswers:
    """Limits the bytes of answers that are kept for the Idempotency-Keys of a company in a day: 0 is no limit."""

    _ROW = 500
    """What an answer takes beside its body."""

    def __init__(self, quota: int = 0) -> None:
        self._companies = Buckets("answers", quota, 86_400) if quota else None
        self.refused = 0

    def require(self, company: UUID | None) -> None:
        """Refuse one more answer when there are too many. ``company`` is None for the provider's people.

        Raises:
            TooManyKeptAnswers: there are.
        """
        if company is None or self._companies is None:
            return
        level = self._companies.level(company, monotonic())
        if level < 1:
            self.refused += 1
            raise TooManyKeptAnswers(self._companies.seconds_until_one(level))

    def spend(self, company: UUID | None, size: int) -> None:
        """Count an answer with a body of ``size`` bytes."""
        if company is not None and self._companies is not None:
            at = monotonic()
            self._companies.fill(company, self._companies.level(company, at) - size - self._ROW, at)


class TooManyStreams(TooManyRequests):
    """Too many streams are open; retry after ``retry_after`` seconds."""

    def __init__(self, whose: str) -> None:
        super().__init__(_STREAM_WAIT)
        self.args = (f"{whose}; close one, or try again in {_STREAM_WAIT} seconds",)


class OpenStreams:
    """Counts open streams, and limits their number for each key or person, each company, all customers, and in all.

    Downloads (exports, attachments, raw mail) are streams that count for no key: programs fetch many at a time.
    """

    def __init__(self, *, per_key: int = 20, per_company: int = 100, in_all: int = 500) -> None:
        """Limit streams. A fifth of ``in_all`` is kept for the provider's people."""
        self._per_key, self._per_company, self._in_all = per_key, per_company, in_all
        self._of_customers = in_all - in_all // 5
        self._open: Counter[UUID | None] = Counter()
        self._by_company: Counter[UUID] = Counter()
        self.refused = 0

    @property
    def open(self) -> int:
        """How many are open."""
        return self._open.total()

    def count(self, key: UUID | None, company: UUID | None = None) -> AbstractContextManager[None]:
        """Count a stream for as long as the block runs. ``company`` is None for the provider's people.

        Raises:
            TooManyStreams: there are too many already.
        """
        if self._open[key] >= self._per_key:
            raise self._refusal(f"{self._per_key} streams of this key are open already")
        return self._count(key, company)

    def count_person(self, user_id: UUID) -> AbstractContextManager[None]:
        """Count a stream of the console of a person for as long as the block runs; see ``count``."""
        if self._open[user_id] >= self._per_key:
            raise self._refusal(f"{self._per_key} browsers of this person have a stream already")
        return self._count(user_id, None)

    def count_download(self, company: UUID | None) -> AbstractContextManager[None]:
        """Count a download for as long as the block runs; see ``count``."""
        return self._count(None, company)

    def _refusal(self, whose: str) -> TooManyStreams:
        self.refused += 1
        return TooManyStreams(whose)

    @contextmanager
    def _count(self, key: UUID | None, company: UUID | None) -> Iterator[None]:
        if company is not None and self._by_company[company] >= self._per_company:
            raise self._refusal(f"{self._per_company} streams of your company are open already, downloads included")
        if company is not None and self._by_company.total() >= self._of_customers:
            raise self._refusal(f"{self._of_customers} streams of customers are open already, downloads included")
        if self._open.total() >= self._in_all:
            raise self._refusal(f"{self._in_all} streams are open already, downloads included")
        self._open[key] += 1
        if company is not None:
            self._by_company[company] += 1
        try:
            yield
        finally:
            _decrement(self._open, key)
            if company is not None:
                _decrement(self._by_company, company)


def _decrement(counter: Counter[Any], owner: UUID | None) -> None:
    counter[owner] -= 1
    if not counter[owner]:
        del counter[owner]
