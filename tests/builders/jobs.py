"""The background jobs of a process, by name, and a clock that a test can advance."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import pytest

from clearline import clock, schedule
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.settings import Settings


class Clock:
    """The current time plus ``ahead``."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return clock.now() + self.ahead


def set_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Set the clock of this process forward or back until the test ends."""

    class Set(datetime):
        """A ``datetime`` whose ``now`` is shifted."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by

    monkeypatch.setattr(clock, "datetime", Set)


def purge_job(
    database: Database, name: str, now: Callable[[], datetime], settings: Settings | None = None
) -> PeriodicJob:
    """Return a job that deletes old rows."""
    [purge] = [job for job in schedule.purge_jobs(database, settings or Settings(), now) if job.name == f"purge {name}"]
    return purge


def kept(setting: str) -> timedelta:
    """Return the default retention of a kind of data."""
    return timedelta(days=getattr(Settings(), f"keep_{setting}_days"))
