"""The status of a ticket: which moves it allows, which of them are the customer's, and what a move changes."""

from datetime import datetime

from msgspec.structs import replace

from clearline.errors import IllegalTransition, InvalidInput
from clearline.events.domain import StatusChanged
from clearline.text import check_text
from clearline.tickets.domain import Status, Ticket

REASON_MAX = 1000

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset(
        {
            Status.IN_PROGRESS,
            Status.PENDING,
            Status.HELD,
            Status.REJECTED,
            Status.CANCELLED,
            Status.CANCELLATION_REQUESTED,
        }
    ),
    Status.IN_PROGRESS: frozenset(
        {Status.PENDING, Status.HELD, Status.RESOLVED, Status.CANCELLED, Status.CANCELLATION_REQUESTED}
    ),
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.HELD, Status.CANCELLED, Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.IN_PROGRESS, Status.PENDING, Status.CANCELLED, Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
    Status.REOPENED: frozenset({Status.IN_PROGRESS}),
    Status.CANCELLATION_REQUESTED: frozenset({Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
    Status.CLOSED: frozenset(),
    Status.REJECTED: frozenset(),
}
"""The moves. TM Forum gives an example and no table (TMF621 v4, 4.1); this one also keeps MEF 124's (table 10)."""

FINISHED = frozenset(status for status, moves in TRANSITIONS.items() if not moves)
OPEN = frozenset(Status) - FINISHED
TAKES_NOTES = OPEN
"""A note on a ticket that has ended would be read by nobody."""

CUSTOMER_TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.IN_PROGRESS: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.PENDING: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
}
"""The moves that are the customer's to make: ask for the end, accept the repair, or say that it is none."""


def change_status(ticket: Ticket, to: Status, *, reason: str, now: datetime) -> tuple[Ticket, StatusChanged]:
    """Return the ticket moved to another status, and the event that says so.

    Raises:
        IllegalTransition: the ticket's status does not allow the move.
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    if to not in TRANSITIONS[ticket.status]:
        raise IllegalTransition(ticket.status, to)
    moved, fact = force_status(ticket, to, reason=reason, now=now)
    if to is Status.RESOLVED:
        moved = replace(moved, resolved_at=now)
    elif to is Status.REOPENED:
        moved = replace(moved, resolved_at=None)
    return moved, fact


def force_status(ticket: Ticket, to: Status, *, reason: str, now: datetime) -> tuple[Ticket, StatusChanged]:
    """Return the ticket in a status that ``TRANSITIONS`` need not allow, as merging and undoing a merge do.

    ``resolved_at`` stays, so that undoing a merge restores a resolved ticket as it was.

    Raises:
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    if violations := check_text("reason", reason, least=0, most=REASON_MAX):
        raise InvalidInput(violations)
    moved = replace(ticket, status=to, status_changed_at=now, updated_at=now, version=ticket.version + 1)
    return moved, StatusChanged(before=ticket.status, after=to, reason=reason)
