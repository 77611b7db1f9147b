"""Read the state of the desk for metrics: some small statements, whatever the size of the desk."""

from datetime import datetime

from msgspec import Struct

from clearline.backup import store as backup_store
from clearline.backup.store import LastBackup
from clearline.health import usecases as health
from clearline.health.domain import Backlog
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound.mailbox_store import PollState
from clearline.metrics import store
from clearline.metrics.store import Counts
from clearline.platform.database.horizon import OldestTransaction, oldest_transaction
from clearline.platform.database.server import database_size, version_and_time
from clearline.platform.database.transactions import Tx

MAILBOXES_MAX = 100
"""Mailboxes that have a series of their own: those that have waited longest for a poll that succeeds."""


class DeskState(Struct, frozen=True):
    """The state of the desk at a moment. It is the same whichever server reads it."""

    at: datetime
    postgresql: str
    size: int
    counts: Counts
    consumers: list[Backlog]
    work: list[Backlog]
    oldest: OldestTransaction | None
    mailboxes: list[PollState]
    last_backup: LastBackup | None


async def read_state(tx: Tx) -> DeskState:
    """Return the state of the desk, by the clock of the database."""
    version, at = await version_and_time(tx)
    mailboxes = sorted(await mailbox_store.poll_states(tx), key=last_success)
    return DeskState(
        at,
        version,
        await database_size(tx),
        await store.counts(tx, limit=health.COUNT_MAX),
        await health.consumer_backlogs(tx),
        await health.work_backlogs(tx),
        await oldest_transaction(tx),
        mailboxes[:MAILBOXES_MAX],
        await backup_store.last_backup(tx),
    )


def last_success(state: PollState) -> datetime:
    """Return when a mailbox was last polled without an error; while polls fail, the time of the first that failed."""
    return state.polled_at if state.failing_since is None else state.failing_since
