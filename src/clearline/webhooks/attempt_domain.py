"""Attempts: what an answer means, and when the next attempt is."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import accumulate

from msgspec import Struct

SCHEDULE = tuple(timedelta(seconds=pause) for pause in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""The pause before each attempt: none, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""

JITTER = 0.1
"""A pause is longer or shorter by up to this share, so that not all receivers are tried at once."""

RETRY_AFTER_MAX = timedelta(hours=24)
RETRY_AFTER_MIN = timedelta(seconds=1)
"""A Retry-After counts as at most a day and at least a second."""

_OVERLOADED = frozenset({429, 502, 503, 504})
_GONE = 410


class Attempt(Struct, frozen=True):
    """One request for a delivery. ``status`` is None when there was no answer, and ``error`` says why.

    ``answer`` is the beginning of the answer's body.
    """

    at: datetime
    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str = ""
    number: int = 0


class Outcome(StrEnum):
    """What an attempt means for its delivery, and for the receiver."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The receiver does not take this delivery. Others may pass."""
    UNREACHABLE = "unreachable"
    """The receiver takes nothing at the moment."""
    GONE = "gone"
    """The receiver wants nothing more."""


def outcome_of(status: int | None) -> Outcome:
    """Return what a status means; None is no answer. Redirects are not followed: they are refusals."""
    if status is None or status in _OVERLOADED:
        return Outcome.UNREACHABLE
    if status == _GONE:
        return Outcome.GONE
    return Outcome.DELIVERED if 200 <= status < 300 else Outcome.REFUSED


def pause_after(failures: int, chance: float) -> timedelta | None:
    """Return the pause after so many failures in a row, or None at the end of the schedule.

    ``chance`` is a random number from 0 to 1.
    """
    if failures >= len(SCHEDULE):
        return None
    return SCHEDULE[failures] * (1 - JITTER + 2 * JITTER * chance)


def longest_pause(failures: int) -> timedelta:
    """Return the longest pause after so many failures in a row, of those that the schedule has."""
    return SCHEDULE[failures] * (1 + JITTER)


def count_failure(failures: int, failing_since: datetime | None, *, is_off_schedule: bool, now: datetime) -> int:
    """Return how many failures in a row there are with one more.

    A receiver may ask for a short pause often, and a ping or a replay is sent before the schedule's time. After such an
    attempt (``is_off_schedule``) only as many failures count as the schedule would have had by now, so that no receiver
    is given up earlier for it.
    """
    if not is_off_schedule or failing_since is None:
        return failures + 1
    return max(1, failures, sum(failing_since + total <= now for total in accumulate(SCHEDULE)))


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return the pause that a receiver asks for (RFC 9110, 10.2.3: seconds, or a date), from a second to a day.

    None without the header, or when it is malformed.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return max(RETRY_AFTER_MIN, min(timedelta(seconds=int(text[:9])), RETRY_AFTER_MAX))
    try:
        until = parsedate_to_datetime(text)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(RETRY_AFTER_MIN, min(until - now, RETRY_AFTER_MAX))
    except (TypeError, ValueError, OverflowError):
        return None
