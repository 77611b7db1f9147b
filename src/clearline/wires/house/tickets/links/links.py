"""House API v1: links between tickets."""

from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.tickets.links import usecases as links
from clearline.tickets.links.domain import LinkType
from clearline.wires.house import paging
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import time_and_id, time_and_id_keys
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.tickets.links import link_wire as wire
from clearline.wires.house.tickets.links.mapping import link_out
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_LINKS = TICKETS + "/{number}/links"
_ID = id_in_path("id", "The link's id.", example=EXAMPLE_ID)


async def list_links(call: Call) -> Page[wire.LinkOut]:
    """List the links of a ticket."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, time_and_id)
    async with call.statement() as tx:
        linked_tickets = await links.list_links(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, linked_tickets, lambda linked: time_and_id_keys(linked.link), link_out)


async def add_link(call: Call) -> wire.LinkOut:
    """Link a ticket to another."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.LinkIn)
    other = access.parse_number(body.ticket)
    async with call.transaction() as tx:
        added = await links.add_link(tx, call.actor, number, LinkType(body.type), other, now=call.now)
    call.location = f"{TICKETS}/{ticket_number(number)}/links/{added.link.id}"
    return link_out(added)


async def get_link(call: Call) -> wire.LinkOut:
    """Get a link of a ticket."""
    number = access.parse_number(call.path["number"])
    link_id = uuid_of(call.path["id"], links.KIND)
    async with call.statement() as tx:
        return link_out(await links.get_link(tx, call.actor, number, link_id))


async def remove_link(call: Call) -> None:
    """Remove a link."""
    number = access.parse_number(call.path["number"])
    link_id = uuid_of(call.path["id"], links.KIND)
    async with call.transaction() as tx:
        call.check_if_match(link_out(await links.lock_link(tx, call.actor, number, link_id)))
        await links.remove_link(tx, call.actor, number, link_id, now=call.now)


OPERATIONS = (
    Operation(
        "listLinks", "GET", _LINKS, list_links,
        "List the links of a ticket", "Oldest first, with the links of tickets merged into it. Customers see links to "
        "their own tickets only.",
        Scope.TICKETS_READ, Page[wire.LinkOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addLink", "POST", _LINKS, add_link,
        "Link a ticket to another", "The link is visible from both tickets, with the opposite type at the other end. "
        "A ticket has at most 200 links, and cannot become its own ancestor.",
        Scope.TICKETS_WRITE, wire.LinkOut, body=wire.LinkIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
    Operation(
        "getLink", "GET", _LINKS + "/{id}", get_link,
        "Get a link", "A link of the ticket or of one merged into it, with the current title and status of the other "
        "ticket.",
        Scope.TICKETS_READ, wire.LinkOut, path_parameters=NUMBER | _ID, errors=(404,),
    ),
    Operation(
        "removeLink", "DELETE", _LINKS + "/{id}", remove_link,
        "Remove a link", "Removes it from both of its tickets. Customers can remove `related` links.",
        Scope.TICKETS_WRITE, None, path_parameters=NUMBER | _ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
