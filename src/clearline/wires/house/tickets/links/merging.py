"""House API v1: merge tickets, undo a merge, split a ticket. For the provider's people only."""

from clearline.drafts import pending_usecases as pending
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import parse_worklog_id
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS, check_if_match
from clearline.wires.house.tickets.links import merging_wire as wire
from clearline.wires.house.tickets.mapping import ticket_out
from clearline.wires.house.tickets.wire import TicketOut
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation


async def merge_ticket(call: Call) -> TicketOut:
    """Merge a ticket into another."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.MergeIn)
    into = access.parse_number(body.into)
    async with call.transaction() as tx:
        waiting = await pending.lock_waiting(tx, call.actor, number)
        await check_if_match(call, tx, number, into)
        await pending.send_early(tx, waiting, notes_max=call.services.settings.ticket_notes_max, now=call.now)
        merged = await merging.merge_ticket(tx, call.actor, number, into, reason=body.reason, now=call.now)
    return ticket_out(merged, call.actor)


async def unmerge_ticket(call: Call) -> TicketOut:
    """Undo a merge."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.UnmergeIn)
    async with call.transaction() as tx:
        unmerged = await merging.unmerge_ticket(tx, call.actor, number, reason=body.reason, now=call.now)
    return ticket_out(unmerged, call.actor)


async def split_ticket(call: Call) -> TicketOut:
    """Create a ticket from a part of another."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.SplitIn)
    async with call.transaction() as tx:
        created = await merging.split_ticket(
            tx,
            call.actor,
            number,
            title=body.title,
            description=body.description,
            notes=tuple(parse_worklog_id(note_id) or 0 for note_id in body.notes),
            channel=Channel.API,
            now=call.now,
        )
    call.location = f"{TICKETS}/{ticket_number(created.ticket.number)}"
    return ticket_out(created, call.actor)


OPERATIONS = (
    Operation(
        "mergeTicket", "POST", TICKETS + "/{number}/merge", merge_ticket,
        "Merge a ticket into another", "Closes the ticket. Its notes, links and files appear among those of the "
        "target, and its watchers also watch the target. The ticket must be open or resolved, the target open, and "
        "both must belong to the same company. Returns the ticket that was merged.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.MergeIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
    Operation(
        "unmergeTicket", "POST", TICKETS + "/{number}/unmerge", unmerge_ticket,
        "Undo a merge", "Restores the status that the ticket had before the merge. Watchers that the merge added to "
        "the target keep watching it.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.UnmergeIn, path_parameters=NUMBER, errors=(404,),
    ),
    Operation(
        "splitTicket", "POST", TICKETS + "/{number}/split", split_ticket,
        "Split a ticket", "Creates a ticket with the same company, service, contact and issue type, with copies "
        "of the given notes, and links it to this ticket. Returns the new ticket.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.SplitIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
)  # fmt: skip
