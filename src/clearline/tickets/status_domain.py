"""The status of a ticket: the allowed transitions, those of customers, and what a transition changes."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from clearline.errors import Forbidden, IllegalTransition, InvalidInput, RuleCode, Violation, require_valid
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
            Status.RESOLVED,
            Status.REJECTED,
            Status.CANCELLED,
            Status.CANCELLATION_REQUESTED,
        }
    ),
    Status.IN_PROGRESS: frozenset(
        {Status.PENDING, Status.HELD, Status.RESOLVED, Status.CANCELLED, Status.CANCELLATION_REQUESTED}
    ),
    Status.PENDING: frozenset(
        {Status.IN_PROGRESS, Status.HELD, Status.RESOLVED, Status.CANCELLED, Status.CANCELLATION_REQUESTED}
    ),
    Status.HELD: frozenset(
        {Status.IN_PROGRESS, Status.PENDING, Status.RESOLVED, Status.CANCELLED, Status.CANCELLATION_REQUESTED}
    ),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
    Status.REOPENED: frozenset({Status.IN_PROGRESS, Status.RESOLVED}),
    Status.CANCELLATION_REQUESTED: frozenset({Status.RESOLVED, Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
    Status.CLOSED: frozenset(),
    Status.REJECTED: frozenset(),
}
"""The allowed transitions; ``CUSTOMER_TRANSITIONS`` has those that only customers may make, too.

TM Forum gives an example and no table (TMF621 v4, 4.1). This one also keeps MEF 124's (table 10), and lets every open
ticket be resolved at once: what a carrier mended before anybody looked has no step in progress to be told of.
"""

REACHABLE = frozenset().union(*TRANSITIONS.values())
"""Every status that a ticket can move to."""

FINISHED = frozenset(status for status, targets in TRANSITIONS.items() if not targets)
OPEN = frozenset(Status) - FINISHED
State = Literal["open", "finished", "all"]
"""Which tickets a list or an export has: those whose status is in ``OPEN``, in ``FINISHED``, or both."""


def state_of(statuses: Collection[Status]) -> State:
    """Return the state that tickets of these statuses have: all, when some are open and some finished."""
    finished = [status in FINISHED for status in statuses]
    return "open" if not any(finished) else "finished" if all(finished) else "all"


ENDS_REMINDER = FINISHED | {Status.RESOLVED}
"""The statuses that end the reminder of a ticket that moves to them."""

ACCEPTS_NOTES = OPEN
"""The statuses in which a ticket accepts notes and attachments."""

CUSTOMER_CLOSES = frozenset({Status.ACKNOWLEDGED, Status.IN_PROGRESS})
"""The statuses in which customers may close a ticket that is not resolved, with a reason, if the provider allows it."""

CUSTOMER_TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset({Status.CANCELLATION_REQUESTED, Status.CLOSED}),
    Status.IN_PROGRESS: frozenset({Status.CANCELLATION_REQUESTED, Status.CLOSED}),
    Status.PENDING: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
}
"""The transitions that customers may make: request cancellation, close, or reopen."""

CONTINUED = StatusChanged(Status.PENDING, Status.IN_PROGRESS, "the customer answered")
"""The transition that an answer causes: a pending ticket is in progress again (MEF 124, 7.2.3)."""

OBJECTED = StatusChanged(Status.RESOLVED, Status.REOPENED, "the customer answered")
"""The transition that an answer causes unless it is turned off: the problem may not be solved."""


def customer_moves(status: Status, *, may_close: bool) -> frozenset[Status]:
    """Return the statuses to which customers may move a ticket.

    ``may_close`` is whether they may close one that is not resolved.
    """
    moves = CUSTOMER_TRANSITIONS.get(status, frozenset())
    return moves - {Status.CLOSED} if status in CUSTOMER_CLOSES and not may_close else moves


def change_status(
    ticket: Ticket, to: Status, *, reason: str, by_customer: bool = False, now: datetime
) -> tuple[Ticket, StatusChanged]:
    """Return the ticket in another status, and the event of the change.

    A ticket that its customer closes is resolved by that, too.

    Raises:
        IllegalTransition: the ticket's status does not allow the transition.
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    moves = TRANSITIONS[ticket.status]
    if by_customer:
        moves |= CUSTOMER_TRANSITIONS.get(ticket.status, frozenset())
    if to not in moves:
        raise IllegalTransition(ticket.status, to)
    moved, fact = force_status(ticket, to, reason=reason, now=now)
    if to is Status.RESOLVED or (to is Status.CLOSED and ticket.status is not Status.RESOLVED):
        moved = replace(moved, resolved_at=now)
    elif to is Status.REOPENED:
        moved = replace(moved, resolved_at=None)
    return moved, fact


def check_customer_move(before: Status, to: Status, reason: str, *, may_close: bool = True) -> None:
    """Refuse a transition that customers may not make, or that requires a reason and has none.

    ``may_close`` is as for ``customer_moves``.

    Raises:
        Forbidden: the transition is not one of ``customer_moves``.
        InvalidInput: a ticket is reopened, or closed before it is resolved, and ``reason`` is blank.
    """
    if to not in customer_moves(before, may_close=may_close):
        raise Forbidden("only the provider's people may make this change of status")
    if to is Status.CLOSED and before in CUSTOMER_CLOSES and is_blank(reason):
        raise InvalidInput([Violation("reason", "must say why the ticket is closed", RuleCode.REQUIRED)])
    if to is Status.REOPENED and is_blank(reason):
        raise InvalidInput([Violation("reason", "must say why the problem is not solved", RuleCode.REQUIRED)])


def moves_by_answer(source: Source, *, reopens: bool) -> tuple[StatusChanged, ...]:
    """Return the transitions that a note or file from this source causes, each if the ticket has the status before it.

    Only the customer answers. ``reopens`` is whether an answer reopens a resolved ticket.
    """
    if source is not Source.BUYER:
        return ()
    return (CONTINUED, OBJECTED) if reopens else (CONTINUED,)


def move_by_answer(ticket: Ticket, source: Source, *, reopens: bool) -> StatusChanged | None:
    """Return the one of ``moves_by_answer`` that a note or file causes for a ticket, or None."""
    return next((move for move in moves_by_answer(source, reopens=reopens) if move.before == ticket.status), None)


def force_status(ticket: Ticket, to: Status, *, reason: str, now: datetime) -> tuple[Ticket, StatusChanged]:
    """Return the ticket in a status that ``TRANSITIONS`` need not allow, as merging and undoing a merge do.

    ``resolved_at`` stays, so that undoing a merge restores a resolved ticket as it was. The sub-status and why the
    ticket waits belong to the status that it had.

    Raises:
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    require_valid(check_text("reason", reason, least=0, most=REASON_MAX))
    reminder = None if to in ENDS_REMINDER else ticket.reminder
    moved = replace(
        ticket,
        status=to,
        status_changed_at=now,
        updated_at=now,
        version=ticket.version + 1,
        sub_status=None,
        waiting=None,
        reminder=reminder,
    )
    return moved, StatusChanged(before=ticket.status, after=to, reason=reason)
