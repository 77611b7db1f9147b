"""House API v1: create, list, get and change tickets."""

from typing import Any

from msgspec.structs import replace

from clearline.drafts import pending_usecases as pending
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import ReminderChange
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.list_store import Position
from clearline.tickets.list_usecases import order_named
from clearline.tickets.lists.order import Order
from clearline.wires.house import paging
from clearline.wires.house.parameters import company_in_body, id_in_body, query_refusals
from clearline.wires.house.tickets import wire
from clearline.wires.house.tickets.fault_mapping import fault_values
from clearline.wires.house.tickets.filters import filter_of, has_more_filters, key_reader, sort_keys
from clearline.wires.house.tickets.mapping import (
    event_out,
    list_reader,
    new_ticket,
    people_in_body,
    ticket_out,
    ticket_reader,
)
from clearline.wires.house.tickets.part_wire import TicketListQuery, TicketPart, TicketQuery
from clearline.wires.house.tickets.parts import expanded_lists, expanded_tickets, part_of, part_tag
from clearline.wires.house.tickets.progress_wire import facts_in, values_in
from clearline.wires.house.wire import Page, PageQuery, set_fields, wire_names
from clearline.wires.http.call import Call
from clearline.wires.http.edge import header
from clearline.wires.http.table import Operation

TICKETS = "/api/v1/tickets"
NUMBER: dict[str, dict[str, Any]] = {
    "number": {
        "description": "The ticket's number.",
        "example": "INC000001234567",
        "schema": {"type": "string", "pattern": "^INC[0-9]{12}$"},
    }
}

_NAMES = {"queue": "queue_id", "assignee": "assignee_id"}
"""Names of this wire that differ from those of the domain."""


async def check_if_match(call: Call, tx: Tx, number: int, *others: int) -> None:
    """Lock a ticket and compare its ETag with If-Match; do nothing without that header.

    ``others`` are the tickets that the request changes too. All are locked in the order of their numbers.

    Raises:
        PreconditionFailed: the ticket has another ETag.
    """
    if header(call.scope, b"if-match") is not None:
        numbers = sorted({number, *others})
        locked = {each: await ticket_changes.lock_ticket(tx, call.actor, each) for each in numbers}
        call.check_if_match(ticket_out(locked[number], call.actor))


async def list_tickets(call: Call) -> Page[Any]:
    """List tickets, by default the newest first, or the members of them that the query names."""
    query: TicketListQuery = call.query
    parts: dict[str, dict[str, Page[Any]]] = {}
    is_plain = query.sort.removeprefix("-") == Order.NUMBER and not has_more_filters(query)
    with query_refusals():
        async with call.statement() if is_plain and query.expand is None else call.transaction() as tx:
            order, newest_first = await order_named(tx, call.actor, query.sort)
            keys_by = Order.CREATED if order is Order.NUMBER and (query.since or query.until) else order
            after: Position | None = paging.read_cursor(call, key_reader(keys_by))
            listed = await ticket_lists.list_tickets_as(
                list_reader(call.actor, query.fields),
                tx,
                call.actor,
                await filter_of(tx, call.actor, query),
                after=after,
                limit=query.limit + 1,
                newest_first=newest_first,
                order=order,
                seconds=None if is_plain else call.services.settings.search_seconds,
            )
            if query.expand is not None:
                parts = await expanded_tickets(call, tx, listed[: query.limit], query.expand)

    def part(ticket: wire.TicketSummary) -> Any:
        return replace(part_of(ticket, query.fields), **parts.get(ticket.number, {}))

    return paging.page(
        call, listed, sort_keys(keys_by), None if query.fields is None and query.expand is None else part
    )


async def create_ticket(call: Call) -> wire.TicketOut:
    """Create a ticket."""
    body = call.body(wire.TicketIn)
    new = new_ticket(body, call.actor)
    async with call.transaction() as tx:
        company_id = None if body.company is None else await company_in_body(tx, call.actor, body.company)
        if company_id is None and call.actor.is_staff:
            raise InvalidInput(
                [Violation("company", "is required: on whose behalf is the ticket raised?", RuleCode.REQUIRED)]
            )
        named = people_in_body(body)
        created = await tickets.create_ticket(
            tx, call.actor, new, company_id=company_id, requires_fields=True,
            people=[name for name, listed in named.items() if listed], now=call.now,
        )  # fmt: skip
        if named:
            await people.begin_with(tx, call.actor, created.ticket, **named, now=call.now)
        view = await tickets.get_ticket(tx, call.actor, created.ticket.number)
    call.location = f"{TICKETS}/{ticket_number(view.ticket.number)}"
    return ticket_out(view, call.actor)


async def get_ticket(call: Call) -> Any:
    """Get a ticket, or what the query names of it and of its lists."""
    number = access.parse_number(call.path["number"])
    query: TicketQuery = call.query
    if query.fields is None and query.expand is None:
        async with call.statement() as tx:
            return await tickets.get_ticket_as(ticket_reader(call.actor), tx, call.actor, number)
    async with call.transaction() as tx:
        ticket = await tickets.get_ticket_as(ticket_reader(call.actor), tx, call.actor, number)
        lists = await expanded_lists(call, tx, number, query.expand)
    part = replace(part_of(ticket, query.fields), **lists)
    call.headers.append((b"etag", part_tag(ticket, part)))
    return part


