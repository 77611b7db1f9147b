"""How long tests wait. They say what a quiet machine needs; here alone that is stretched to what this one needs now."""

import os
import time

_QUIET_SECONDS = 0.01
"""What the measured piece of work takes at most on a machine that is quiet and not slow."""

_MOST = 20.0


def _measured() -> float:
    began = time.perf_counter()
    for _ in range(10):
        sum(number * number for number in range(100_000))
    return (time.perf_counter() - began) / 10


_SLOWNESS = _measured() / _QUIET_SECONDS
"""How many times slower than such a machine this one was when the tests began."""


def _stretch() -> float:
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(max(1.0, 2 * _SLOWNESS - 1, 2 * crowd - 1), _MOST)


def patient(seconds: float) -> float:
    """Return how long to wait for what will happen. Waiting ends with it, so patience costs time only in a failure."""
    return seconds * max(3.0, _stretch())


def stretched(seconds: float) -> float:
    """Return a time that is as given on a quiet machine: a limit that proves speed, or a pause that is long enough."""
    return seconds * _stretch()
