"""How tickets are tied together, by links and by merges, and who follows them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import NotMergeable
from clearline.identity import User
from clearline.tickets.domain import Channel, NewTicket, Status, Ticket, TicketView, check_new_ticket, ticket_number
from clearline.tickets.note_domain import Note, Source, Visibility
from clearline.tickets.status_domain import OPEN

LINKS_MAX = 200
"""The most links of one ticket."""

COPIES_MAX = 200
"""The most notes that a split copies."""

DESK = "Clearline"
"""Who writes system notes."""


class LinkType(StrEnum):
    """What a ticket is to the other one."""

    RELATED = "related"
    DUPLICATES = "duplicates"
    DUPLICATED_BY = "duplicated_by"
    CAUSES = "causes"
    CAUSED_BY = "caused_by"
    PARENT_OF = "parent_of"
    CHILD_OF = "child_of"
    SPLIT_INTO = "split_into"
    SPLIT_FROM = "split_from"


_PAIRS = (
    (LinkType.RELATED, LinkType.RELATED),
    (LinkType.DUPLICATES, LinkType.DUPLICATED_BY),
    (LinkType.CAUSES, LinkType.CAUSED_BY),
    (LinkType.PARENT_OF, LinkType.CHILD_OF),
    (LinkType.SPLIT_INTO, LinkType.SPLIT_FROM),
)
OPPOSITE: dict[LinkType, LinkType] = {**dict(_PAIRS), **{there: here for here, there in _PAIRS}}
"""What a link is when it is seen from its other end."""

BY_HAND = tuple(one for one in LinkType if one not in {LinkType.SPLIT_INTO, LinkType.SPLIT_FROM})
"""The types that people may choose; the others come about by a split."""

HIERARCHY = frozenset({LinkType.PARENT_OF, LinkType.CHILD_OF})
CUSTOMER_LINK_TYPES = frozenset({LinkType.RELATED})
"""The types that customers may make and take away."""


class Link(Struct, frozen=True):
    """A link as one of its tickets sees it. Both ends have the same ``id``."""

    id: UUID
    type: LinkType
    company_id: UUID
    number: int
    other_company_id: UUID
    other_number: int
    created_at: datetime


class LinkedTicket(Struct, frozen=True):
    """A link, with what its other ticket is now."""

    link: Link
    title: str
    status: Status


class Watcher(Struct, frozen=True):
    """Somebody who follows a ticket."""

    user: User
    since: datetime


class TicketNote(Struct, frozen=True):
    """A note, with the number of the ticket that it was written for."""

    ticket_number: int
    note: Note


class NoteDraft(Struct, frozen=True):
    """A note that the desk writes, or copies from another ticket; ``created_at`` None is now."""

    text: str
    visibility: Visibility
    source: Source
    channel: str
    author: str
    created_by: UUID | None = None
    created_at: datetime | None = None


class Merge(Struct, frozen=True):
    """A merge that can be undone."""

    company_id: UUID
    number: int
    into: int
    status_before: Status
    merged_at: datetime


def system_note(text: str) -> NoteDraft:
    """Return a note of the system itself, which everybody who sees the ticket may read."""
    return NoteDraft(text, Visibility.PUBLIC, Source.SYSTEM, Channel.SYSTEM, DESK)


def check_merge(source: TicketView, target: TicketView) -> None:
    """Whether a ticket may be merged into another, as far as these two tell.

    Raises:
        NotMergeable: they are of two companies, one is merged already, the source has ended, or nobody works on the
            target.
    """
    if source.ticket.company_id != target.ticket.company_id:
        raise NotMergeable("both tickets must be of the same company")
    for one in (source, target):
        if one.merged_into is not None:
            name = ticket_number(one.ticket.number)
            raise NotMergeable(f"{name} was merged into {ticket_number(one.merged_into)} already")
    if source.ticket.status not in OPEN:
        name = ticket_number(source.ticket.number)
        raise NotMergeable(f"{name} is {source.ticket.status}: only an open or resolved ticket can be merged")
    if target.ticket.status not in OPEN or target.ticket.status is Status.RESOLVED:
        name = ticket_number(target.ticket.number)
        raise NotMergeable(f"{name} is {target.ticket.status}: a ticket is merged into one that is still worked on")


def split_off(ticket: Ticket, title: str, description: str, channel: Channel) -> NewTicket:
    """Return the ticket that a split makes: about the same service and symptom, for the same contact.

    Raises:
        InvalidInput: the title or the description breaks a rule.
    """
    return check_new_ticket(
        NewTicket(
            title, description, ticket.issue_type, ticket.service_type, ticket.service_id, ticket.contact, channel
        )
    )