async def change_ticket(call: Call) -> wire.TicketOut:
    """Change values of a ticket."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.TicketPatch)
    async with call.transaction() as tx:
        locked = await ticket_changes.lock_ticket(tx, call.actor, number)
        call.check_if_match(ticket_out(locked, call.actor))
        values = _values(body, locked, call.actor)
        facts = values_in(values)
        if named := people_in_body(body):
            await people.set_people(tx, call.actor, number, **named, now=call.now)
        with wire_names(_NAMES):
            changed = await ticket_changes.change_ticket(tx, call.actor, number, values, now=call.now)
        if facts:
            changed = await ticket_changes.change_facts(tx, call.actor, number, facts, now=call.now)
    return ticket_out(changed, call.actor)


def _values(body: wire.TicketPatch, current: TicketView, actor: Actor) -> dict[str, Any]:
    """Return the values that a merge patch sets, by the names of ``TicketValues``."""
    values = set_fields(body)
    for name in ("contacts", "cc"):
        values.pop(name, None)
    if "contact" in values:
        values["contact"] = replace(current.ticket.contact, **set_fields(values["contact"]))
    if "asked" in values:
        requested = values.pop("asked") or wire.AskedPatch(None, None)
        values |= {f"asked_{name}": value for name, value in set_fields(requested).items()}
    if "tags" in values:
        values["tags"] = tuple(values["tags"])
    if "external_ids" in values:
        ids = values["external_ids"]
        merged = {} if ids is None else current.ticket.external_ids | ids
        values["external_ids"] = {system: number for system, number in merged.items() if number is not None}
    if values.get("reminder") is not None:
        values["reminder"] = ReminderChange(**set_fields(values["reminder"]))
    if "fields" in values and values["fields"] is None:
        values["fields"] = dict.fromkeys(current.ticket.fields)
    for name, kind in (("queue", "queue"), ("assignee", "user")):
        if name in values:
            values[f"{name}_id"] = id_in_body(name, values.pop(name), kind, actor)
    return fault_values(values, current.ticket)


async def move_ticket(call: Call) -> wire.TicketOut:
    """Move a ticket to another status, after what its author has waiting to be sent in the console."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.StatusIn)
    async with call.transaction() as tx:
        waiting = await pending.lock_waiting(tx, call.actor, number)
        await check_if_match(call, tx, number)
        await pending.send_early(tx, waiting, notes_max=call.services.settings.ticket_notes_max, now=call.now)
        await ticket_changes.move_ticket(
            tx, call.actor, number, body.status, reason=body.reason,
            facts=facts_in(body.sub_status, body.waiting, body.closure),
            customer_closes=call.services.settings.customers_close, now=call.now,
        )  # fmt: skip
        return ticket_out(await tickets.get_ticket(tx, call.actor, number), call.actor)


async def tag_ticket(call: Call) -> wire.TicketOut:
    """Add and remove tags."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.TagsIn)
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        changed = await ticket_changes.tag(
            tx, call.actor, number, add=tuple(body.add), remove=tuple(body.remove), now=call.now
        )
    return ticket_out(changed, call.actor)


async def ticket_history(call: Call) -> Page[wire.EventOut]:
    """List the events of a ticket, oldest first."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, int) or 0
    async with call.statement() as tx:
        events = await tickets.history(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, events, lambda event: [event.offset.id], event_out)


OPERATIONS = (
    Operation(
        "listTickets", "GET", TICKETS, list_tickets,
        "List tickets", "Newest first, or as `sort` says; `fields` and `expand` choose what is returned of each. "
        "Customers see their own company's tickets, and those of companies that share theirs with it. A list by "
        "queue, team or assignee has open tickets only, unless a "
        "company is named; so has one by the last change, unless `since` is given, and one sorted by priority, change "
        "or status. A ticket that moves in the order between two pages may be listed twice or not at all. A list that "
        "takes longer than `CLEARLINE_SEARCH_SECONDS` (5 by default), because few tickets match its filters, is "
        "refused: name a company, or use the search. For text, use the search; to follow every change, the events.",
        Scope.TICKETS_READ, Page[wire.TicketSummary], query=TicketListQuery, errors=(400,),
        part=Page[TicketPart],  # type: ignore[valid-type]
    ),
    Operation(
        "createTicket", "POST", TICKETS, create_ticket,
        "Create a ticket", "Text is stored exactly as sent. The provider's people must name the company.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.TicketIn, status=201,
    ),
    Operation(
        "getTicket", "GET", TICKETS + "/{number}", get_ticket,
        "Get a ticket", "A ticket of another company is answered with 404. The ETag of a part of it, and of a ticket "
        "with lists, can be sent in If-Match too.",
        Scope.TICKETS_READ, wire.TicketOut, query=TicketQuery, path_parameters=NUMBER, errors=(400, 404),
        part=TicketPart,
    ),
    Operation(
        "changeTicket", "PATCH", TICKETS + "/{number}", change_ticket,
        "Change a ticket", "Sets the values in the merge patch. If nothing changes, no event is stored.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.TicketPatch, path_parameters=NUMBER, errors=(404,),
        conditional=True,
    ),
    Operation(
        "moveTicket", "POST", TICKETS + "/{number}/status", move_ticket,
        "Change the status of a ticket",
        "Customers can request cancellation, close or reopen a resolved ticket, and close one that is acknowledged or "
        "in progress with a reason, unless `CLEARLINE_CUSTOMERS_CLOSE` is off.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.StatusIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
    Operation(
        "tagTicket", "POST", TICKETS + "/{number}/tags", tag_ticket,
        "Tag a ticket", "Adds and removes tags. Tags are stored in lower case. For the provider's people.",
        Scope.TICKETS_WRITE, wire.TicketOut, body=wire.TagsIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
    Operation(
        "ticketHistory", "GET", TICKETS + "/{number}/history", ticket_history,
        "List the history of a ticket", "Its events, oldest first: who changed what and when, with the values before "
        "and after.",
        Scope.TICKETS_READ, Page[wire.EventOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
)  # fmt: skip
