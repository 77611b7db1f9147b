"""The background jobs of a process, by name."""

from collections.abc import Callable
from datetime import datetime, timedelta

from clearline import schedule
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.settings import Settings


def purge_job(
    database: Database, name: str, now: Callable[[], datetime], settings: Settings | None = None
) -> PeriodicJob:
    """Return a job that deletes what is old."""
    [purge] = [job for job in schedule.purge_jobs(database, settings or Settings(), now) if job.name == f"purge {name}"]
    return purge


def kept(setting: str) -> timedelta:
    """Return how long something is kept by default."""
    return timedelta(days=getattr(Settings(), f"keep_{setting}_days"))
