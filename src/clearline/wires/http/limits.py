"""Limits of a key, counted in the memory of this process: requests a minute, and streams at a time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from uuid import UUID

_MOST_BUCKETS = 10_000
_STREAM_WAIT = 10


class TooManyRequests(Exception):
    """The key's bucket is empty; ``retry_after`` whole seconds from now it is not."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} seconds")
        self.retry_after = retry_after


class RateLimiter:
    """Allows each key a burst of ``quota`` requests, and as many again in each minute."""

    WINDOW = 60

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self._rate = quota / self.WINDOW
        self._buckets: dict[UUID, tuple[float, float]] = {}
        self._policy = b'"key";q=%d;w=%d' % (quota, self.WINDOW)
        self._limit = b"%d" % quota

    def spend(self, key: UUID, at: float, now: float) -> tuple[list[tuple[bytes, bytes]], int]:
        """Take one request from the key's bucket ``at`` this second of ``clock.monotonic``.

        ``now`` (Unix seconds) is only for the header that names the time of day.

        Return the headers that describe the quota (draft-ietf-httpapi-ratelimit-headers, and the older X- trio), and
        0, or the seconds to wait when the bucket was empty.
        """
        if not self.quota:
            return [], 0
        tokens, before = self._buckets.get(key, (self.quota, at))
        tokens = min(self.quota, tokens + (at - before) * self._rate)
        wait = 0
        if tokens >= 1:
            tokens -= 1
        else:
            wait = ceil((1 - tokens) / self._rate)
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[key] = (tokens, at)
        full_in = wait or ceil((self.quota - tokens) / self._rate)
        remaining = b"%d" % tokens
        headers = [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", b'"key";r=%b;t=%d' % (remaining, full_in)),
            (b"x-ratelimit-limit", self._limit),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", b"%d" % ceil(now + full_in)),
        ]
        return headers, wait


class TooManyStreams(TooManyRequests):
    """Too many streams are open; retry after ``retry_after`` seconds."""

    def __init__(self, whose: str) -> None:
        super().__init__(_STREAM_WAIT)
        self.args = (f"{whose} open already; close one, or try again in {_STREAM_WAIT} seconds",)


class OpenStreams:
    """Counts open streams, and limits their number for each key and in all."""

    def __init__(self, *, per_key: int = 20, in_all: int = 500) -> None:
        self._per_key, self._in_all = per_key, in_all
        self._open: Counter[UUID | None] = Counter()

    @property
    def open(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextmanager
    def count(self, key: UUID | None) -> Iterator[None]:
        """Count a stream for as long as the block runs.

        Raises:
            TooManyStreams: there are too many already.
        """
        if self._open[key] >= self._per_key:
            raise TooManyStreams(f"{self._per_key} streams of this key are")
        if self._open.total() >= self._in_all:
            raise TooManyStreams(f"{self._in_all} streams are")
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
