"""The status of a ticket: which moves it allows, which of them are the customer's, and what a move changes."""

from datetime import datetime

from msgspec.structs import replace

from clearline.errors import Forbidden, IllegalTransition, InvalidInput, Violation, require_valid
from clearline.events.domain import StatusChanged
from clearline.text import check_text, is_blank
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import Source

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
ACCEPTS_NOTES = OPEN
"""The statuses in which a ticket takes notes and attachments: after its end nobody would read them."""

CUSTOMER_TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.IN_PROGRESS: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.PENDING: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
}
"""The moves that are the customer's to make: ask for the end, accept the repair, or say that it is none."""

CUSTOMER_ANSWERED = StatusChanged(Status.PENDING, Status.IN_PROGRESS, "the customer answered")
"""The move that a customer's note makes: a ticket that waits for the customer goes on (MEF 124, 7.2.3)."""


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


def check_customer_move(before: Status, to: Status, reason: str) -> None:
    """Refuse a move that is not the customer's to make, or one that has to have a reason and has none.

    Raises:
        Forbidden: the move is not in ``CUSTOMER_TRANSITIONS``.
        InvalidInput: a ticket is reopened, and ``reason`` is blank.
    """
    if to not in CUSTOMER_TRANSITIONS.get(before, frozenset()):
        raise Forbidden("only the provider's people may make this move")
    if to is Status.REOPENED and is_blank(reason):
        raise InvalidInput([Violation("reason", "must say why the repair is none")])


def move_by_note(source: Source) -> StatusChanged | None:
    """Return the move that a note of this side makes if the ticket's status is the one before it, or None."""
    return CUSTOMER_ANSWERED if source is Source.BUYER else None


def force_status(ticket: Ticket, to: Status, *, reason: str, now: datetime) -> tuple[Ticket, StatusChanged]:
    """Return the ticket in a status that ``TRANSITIONS`` need not allow, as merging and undoing a merge do.

    ``resolved_at`` stays, so that undoing a merge restores a resolved ticket as it was.

    Raises:
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    require_valid(check_text("reason", reason, least=0, most=REASON_MAX))
    moved = replace(ticket, status=to, status_changed_at=now, updated_at=now, version=ticket.version + 1)
    return moved, StatusChanged(before=ticket.status, after=to, reason=reason)
