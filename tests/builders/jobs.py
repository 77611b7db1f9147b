"""The jobs that delete old rows, and a clock that a test can advance."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import pytest

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.retention.domain import Kind
from clearline.retention.worker import Retention
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs


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


class PurgeJob:
    """Deletes what is older than its setting allows, whenever it runs; ``run`` returns how many rows or files."""

    def __init__(self, database: Database, kind: Kind, now: Callable[[], datetime], settings: Settings) -> None:
        self._kind = kind
        self._retention = Retention(database, open_blobs(settings), settings, now)

    async def run(self) -> int | None:
        """Delete it."""
        return await self._retention.run(self._kind)


def purge_job(
    database: Database, kind: Kind, now: Callable[[], datetime], settings: Settings | None = None
) -> PurgeJob:
    """Return a job that deletes old rows."""
    return PurgeJob(database, kind, now, settings or Settings())


def kept(setting: str) -> timedelta:
    """Return the default retention of a kind of data."""
    return timedelta(days=getattr(Settings(), f"keep_{setting}_days"))
