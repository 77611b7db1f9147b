"""Routes new tickets, and gives those that people put into a queue to its agents."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from clearline.errors import NotFound
from clearline.events.consumer import follower
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, DatabaseUnavailable, Tx
from clearline.platform.work.runner import Job
from clearline.routing import usecases as routing
from clearline.routing.domain import RoutingRule
from clearline.tickets.domain import ticket_number

NAME = "routing"
"""Of the job, and of its place in the log of events."""

TRIES = 3
"""How often a ticket is tried before the ones behind it go on."""

_log = structlog.get_logger("clearline.worker")


def routing_job(database: Database, now: Callable[[], datetime]) -> Job:
    """The job that follows new tickets and moves between queues.

    Each ticket has a transaction of its own: nobody waits for more than one, and one that fails spoils no other.
    Settling is safe to repeat, so a process may die between the two transactions.
    """

    async def handle(tx: Tx, found: list[Event]) -> None:
        concerned = [event for event in found if _concerns(event)]
        rules = await routing.active_rules(tx) if concerned else []
        # Without rules a new ticket stays where it is: it has no queue whose people could be given it.
        for number in dict.fromkeys(
            event.ticket_number for event in concerned if rules or event.type == EventType.TICKET_ROUTED
        ):
            if number is not None:
                await _settle(database, number, rules, now)

    return follower(database, NAME, handle)


def _concerns(event: Event) -> bool:
    """Whether a ticket is new, or went to a queue because a person said so."""
    if event.type == EventType.TICKET_ROUTED:
        return event.data["rule"] is None and event.data["after"] is not None
    return event.type == EventType.TICKET_CREATED


async def _settle(database: Database, number: int, rules: Sequence[RoutingRule], now: Callable[[], datetime]) -> None:
    known: Sequence[RoutingRule] | None = rules
    for tries_left in reversed(range(TRIES)):
        try:
            async with database.transaction() as tx:
                await transactions.set_lock_timeout(tx)  # a ticket that somebody holds must not stop the others
                await routing.route_new_ticket(tx, number, rules=known, now=now())
        except DatabaseUnavailable:
            raise  # the whole turn is put off
        except NotFound:
            return  # it was deleted since
        except Exception:  # noqa: BLE001 - a ticket's fault must not stop the others
            if tries_left:
                known = None  # a rule or its queue may be gone
                continue
            _log.exception("ticket not routed: route it by hand", ticket=ticket_number(number))
        return
