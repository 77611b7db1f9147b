"""Timeouts of tests: tests state what a quiet machine needs, and this module stretches it to the load of this one."""

import os
import time

_QUIET_SECONDS = 0.01
"""The longest time of the measured work on a quiet machine of normal speed."""

_MOST = 20.0

_LONGEST_SECONDS = 540.0
"""The longest timeout, less than the ``timeout`` of a whole test in pyproject.toml, which cannot say what was late."""


def _measured() -> float:
    began = time.perf_counter()
    for _ in range(10):
        sum(number * number for number in range(100_000))
    return (time.perf_counter() - began) / 10


_SLOWNESS = _measured() / _QUIET_SECONDS
"""How many times slower than such a machine this one is at the start of the tests."""


def _stretch() -> float:
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(max(1.0, 2 * _SLOWNESS - 1, 2 * crowd - 1), _MOST)


def patient(seconds: float) -> float:
    """Return the timeout for an expected event. It costs time only when the event does not happen."""
    return min(seconds * max(3.0, _stretch()), max(seconds, _LONGEST_SECONDS))


def stretched(seconds: float) -> float:
    """Return a time stretched to the load: a limit that proves speed, or a pause that is long enough."""
    return seconds * _stretch()
