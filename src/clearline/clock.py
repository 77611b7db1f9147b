"""The only reader of the time of day, and the clock for what lasts inside a process."""

import time
from datetime import UTC, datetime
from typing import NamedTuple


def now() -> datetime:
    """Return this instant, aware, in UTC. Somebody may set this clock forward and back."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds since some moment; nobody can set this clock.

    For every pause, budget, lease and timeout inside a process: measured by ``now``, a clock set back by an hour would
    make each last an hour longer.
    """
    return time.monotonic()


class Span(NamedTuple):
    """The time from ``since`` on, and before ``until``."""

    since: datetime = datetime.min.replace(tzinfo=UTC)
    until: datetime = datetime.max.replace(tzinfo=UTC)
