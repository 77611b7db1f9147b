"""House API v1: bodies of links."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from clearline.tickets.domain import Status
from clearline.tickets.links.domain import LinkType
from clearline.wires.house.wire import Number


class LinkIn(Struct, forbid_unknown_fields=True):
    """The relation of the ticket to another. Customers can add ``related`` links between their own tickets."""

    type: Literal["related", "duplicates", "duplicated_by", "causes", "caused_by", "parent_of", "child_of"]
    ticket: Number


class LinkedTicketOut(Struct, frozen=True):
    """The ticket at the other end of a link."""

    number: Number
    title: str
    status: Status


class LinkOut(Struct, frozen=True):
    """A link as seen from one ticket: ``type`` is its relation to the other. Both ends have the same ``id``."""

    id: str
    type: LinkType
    ticket: LinkedTicketOut
    created_at: datetime
