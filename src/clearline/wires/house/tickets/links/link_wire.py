"""House API v1: links between tickets."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from clearline.tickets.domain import Status
from clearline.tickets.links.domain import LinkType
from clearline.wires.house.wire import Number


class LinkIn(Struct, forbid_unknown_fields=True):
    """What the ticket is to another. Customers make ``related`` links between their own tickets."""

    type: Literal["related", "duplicates", "duplicated_by", "causes", "caused_by", "parent_of", "child_of"]
    ticket: Number


class LinkedTicketOut(Struct, frozen=True):
    """The ticket at the other end of a link."""

    number: Number
    title: str
    status: Status


class LinkOut(Struct, frozen=True):
    """A link, as the ticket sees it: ``type`` says what it is to the other. Both ends have the same ``id``."""

    id: str
    type: LinkType
    ticket: LinkedTicketOut
    created_at: datetime
