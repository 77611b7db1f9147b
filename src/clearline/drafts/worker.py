"""Send messages that can no longer be taken back: each in one transaction with its deletion.

If the process dies, the message either was sent once or is still due. Several processes may send at the same time: each
locks the message that it sends.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from clearline.drafts import pending_store
from clearline.drafts import pending_usecases as pending
from clearline.errors import DeskError
from clearline.logs import Logger
from clearline.platform.database import transactions
from clearline.platform.database.errors import TRANSIENT, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.defaults import TICKET_NOTES_MAX

NAME = "messages"
POLL_SECONDS = 0.5
"""The seconds between two looks for messages that are due."""
AT_ONCE = 100
RETRY = timedelta(seconds=2)
"""The pause after a conflict with another transaction."""

_log = Logger("clearline.messages")
Clock = Callable[[], datetime]


def send_job(database: Database, now: Clock, *, notes_max: int = TICKET_NOTES_MAX) -> PeriodicJob:
    """Return the job that sends what is due. ``notes_max`` is as for ``note_usecases.add_note``."""

    async def run() -> int:
        for count in range(AT_ONCE):
            if not await _send_next(database, now, notes_max):
                return count
        return AT_ONCE

    return PeriodicJob(NAME, POLL_SECONDS, run, batch=AT_ONCE)


async def _send_next(database: Database, now: Clock, notes_max: int) -> bool:
    """Send the next message; return False when none is due. One that cannot be sent stays with the reason."""
    message = None
    try:
        async with database.transaction() as tx:
            message = await pending.lock_due(tx, now=now())
            if message is None:
                return False
            await transactions.set_lock_timeout(tx)
            await pending.send(tx, message, notes_max=notes_max, now=now())
            return True
    except DeskError as error:
        failure = str(error)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if message is None:
            raise
        if isinstance(error, StatementFailed) and error.sqlstate in TRANSIENT:
            async with database.statement() as tx:
                await pending_store.postpone(tx, message, until=now() + RETRY)
            return True
        _log.exception("message not sent", ticket=message.ticket_number)
        failure = "a fault of the desk; its log says more"
    if message is not None:
        async with database.statement() as tx:
            await pending_store.fail(tx, message, failure)
    return True
