"""What is being done with all deliveries of a subscription, and how far it is."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Action(StrEnum):
    """What is done with all deliveries that a subscription has."""

    GIVE_UP = "give_up"
    """Those that wait become dead letters: the server disabled the subscription."""
    RESUME = "resume"
    """Those that wait for a retry are due now: the subscription was activated, or has another URL."""
    DELETE = "delete"
    """All are deleted, and the subscription with the last of them: nobody sees it any more."""


class DeliveryAction(Struct, frozen=True):
    """An action in progress. ``done`` deliveries of ``total`` were looked at; ``total`` is None until they are counted.

    It reaches the deliveries with a number up to ``through``, in the order of their numbers; ``after`` is the number of
    the last one that was looked at.
    """

    action: Action
    after: int
    through: int
    done: int
    total: int | None
    started_at: datetime
