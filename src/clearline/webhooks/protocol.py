"""Webhooks as Standard Webhooks 1.0 has them: signatures, the schedule of retries, and what an answer means.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import accumulate
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from clearline.webhooks.domain import Subscription

PING = "ping"
BODY_MAX = 100_000
"""Bytes of a body; the schema has the same limit."""

SCHEDULE = tuple(timedelta(seconds=one) for one in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""How long each attempt comes after the one before: at once, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""

JITTER = 0.1
"""A pause is up to this share longer or shorter, so that not everybody comes at once."""

LONGEST_PAUSE = timedelta(hours=24)
"""The most that a Retry-After is heeded for."""

SHORTEST_PAUSE = timedelta(seconds=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OVERLOADED = frozenset({429, 502, 503, 504})
_GONE = 410


class State(StrEnum):
    """Where a delivery is: on its way, taken by the receiver, or given up."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


class Verdict(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver does not take this one; others may pass."""
    UNREACHABLE = "unreachable"
    """The receiver takes nothing for the moment."""
    GONE = "gone"
    """The receiver wants nothing more, ever."""


class Delivery(Struct, frozen=True):
    """One event on its way to one subscription. ``id`` is its webhook-id, the same on every attempt.

    ``attempts`` counts all, ``refusals`` those in a row that the receiver refused since it was put up.
    """

    company_id: UUID
    subscription_id: UUID
    number: int
    id: UUID
    event_id: int | None
    type: str
    ticket_number: int | None
    state: State
    attempts: int
    refusals: int
    due_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class Attempt(Struct, frozen=True):
    """One try. ``status`` is None when nobody answered, ``error`` says why; ``answer`` is the beginning of a body."""

    at: datetime
    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str = ""
    number: int = 0


def verdict(status: int | None) -> Verdict:
    """What a status means; None when nobody answered. Redirects are not followed: they are refusals."""
    if status is None or status in _OVERLOADED:
        return Verdict.UNREACHABLE
    if status == _GONE:
        return Verdict.GONE
    return Verdict.DELIVERED if 200 <= status < 300 else Verdict.REFUSED


def pause_after(failures: int, chance: float) -> timedelta | None:
    """How long to wait after so many failures in a row, or None when the schedule is used up.

    ``chance`` is a random number from 0 to 1.
    """
    if failures >= len(SCHEDULE):
        return None
    return SCHEDULE[failures] * (1 - JITTER + 2 * JITTER * chance)


def failures_after(failures: int, failing_since: datetime | None, *, was_asked: bool, now: datetime) -> int:
    """How many failures in a row there are with one more.

    A receiver that asks to be left alone for a while may say so often, and somebody who asks for a ping or a replay is
    served before the schedule's time (``was_asked``): then as many count as the schedule would have had by now, so that
    nobody is given up sooner for it.
    """
    if not was_asked or failing_since is None:
        return failures + 1
    return max(1, failures, sum(failing_since + total <= now for total in accumulate(SCHEDULE)))


def asked_pause(retry_after: str | None, now: datetime) -> timedelta | None:
    """How long a receiver asks to be left alone (RFC 9110, 10.2.3: seconds, or a date): from a second to a day."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return max(SHORTEST_PAUSE, min(timedelta(seconds=int(text[:9])), LONGEST_PAUSE))
    try:
        until = parsedate_to_datetime(text)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(SHORTEST_PAUSE, min(until - now, LONGEST_PAUSE))
    except (TypeError, ValueError, OverflowError):
        return None


def secret_key(server_secret: bytes, subscription_id: UUID, generation: int) -> bytes:
    """The 32 bytes that a generation of a subscription's secret is. It is derived, so that no row holds it."""
    return hmac.digest(server_secret, f"{subscription_id}:{generation}".encode(), hashlib.sha256)


def shown_secret(key: bytes) -> str:
    """A secret as receivers configure it."""
    return "whsec_" + b64encode(key).decode()


def keys_of(
    server_secret: bytes, subscription_id: UUID, generation: int, previous_until: datetime | None, now: datetime
) -> list[bytes]:
    """The secrets that sign now: the newest, and during a rotation the one before."""
    generations = [generation]
    if previous_until is not None and now < previous_until:
        generations.append(generation - 1)
    return [secret_key(server_secret, subscription_id, one) for one in generations]


def headers_of(delivery_id: UUID, at: datetime) -> dict[str, str]:
    """What is sent with an attempt, but for the signature."""
    return {
        "content-type": "application/json",
        "user-agent": "Clearline",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(at.timestamp())),
    }


def signature(keys: Sequence[bytes], delivery_id: UUID, at: datetime, body: bytes) -> str:
    """The header webhook-signature: ``id.timestamp.body`` signed with every key, between spaces."""
    text = b"%b.%d.%b" % (str(delivery_id).encode(), int(at.timestamp()), body)
    return " ".join("v1," + b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys)


def delivery_id(subscription_id: UUID, event_id: int, at: datetime) -> UUID:
    """The id of the delivery of an event: the same when the event is read again.

    The event's time is in it: a database that an older backup was restored to gives the ids of events again.
    """
    return uuid5(subscription_id, f"{event_id}:{(at - _EPOCH) // timedelta(microseconds=1)}")


def ping_body(one: Subscription, now: datetime) -> bytes:
    """What a ping sends."""
    return msgspec.json.encode({"type": PING, "timestamp": now, "data": {"subscription": str(one.id)}})


def shortened(body: bytes) -> bytes:
    """The body, without the event's own data when it would be longer than ``BODY_MAX``: that is to be asked for."""
    if len(body) <= BODY_MAX:
        return body
    told = msgspec.json.decode(body)
    told["data"]["data"] = {}
    told["data"]["shortened"] = True
    return msgspec.json.encode(told)
