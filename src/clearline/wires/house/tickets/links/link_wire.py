"""House API v1: bodies of links."""

from msgspec import Struct

from clearline.tickets.domain import Status
from clearline.tickets.links.domain import MANUAL_LINK_TYPES, LinkType
from clearline.wires.house.wire import Id, Moment, Number
from clearline.wires.http.one_of import OneOf


class LinkIn(Struct, forbid_unknown_fields=True):
    """The relation of the ticket to another. Customers can add ``related`` links between their own tickets."""

    type: OneOf[str, MANUAL_LINK_TYPES]
    ticket: Number


class LinkedTicketOut(Struct, frozen=True):
    """The ticket at the other end of a link."""

    number: Number
    title: str
    status: Status


class LinkOut(Struct, frozen=True):
    """A link as seen from one ticket: ``type`` is its relation to the other. Both ends have the same ``id``.

    ``merged_from`` is the ticket that the link belongs to, if that was merged into this one, and null otherwise.
    """

    id: Id
    type: LinkType
    ticket: LinkedTicketOut
    merged_from: Number | None
    created_at: Moment
