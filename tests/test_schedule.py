"""The background jobs, and what they log."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from clearline import schedule
from clearline.events.consumer import CONSUMERS
from clearline.notifications import worker as notification_worker
from clearline.platform.database.server import version_and_time
from clearline.platform.database.transactions import Database
from clearline.platform.postgres.releases import AGE_MAX, release_date
from clearline.routing import worker as routing_worker
from clearline.search import index_usecases
from clearline.tickets.chronic import worker as chronic_worker
from clearline.webhooks import worker as webhook_worker


def test_every_consumer_has_a_name_in_the_list() -> None:
    names = [routing_worker.NAME, chronic_worker.NAME, index_usecases.CONSUMER, webhook_worker.NAME]
    assert sorted([*names, notification_worker.NAME]) == sorted(CONSUMERS)


async def test_an_old_minor_version_is_logged_after_the_start_and_once_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.statement() as tx:
        version, _at = await version_and_time(tx)
    day = release_date(version)
    assert day is not None
    recent = datetime(day.year, day.month, day.day, tzinfo=UTC) + AGE_MAX
    clock = [1000.0]
    monkeypatch.setattr(schedule, "monotonic", lambda: clock[0])
    with capture_logs() as logs:
        await schedule.age_job(database, lambda: recent).run()
        assert logs == []
        job = schedule.age_job(database, lambda: recent + timedelta(days=1))
        for seconds in (0, 5, 24 * 3600 - 1, 24 * 3600, 24 * 3600 + 5):
            clock[0] = 1000.0 + seconds
            await job.run()
    assert [(line["log_level"], line["event"]) for line in logs] == [("warning", "PostgreSQL is old")] * 2
    assert logs[0]["detail"].startswith(f"PostgreSQL {version.split()[0]} is at least 101 days old ({day}): ")
