"""House API v1: parts of tickets, and tickets with what belongs to them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import xxhash
from msgspec import Struct

from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.wires.house.records import time_and_id_keys
from clearline.wires.house.tickets.attachments.mapping import attachment_out
from clearline.wires.house.tickets.links.mapping import link_out, watcher_out
from clearline.wires.house.tickets.mapping import note_out
from clearline.wires.house.tickets.part_wire import TicketPart
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call, encode, etag
from clearline.wires.http.cursors import list_id

_LIMIT = 50
"""Items of an expanded list: the default of its own address, to which the cursor belongs."""


class _List(NamedTuple):
    """A list of a ticket: how it is read, the sort keys of an item, and an item as a body."""

    read: Callable[..., Awaitable[Sequence[Any]]]
    keys: Callable[[Any], list[Any]]
    out: Callable[[Any], Any]


_LISTS = {
    "notes": _List(merging.notes_with_merged, lambda note: [note.note.number], note_out),
    "attachments": _List(attachments.list_attachments, time_and_id_keys, attachment_out),
    "links": _List(links.list_links, lambda linked: [str(linked.link.id)], link_out),
    "watchers": _List(watchers.list_watchers, lambda watcher: [str(watcher.user.id)], watcher_out),
}


def part_of(ticket: Struct, fields: str | None) -> Any:
    """Return the members of a ticket that ``fields`` names between commas; None for all of them."""
    names = ticket.__struct_fields__ if fields is None else {"number", *fields.split(",")}
    return TicketPart(**{name: getattr(ticket, name) for name in names})


async def expanded_lists(call: Call, tx: Tx, number: int, expand: str | None) -> dict[str, Page[Any]]:
    """Return the first page of each list of a ticket that ``expand`` names between commas."""
    names = dict.fromkeys(expand.split(",")) if expand else {}
    return {name: await _first_page(call, tx, call.actor, number, name) for name in names}


async def _first_page(call: Call, tx: Tx, actor: Actor, number: int, name: str) -> Page[Any]:
    each = _LISTS[name]
    items = await each.read(tx, actor, number, after=None, limit=_LIMIT + 1)
    shown = items[:_LIMIT]
    cursor = None
    if len(items) > _LIMIT:
        cursor = call.services.cursors.make(each.keys(shown[-1]), list_id(f"{call.scope['path']}/{name}", {}))
    return Page([each.out(item) for item in shown], cursor is not None, cursor)


def part_tag(ticket: Struct, part: Struct) -> bytes:
    """Return the ETag of a part: that of the ticket, by which If-Match goes, and of what is shown of it."""
    return b'%b.%b"' % (etag(encode(ticket))[:-1], xxhash.xxh3_64_hexdigest(encode(part)).encode())
