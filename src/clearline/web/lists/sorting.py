"""The orders in which the console lists tickets, and where a list continues in each."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Position
from clearline.tickets.lists.order import AnyOrder, Key, Order, key_in, key_of
from clearline.wires.http.cursors import InvalidCursor


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


class Sort(Struct, frozen=True):
    """An order with its name in addresses, and its words. ``newest_first``: keys and numbers descend."""

    name: str
    label: str
    order: AnyOrder
    newest_first: bool

    @property
    def stored(self) -> str:
        """The name of the order in saved views."""
        return f"{'-' if self.newest_first else ''}{self.order}"

    def keys(self, view: TicketView) -> list[Key]:
        """Return the sort keys of a ticket."""
        ticket = view.ticket
        if self.order is Order.NUMBER:
            return [ticket.number]
        return [key_of(ticket, self.order), ticket.number]

    def position(self, keys: list[object]) -> Position:
        """Return where a list continues, from the keys in a cursor.

        Raises:
            InvalidCursor: they are those of another order.
        """
        try:
            if self.order is Order.NUMBER:
                return msgspec.convert(keys, tuple[int])[0]
            key, number = msgspec.convert(keys, tuple[Any, int])
            return key_in(self.order, key), number
        except msgspec.ValidationError:
            raise InvalidCursor from None

    def is_before(self, view: TicketView, other: TicketView) -> bool:
        """Return whether a ticket stands before another one."""
        mine, others = ([_compared(key) for key in self.keys(each)] for each in (view, other))
        return mine > others if self.newest_first else mine < others


SORTS = (
    Sort("priority", _("Most urgent first"), Order.PRIORITY, newest_first=False),
    Sort("-number", _("Newest first"), Order.NUMBER, newest_first=True),
    Sort("number", _("Oldest first"), Order.NUMBER, newest_first=False),
    Sort("-updated", _("Last changed first"), Order.UPDATED, newest_first=True),
    Sort("updated", _("Longest unchanged first"), Order.UPDATED, newest_first=False),
    Sort("status", _("Longest in its status first"), Order.STATUS_CHANGED, newest_first=False),
    Sort("-status", _("Latest in its status first"), Order.STATUS_CHANGED, newest_first=True),
    Sort("occurred", _("Earliest fault first"), Order.OCCURRED, newest_first=False),
    Sort("-occurred", _("Latest fault first"), Order.OCCURRED, newest_first=True),
    Sort("-priority", _("Least urgent first"), Order.PRIORITY, newest_first=True),
    Sort("-created", _("Latest created first"), Order.CREATED, newest_first=True),
    Sort("created", _("Earliest created first"), Order.CREATED, newest_first=False),
    Sort("reminder", _("Next reminder first"), Order.REMINDER, newest_first=False),
    Sort("-reminder", _("Last reminder first"), Order.REMINDER, newest_first=True),
)
"""The first is the default: within a priority, the oldest first."""
DEFAULT = SORTS[0]


def _compared(key: Any) -> Any:
    """Return a sort key as lists compare it: text in lower case."""
    return key.lower() if isinstance(key, str) else key


def sort_named(name: str, stored: str | None = None, sorts: Sequence[Sort] = SORTS) -> Sort:
    """Return the order of a name; for any other text that which a view stores, or else the default."""
    default = next((sort for sort in sorts if sort.stored == stored), DEFAULT)
    return next((sort for sort in sorts if sort.name == name), default)
