"""Route new tickets, and assign those that people move to a queue."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from clearline.errors import NotFound
from clearline.events.consumer import consumer
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.platform.database import transactions
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.routing import usecases as routing
from clearline.routing.domain import RoutingRule
from clearline.tickets.domain import ticket_number

NAME = "routing"
"""The name of the job and of its event consumer."""

ATTEMPTS = 3
"""How often a ticket is tried before the worker continues with the next one."""

_log = structlog.get_logger("clearline.worker")


def routing_job(database: Database, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job that routes new tickets and assigns those that were moved to a queue.

    Each ticket has its own transaction: nobody waits for more than one, and a failure concerns one ticket. Routing is
    safe to repeat, so a process may die between the two transactions.
    """

    async def handle(tx: Tx, events: list[Event]) -> None:
        relevant = [event for event in events if _is_relevant(event)]
        rules = await routing.active_rules(tx) if relevant else []
        # Without rules a new ticket stays where it is: it has no queue, and so no agents.
        for number in dict.fromkeys(
            event.ticket_number for event in relevant if rules or event.type == EventType.TICKET_ROUTED
        ):
            if number is not None:
                await _route(database, number, rules, now)

    return consumer(database, NAME, handle)


def _is_relevant(event: Event) -> bool:
    """Return whether a ticket is new, or was moved to a queue by a person."""
    if event.type == EventType.TICKET_ROUTED:
        return event.data["rule"] is None and event.data["after"] is not None
    return event.type == EventType.TICKET_CREATED


async def _route(database: Database, number: int, rules: Sequence[RoutingRule], now: Callable[[], datetime]) -> None:
    active_rules: Sequence[RoutingRule] | None = rules
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            async with database.transaction() as tx:
                await transactions.set_lock_timeout(tx)  # a ticket that somebody has locked must not stop the others
                await routing.route_new_ticket(tx, number, rules=active_rules, now=now())
        except DatabaseUnavailable:
            raise  # the whole batch is retried later
        except NotFound:
            return  # the ticket was deleted in the meantime
        except Exception:  # noqa: BLE001 - a ticket's fault must not stop the others
            if attempts_left:
                active_rules = None  # a rule or its queue may be deleted
                continue
            _log.exception("ticket not routed: route it by hand", ticket=ticket_number(number))
        return
