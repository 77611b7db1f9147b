"""The job that goes on with what is done with all deliveries of a subscription."""

from collections.abc import Callable
from datetime import datetime

from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.webhooks.delivery_actions import usecases


def action_job(database: Database, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job, which any process can run: a batch each time."""

    async def run() -> int:
        async with database.transaction() as tx:
            return await usecases.go_on(tx, now=now())

    return PeriodicJob("change all deliveries of a subscription", 1, run, batch=1)
