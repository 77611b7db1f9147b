"""The orders of lists of tickets."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, convert

from clearline.catalogue.assessment import Priority
from clearline.clock import Span
from clearline.fields.comparison_domain import number_of
from clearline.fields.domain import RANGED, Field, FieldType
from clearline.fields.type_domain import file_text
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


class OwnKind(StrEnum):
    """How values of an own field are compared: as numbers, which dates and moments are too, or as text."""

    NUMBER = "own_number"
    TEXT = "own_text"


class OwnOrder(Struct, frozen=True, eq=False):
    """The order by an own field of tickets: only the open tickets that have a value of it."""

    field: Field

    @property
    def kind(self) -> OwnKind:
        """How the values are compared."""
        return OwnKind.NUMBER if self.field.type in RANGED else OwnKind.TEXT

    def __str__(self) -> str:
        """Return its name."""
        return f"{OWN_FIELD}{self.field.key}"


AnyOrder = Order | OwnOrder
Key = datetime | float | str
"""A sort key: a time, a rank, a number or a text."""

OWN_FIELD = "field."
"""How the names of orders by own fields begin; they end with the key of the field."""
UNSORTED = frozenset({FieldType.LONG_TEXT, FieldType.CHOICES})
"""Types of own fields that are in no order."""

RANKS = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}
"""The sort key of each priority."""

OF_OPEN = frozenset({Order.PRIORITY, Order.UPDATED, Order.STATUS_CHANGED, Order.OCCURRED, Order.REMINDER})
"""The orders that only the open tickets have an index for."""

SORTS = tuple(f"{sign}{order}" for order in Order for sign in ("-", ""))
"""How orders are named: with a minus, the keys and the numbers descend."""


def own_key(field: Field, value: object) -> Key:
    """Return the sort key of a value of an own field. Lists compare text in lower case, which they see to."""
    return number_of(field, value, 0) if field.type in RANGED else file_text(value)


def key_in(order: AnyOrder, key: object) -> Key:
    """Return a sort key from a cursor, where a time is text.

    Raises:
        ValueError: it is a key of another order.
    """
    if isinstance(order, OwnOrder):
        kind: type[Any] = str if order.kind is OwnKind.TEXT else float
    else:
        kind = int if order in {Order.NUMBER, Order.PRIORITY} else datetime
    found: Key = convert(key, kind)
    return found


def key_of(ticket: Ticket, order: AnyOrder) -> Key:
    """Return the sort key of a ticket, as the provider's people see it."""
    if isinstance(order, OwnOrder):
        return own_key(order.field, ticket.fields.get(order.field.key))
    match order:
        case Order.PRIORITY:
            return RANKS[ticket.priority]
        case Order.OCCURRED:
            return ticket.occurred_at or ticket.created_at
        case Order.REMINDER:  # one without would stand behind those that have one
            return ticket.reminder_at or Span().until
    key: Key = getattr(ticket, order)
    return key
