"""Mark the tickets of chronic services after they were raised."""

from collections.abc import Callable
from datetime import datetime

import structlog

from clearline.events.consumer import consumer
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.platform.database import transactions
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.chronic import usecases as chronic
from clearline.tickets.chronic.domain import ChronicRule
from clearline.tickets.domain import ticket_number

NAME = "chronic"
"""The name of the job and of its event consumer."""

ATTEMPTS = 3
"""How often a ticket is tried before the worker continues with the next one."""

_log = structlog.get_logger("clearline.worker")


def chronic_job(database: Database, rule: ChronicRule, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job that marks new tickets of services with many tickets.

    Each ticket has its own transaction: nobody waits for more than one, and a failure concerns one ticket. Marking is
    safe to repeat, so a process may die between the two transactions.
    """

    async def handle(_tx: Tx, events: list[Event]) -> None:
        for event in events:
            if rule.tickets and event.type == EventType.TICKET_CREATED and event.ticket_number is not None:
                await _mark(database, event, rule, now)

    return consumer(database, NAME, handle)


async def _mark(database: Database, event: Event, rule: ChronicRule, now: Callable[[], datetime]) -> None:
    number = event.ticket_number or 0
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            async with database.transaction() as tx:
                await transactions.set_lock_timeout(tx)  # a ticket that somebody has locked must not stop the others
                await chronic.mark_new_ticket(tx, event.company_id, number, rule, now=now())
        except DatabaseUnavailable:
            raise  # the whole batch is retried later
        except Exception:  # noqa: BLE001 - a ticket's fault must not stop the others
            if attempts_left:
                continue
            _log.exception("not found out whether a service is chronic", ticket=ticket_number(number))
        return
