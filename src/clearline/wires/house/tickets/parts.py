"""House API v1: parts of tickets, and tickets with what belongs to them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import xxhash
from msgspec import Struct

from clearline.platform.database.transactions import Tx
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import parse_ticket_number, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.wires.house.records import time_and_id_keys
from clearline.wires.house.tickets.attachments.mapping import attachment_out
from clearline.wires.house.tickets.links.mapping import link_out, watcher_out
from clearline.wires.house.tickets.mapping import note_out
from clearline.wires.house.tickets.part_wire import TicketPart
from clearline.wires.house.tickets.wire import TicketSummary
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call, encode, etag
from clearline.wires.http.cursors import list_id

_LIMIT = 50
"""Items of an expanded list: the default of its own address, to which the cursor belongs."""

_LIMIT_OF_MANY = 10
"""Items of an expanded list of each ticket in a list of tickets."""


class _List(NamedTuple):
    """A list of a ticket: how it is read, for one and for many, the sort keys of an item, and an item as a body."""

    read: Callable[..., Awaitable[Sequence[Any]]]
    read_many: Callable[..., Awaitable[Mapping[int, Sequence[Any]]]]
    keys: Callable[[Any], list[Any]]
    out: Callable[[Any], Any]


_LISTS = {
    "notes": _List(merging.notes_with_merged, merging.first_notes, lambda note: [note.note.number], note_out),
    "attachments": _List(attachments.list_attachments, attachments.first_attachments, time_and_id_keys, attachment_out),
    "links": _List(links.list_links, links.first_links, lambda linked: time_and_id_keys(linked.link), link_out),
    "watchers": _List(
        watchers.list_watchers, watchers.first_watchers, lambda watcher: [str(watcher.user.id)], watcher_out
    ),
}


def part_of(ticket: Struct, fields: str | None) -> Any:
    """Return the members of a ticket that ``fields`` names between commas; None for all of them."""
    names = ticket.__struct_fields__ if fields is None else {"number", *fields.split(",")}
    return TicketPart(**{name: getattr(ticket, name) for name in names})


async def expanded_lists(call: Call, tx: Tx, number: int, expand: str | None) -> dict[str, Page[Any]]:
    """Return the first page of each list of a ticket that ``expand`` names between commas."""
    lists = {}
    for name in _names(expand):
        items = await _LISTS[name].read(tx, call.actor, number, after=None, limit=_LIMIT + 1)
        lists[name] = _first_page(call, call.scope["path"], name, items, _LIMIT)
    return lists


async def expanded_tickets(
    call: Call, tx: Tx, listed: Sequence[TicketSummary], expand: str | None
) -> dict[str, dict[str, Page[Any]]]:
    """Return the beginning of each list that ``expand`` names, by the numbers of the tickets that have it.

    Each list of all tickets is one statement.
    """
    keys = [(ticket.company.id, parse_ticket_number(ticket.number) or 0) for ticket in listed]
    lists: dict[str, dict[str, Page[Any]]] = {ticket.number: {} for ticket in listed}
    for name in _names(expand):
        items = await _LISTS[name].read_many(tx, call.actor, keys, limit=_LIMIT_OF_MANY + 1)
        for _company_id, number in keys:
            text = ticket_number(number)
            path = f"{call.scope['path']}/{text}"
            lists[text][name] = _first_page(call, path, name, items.get(number, ()), _LIMIT_OF_MANY)
    return lists


def _names(expand: str | None) -> Iterable[str]:
    return dict.fromkeys(expand.split(",")) if expand else ()


def _first_page(call: Call, path: str, name: str, items: Sequence[Any], limit: int) -> Page[Any]:
    """Return the page of a list of the ticket at a path; ``items`` has one more if there is a next page."""
    each, shown, cursor = _LISTS[name], items[:limit], None
    if len(items) > limit:
        cursor = call.services.cursors.make(each.keys(shown[-1]), list_id(f"{path}/{name}", {}))
    return Page([each.out(item) for item in shown], cursor is not None, cursor)


def part_tag(ticket: Struct, part: Struct) -> bytes:
    """Return the ETag of a part: that of the ticket, by which If-Match goes, and of what is shown of it."""
    return b'%b.%b"' % (etag(encode(ticket))[:-1], xxhash.xxh3_64_hexdigest(encode(part)).encode())
