"""House API v1: handovers of shifts as they travel."""

from clearline.handovers.domain import Group, Handover, HandoverDetails
from clearline.tickets.domain import ticket_number
from clearline.wires.house.handovers import wire
from clearline.wires.house.wire import Ref


def handover_out(handover: Handover) -> wire.HandoverOut:
    """Return a handover."""
    return wire.HandoverOut(
        str(handover.id), handover.at, Ref(str(handover.user_id), handover.user_name), handover.note,
        handover.open_count, handover.open_is_exact,
    )  # fmt: skip


def details_out(handover: HandoverDetails) -> wire.HandoverDetailsOut:
    """Return a handover with what was open then."""
    work = handover.work
    return wire.HandoverDetailsOut(
        str(handover.id), handover.at, Ref(str(handover.user_id), handover.user_name), handover.note,
        handover.open_count, handover.open_is_exact, _tickets(work.critical), _tickets(work.held),
        _tickets(work.longest),
    )  # fmt: skip


def _tickets(group: Group) -> wire.HandedOverTickets:
    tickets = [
        wire.HandedOverTicket(
            ticket_number(line.number), line.title, line.company, line.status, line.priority, line.assignee,
            line.updated_at,
        )
        for line in group.tickets
    ]  # fmt: skip
    return wire.HandedOverTickets(tickets, group.has_more)
