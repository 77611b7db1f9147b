"""The orders of lists of tickets."""

from datetime import datetime
from enum import StrEnum

from clearline.catalogue.assessment import Priority
from clearline.clock import Span
from clearline.tickets.domain import Ticket


class Order(StrEnum):
    """What a list of tickets is sorted by; tickets with the same value are sorted by number, in the same direction."""

    NUMBER = "number"
    PRIORITY = "priority"
    """By ``RANKS``: ascending, a critical ticket comes first."""
    CREATED = "created_at"
    UPDATED = "updated_at"
    """By the last change; for a customer by the last change that it sees."""
    STATUS_CHANGED = "status_changed_at"
    OCCURRED = "occurred_at"
    """By the beginning of the fault; a ticket that does not say it counts from when it was raised."""
    REMINDER = "reminder_at"
    """By when the reminder is due; only the tickets that have one."""


Key = datetime | int
"""A sort key: a time, a rank or a number."""

RANKS = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}
"""The sort key of each priority."""

OF_OPEN = frozenset({Order.PRIORITY, Order.UPDATED, Order.STATUS_CHANGED, Order.OCCURRED, Order.REMINDER})
"""The orders that only the open tickets have an index for."""

SORTS = tuple(f"{sign}{order}" for order in Order for sign in ("-", ""))
"""How orders are named: with a minus, the keys and the numbers descend."""


def key_of(ticket: Ticket, order: Order) -> Key:
    """Return the sort key of a ticket, as the provider's people see it."""
    match order:
        case Order.PRIORITY:
            return RANKS[ticket.priority]
        case Order.OCCURRED:
            return ticket.occurred_at or ticket.created_at
        case Order.REMINDER:  # one without would stand behind those that have one
            return ticket.reminder_at or Span().until
    key: Key = getattr(ticket, order)
    return key
