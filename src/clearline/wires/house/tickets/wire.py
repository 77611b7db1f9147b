"""House API v1: tickets, exactly as they travel."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.inventory.domain import ID_MAX, ServiceType
from clearline.tickets import domain as ticket
from clearline.tickets import external_id_domain as external
from clearline.tickets import note_domain as note
from clearline.tickets import status_domain as status
from clearline.tickets import tag_domain as tag
from clearline.tickets.domain import Channel, Impact, IssueType, Priority, Severity, Status
from clearline.tickets.note_domain import Source, Visibility
from clearline.wires.house.wire import (
    CompanyRef,
    ContactIn,
    ContactOut,
    ContactPatch,
    Moment,
    Number,
    PageQuery,
    Ref,
    characters,
)

Title = Annotated[str, characters(1, ticket.TITLE_MAX)]
Reason = Annotated[str, characters(0, status.REASON_MAX)]
ServiceId = Annotated[str, characters(1, ID_MAX)]
Tag = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=tag.TAG_MAX,
        pattern=tag.TAG,
        extra={"rule": "must be letters, digits and . _ : / -, with no sign in front"},
    ),
]
Tags = Annotated[list[Tag], Meta(max_length=tag.TAGS_MAX)]
ExternalIds = Annotated[
    dict[
        Annotated[str, characters(1, external.SYSTEM_MAX)],
        Annotated[str, characters(1, external.EXTERNAL_ID_MAX)],
    ],
    Meta(max_length=external.EXTERNAL_IDS_MAX),
]


class ListQuery(PageQuery, kw_only=True, forbid_unknown_fields=True):
    """Which tickets to list; all that are given must hold."""

    state: (
        Annotated[
            Literal["open", "finished", "all"],
            Meta(
                description="Those still worked on, those that ended, or both. Without it: what `status` says, or open."
            ),
        ]
        | None
    ) = None
    status: Annotated[Status, Meta(description="Exactly this status.")] | None = None
    company: Annotated[str, Meta(max_length=255, description="A customer's code, name or id.")] | None = None
    queue: Annotated[str, Meta(max_length=36, description="A queue's id. For the provider's people.")] | None = None
    assignee: (
        Annotated[str, Meta(max_length=36, description="`me`, `none` or a user's id. For the provider's people.")]
        | None
    ) = None
    service: Annotated[str, Meta(max_length=ID_MAX, description="A service's id.")] | None = None
    sort: Annotated[Literal["-number", "number"], Meta(description="The newest first, or the oldest.")] = "-number"


class ServiceIn(Struct, forbid_unknown_fields=True):
    """The service that a ticket is about: one of the inventory with its type, or a Non-Console Service."""

    id: ServiceId
    type: ServiceType


class ServiceOut(Struct, frozen=True):
    """The service that a ticket is about."""

    id: str
    type: str
    label: str | None


class AskedIn(Struct, forbid_unknown_fields=True):
    """How the customer rates the fault."""

    severity: Severity | None = None
    priority: Priority | None = None


class AskedOut(Struct, frozen=True):
    """How the customer rates the fault; null where it does not say."""

    severity: Severity | None
    priority: Priority | None


class TicketIn(Struct, forbid_unknown_fields=True):
    """A ticket to raise. Without ``contact`` the key's own user is the contact.

    ``company`` (code, name or id) is for the provider's people, who raise tickets on behalf of customers; so is
    ``tags``.
    """

    title: Title
    description: Annotated[str, characters(1, ticket.DESCRIPTION_MAX)]
    issue_type: IssueType
    service: ServiceIn
    contact: ContactIn | None = None
    company: Annotated[str, characters(1, 255)] | None = None
    asked: AskedIn | None = None
    external_ids: ExternalIds | None = None
    tags: Tags | None = None
    channel: Literal["API", "Phone", "Email", "Portal", "Console"] = "API"


class AskedPatch(Struct, forbid_unknown_fields=True):
    """How the customer rates the fault; null takes it back."""

    severity: Severity | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET


class TicketPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). Customers may change ``contact``, ``asked`` and ``external_ids``."""

    title: Title | UnsetType = UNSET
    issue_type: IssueType | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    impact: Impact | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    contact: ContactPatch | UnsetType = UNSET
    asked: AskedPatch | UnsetType | None = UNSET
    queue: Annotated[str, Meta(max_length=36, description="A queue's id, or null.")] | UnsetType | None = UNSET
    assignee: Annotated[str, Meta(max_length=36, description="A user's id, `me`, or null.")] | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    external_ids: (
        dict[
            Annotated[str, characters(1, external.SYSTEM_MAX)],
            Annotated[str, characters(1, external.EXTERNAL_ID_MAX)] | None,
        ]
        | UnsetType
        | None
    ) = UNSET


class TicketSummary(Struct, frozen=True):
    """A ticket in a list.

    ``severity``, ``impact`` and ``priority`` are the provider's assessment. ``queue``, ``assignee`` and ``tags`` are
    there for the provider's people alone.
    """

    number: Number
    company: CompanyRef
    title: str
    status: Status
    issue_type: IssueType
    service: ServiceOut
    severity: Severity
    impact: Impact
    priority: Priority
    asked: AskedOut
    contact: ContactOut
    channel: Channel
    external_ids: dict[str, str]
    merged_into: Number | None
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime
    resolved_at: datetime | None
    version: int
    queue: Ref | UnsetType | None = UNSET
    assignee: Ref | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET


class TicketOut(TicketSummary, frozen=True, kw_only=True):
    """A ticket. Its notes, attachments, links and history have addresses of their own below it."""

    description: str


class StatusIn(Struct, forbid_unknown_fields=True):
    """A move to another status; customers who reopen a ticket must give a reason."""

    status: Status
    reason: Reason = ""


class TagsIn(Struct, forbid_unknown_fields=True):
    """Tags to put on a ticket and to take off."""

    add: Tags = field(default_factory=list)
    remove: Tags = field(default_factory=list)


class NoteIn(Struct, forbid_unknown_fields=True):
    """A note to add; it may not be blank. Internal notes are the provider's."""

    text: Annotated[str, characters(1, note.TEXT_MAX)]
    visibility: Visibility = Visibility.PUBLIC


class NoteOut(Struct, frozen=True):
    """A note. ``ticket`` is the ticket it was written on, which may have been merged into the one it is read from."""

    id: Annotated[str, Meta(pattern="^WLG[0-9]{12}$")]
    ticket: Number
    text: str
    visibility: Visibility
    source: Source
    channel: str
    author: str
    created_at: datetime


class EventOut(Struct, frozen=True):
    """Something that happened: ``data`` depends on ``type`` and holds what was before and after."""

    id: str
    at: Moment
    type: str
    actor: str
    note: str | None
    data: dict[str, Any]
