"""The only reader of the time of day, and the clock for what lasts inside a process."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return this instant, aware, in UTC. Somebody may set this clock forward and back."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds since some moment; nobody can set this clock.

    For every pause, budget, lease and timeout inside a process: measured by ``now``, a clock set back by an hour would
    make each last an hour longer.
    """
    return time.monotonic()
