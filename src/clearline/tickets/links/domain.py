"""Links, merges and watchers of tickets."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import NotMergeable
from clearline.identity import User
from clearline.tickets.domain import (
    Channel,
    NewTicket,
    Status,
    Ticket,
    TicketView,
    Waiting,
    check_new_ticket,
    ticket_number,
)
from clearline.tickets.faults.domain import Fault
from clearline.tickets.note_domain import Note, Source, Visibility
from clearline.tickets.status_domain import OPEN

LINKS_MAX = 200
"""The maximum number of links of a ticket."""

COPIES_MAX = 200
"""The maximum number of notes that a split copies."""

SYSTEM_AUTHOR = "Clearline"
"""The author of system notes."""


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
    FOLLOWED_UP_BY = "followed_up_by"
    FOLLOW_UP_OF = "follow_up_of"


_PAIRS = (
    (LinkType.RELATED, LinkType.RELATED),
    (LinkType.DUPLICATES, LinkType.DUPLICATED_BY),
    (LinkType.CAUSES, LinkType.CAUSED_BY),
    (LinkType.PARENT_OF, LinkType.CHILD_OF),
    (LinkType.SPLIT_INTO, LinkType.SPLIT_FROM),
    (LinkType.FOLLOWED_UP_BY, LinkType.FOLLOW_UP_OF),
)
OPPOSITE: dict[LinkType, LinkType] = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}
"""The type of a link as its other ticket sees it."""

AUTOMATIC_LINK_TYPES = frozenset(
    {LinkType.SPLIT_INTO, LinkType.SPLIT_FROM, LinkType.FOLLOWED_UP_BY, LinkType.FOLLOW_UP_OF}
)
"""The types that only a split, and an answer to a finished ticket, create."""

MANUAL_LINK_TYPES = tuple(kind for kind in LinkType if kind not in AUTOMATIC_LINK_TYPES)
"""The types that users can choose."""

HIERARCHY = frozenset({LinkType.PARENT_OF, LinkType.CHILD_OF})
CUSTOMER_LINK_TYPES = frozenset({LinkType.RELATED})
"""The types of links that customers may add and remove."""


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
    """A link, with the current title and status of its other ticket.

    ``merged_from`` is the ticket that has the link, when it is shown at one into which that ticket was merged.
    """

    link: Link
    title: str
    status: Status
    merged_from: int | None = None


class Watcher(Struct, frozen=True):
    """A user who watches a ticket."""

    user: User
    since: datetime


class TicketNote(Struct, frozen=True):
    """A note, with the number of the ticket that it was written for.

    ``mail_id`` is the mail that it was made from. ``has_trimmed_text`` is whether the reader may read text that was
    trimmed from that mail.
    """

    ticket_number: int
    note: Note
    mail_id: UUID | None = None
    has_trimmed_text: bool = False


class TrimmedText(Struct, frozen=True):
    """The text that was trimmed from the mail of a note."""

    note_number: int
    mail_id: UUID
    text: str


class NoteDraft(Struct, frozen=True):
    """A system note, or a copy of another ticket's note; ``created_at`` None is now."""

    text: str
    visibility: Visibility
    source: Source
    channel: str
    author: str
    created_by: UUID | None = None
    created_at: datetime | None = None
    mail_id: UUID | None = None
    trimmed_text: str | None = None


class Merge(Struct, frozen=True):
    """A merge that can be undone."""

    company_id: UUID
    number: int
    into: int
    status_before: Status
    merged_at: datetime
    sub_status_before: str | None = None
    waiting_before: Waiting | None = None


def system_note(text: str) -> NoteDraft:
    """Return a public system note."""
    return NoteDraft(text, Visibility.PUBLIC, Source.SYSTEM, Channel.SYSTEM, SYSTEM_AUTHOR)


def check_merge(source: TicketView, target: TicketView) -> None:
    """Check that a ticket can be merged into another. Does not check the length of the chain of merges.

    Raises:
        NotMergeable: they belong to two companies, one is merged already, the source is finished, or the target is
            resolved or finished.
    """
    if source.ticket.company_id != target.ticket.company_id:
        raise NotMergeable("both tickets must be of the same company")
    for view in (source, target):
        if view.merged_into is not None:
            name = ticket_number(view.ticket.number)
            raise NotMergeable(f"{name} was merged into {ticket_number(view.merged_into)} already")
    if source.ticket.status not in OPEN:
        name = ticket_number(source.ticket.number)
        raise NotMergeable(f"{name} is {source.ticket.status}: only an open or resolved ticket can be merged")
    if target.ticket.status not in OPEN or target.ticket.status is Status.RESOLVED:
        name = ticket_number(target.ticket.number)
        raise NotMergeable(f"{name} is {target.ticket.status}: a ticket is merged into one that is still worked on")


def split_off(ticket: Ticket, title: str, description: str, channel: Channel) -> NewTicket:
    """Return the new ticket of a split: same service, issue type and contact, and how a technician gets in.

    The other facts of the fault are those of the other ticket alone: consent to tests, too, is given for one.

    Raises:
        InvalidInput: the title or the description breaks a rule.
    """
    return check_new_ticket(
        NewTicket(
            title,
            description,
            ticket.issue_type,
            ticket.service_type,
            ticket.service_id,
            ticket.contact,
            channel,
            fault=Fault(service_end=ticket.fault.service_end, site_access=ticket.fault.site_access),
        )
    )
