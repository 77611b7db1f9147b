"""The orders of lists of tickets."""

from enum import StrEnum

from clearline.catalogue.assessment import Priority


class Order(StrEnum):
    """What a list of tickets is sorted by; tickets with the same value are sorted by number, in the same direction."""

    NUMBER = "number"
    PRIORITY = "priority"
    """By ``RANKS``: ascending, a critical ticket comes first."""
    CREATED = "created_at"
    UPDATED = "updated_at"
    """By the last change; for a customer by the last change that it sees."""
    STATUS_CHANGED = "status_changed_at"


RANKS = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.MEDIUM: 3, Priority.LOW: 4}
"""The sort key of each priority."""

OF_OPEN = frozenset({Order.PRIORITY, Order.UPDATED, Order.STATUS_CHANGED})
"""The orders that only the open tickets have an index for."""

SORTS = tuple(f"{sign}{order}" for order in Order for sign in ("-", ""))
"""How orders are named: with a minus, the keys and the numbers descend."""
