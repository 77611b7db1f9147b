"""The only reader of the time of day, and the clock for what lasts inside a process."""

import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

CLOCK_SECONDS = 60
"""How far a stored time may be beyond what a rule allows, as clocks of machines differ; then a clock was ahead."""


def now() -> datetime:
    """Return this instant, aware, in UTC. Somebody may set this clock forward and back."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds since some moment; nobody can set this clock.

    For every pause, budget, lease and timeout inside a process: measured by ``now``, a clock set back by an hour would
    make each last an hour longer.
    """
    return time.monotonic()


def counted_until(at: datetime) -> datetime:
    """Return until when things count of which there may only be so many in the time before ``at``.

    What is stored for later was stored while the clock was ahead: it must not use up the limit once that is set back.
    """
    return at + timedelta(seconds=CLOCK_SECONDS)


class Span(NamedTuple):
    """The time from ``since`` on, and before ``until``."""

    since: datetime = datetime.min.replace(tzinfo=UTC)
    until: datetime = datetime.max.replace(tzinfo=UTC)
