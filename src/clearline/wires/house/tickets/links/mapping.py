"""House API v1: bodies of links and watchers."""

from clearline.identity import PROVIDER_ID
from clearline.tickets.domain import ticket_number
from clearline.tickets.links.domain import LinkedTicket, Watcher
from clearline.wires.house.tickets.links import link_wire, watcher_wire
from clearline.wires.house.wire import Ref


def link_out(linked: LinkedTicket) -> link_wire.LinkOut:
    """Return a link as seen from the ticket that it was read from."""
    link = linked.link
    other = link_wire.LinkedTicketOut(ticket_number(link.other_number), linked.title, linked.status)
    merged_from = None if linked.merged_from is None else ticket_number(linked.merged_from)
    return link_wire.LinkOut(str(link.id), link.type, other, merged_from, link.created_at)


def watcher_out(watcher: Watcher) -> watcher_wire.WatcherOut:
    """Return a watcher of a ticket."""
    user = watcher.user
    return watcher_wire.WatcherOut(
        Ref(str(user.id), user.name), user.email, user.company_id == PROVIDER_ID, watcher.since
    )
