"""House API v1: bodies of tickets, notes and events."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.accounts.domain import NAME_MAX
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.inventory.domain import ID_MAX
from clearline.reminders import domain as reminder
from clearline.text import EMAIL_MAX
from clearline.tickets import domain as ticket
from clearline.tickets import label_domain as labels
from clearline.tickets import note_domain as note
from clearline.tickets import status_domain as status
from clearline.tickets.contact import CC_MAX, CONTACTS_MAX, ContactRole
from clearline.tickets.domain import Channel, Status
from clearline.tickets.faults.domain import DetectedBy, PathState, ServiceEnd, TestingConsent
from clearline.tickets.note_domain import Source, Visibility
from clearline.wires.house.tickets.cases.wire import CaseOut
from clearline.wires.house.tickets.fault_wire import FaultIn, FaultPatch, SiteAccessOut
from clearline.wires.house.tickets.progress_wire import (
    ClosureIn,
    ClosureOut,
    ClosurePatch,
    Key,
    OwnWaitingIn,
    WaitingOut,
    WaitingPatch,
)
from clearline.wires.house.wire import (
    UUID_MAX,
    CompanyRef,
    ContactIn,
    ContactOut,
    ContactPatch,
    FieldValues,
    Id,
    IssueTypeKey,
    Moment,
    NoteId,
    Number,
    Phone,
    Ref,
    ServiceTypeKey,
)
from clearline.wires.http.fields import Email, characters
from clearline.wires.http.one_of import OneOf

Title = Annotated[str, characters(1, ticket.TITLE_MAX)]
Reason = Annotated[str, characters(0, status.REASON_MAX)]
ServiceId = Annotated[str, characters(1, ID_MAX)]
Tag = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=labels.TAG_MAX,
        pattern=labels.TAG,
        extra={"rule": "must be letters, digits and . _ : / -, with no sign in front"},
    ),
]
Tags = Annotated[list[Tag], Meta(max_length=labels.TAGS_MAX)]
ExternalIds = Annotated[
    dict[
        Annotated[str, characters(1, labels.SYSTEM_MAX)],
        Annotated[str, characters(1, labels.EXTERNAL_ID_MAX)],
    ],
    Meta(max_length=labels.EXTERNAL_IDS_MAX),
]


class TicketContactIn(Struct, forbid_unknown_fields=True):
    """A contact of a ticket besides the one that it was raised with, and its roles.

    With ``user_id``, a user of the ticket's company, the name, address and phone are those of the user. Otherwise
    ``name`` is required, and an ``email`` or a ``phone``.
    """

    roles: Annotated[list[ContactRole], Meta(min_length=1, max_length=len(ContactRole))]
    name: Annotated[str, characters(0, NAME_MAX)] = ""
    email: Annotated[str, characters(0, EMAIL_MAX)] = ""
    phone: Phone = ""
    user_id: UUID | None = None


class TicketContactOut(Struct, frozen=True):
    """A contact of a ticket besides the one that it was raised with. ``email`` is empty if only the phone is known.

    ``user_id`` is the user of the ticket's company who has the address.
    """

    name: str
    email: str
    phone: str
    roles: list[ContactRole]
    user_id: Id | None


class CopyIn(Struct, forbid_unknown_fields=True):
    """Somebody who gets copies of the mail about a ticket."""

    email: Email
    name: Annotated[str, characters(0, NAME_MAX)] = ""


class CopyOut(Struct, frozen=True):
    """Somebody who gets copies of the mail about a ticket."""

    email: str
    name: str


Contacts = Annotated[list[TicketContactIn], Meta(max_length=CONTACTS_MAX - 1)]
Copies = Annotated[list[CopyIn], Meta(max_length=CC_MAX)]


class ServiceIn(Struct, forbid_unknown_fields=True):
    """The service that a ticket is about: one of the inventory with its type, or a Non-Console Service."""

    id: ServiceId
    type: ServiceTypeKey


class ServiceOut(Struct, frozen=True, gc=False):
    """The service that a ticket is about."""

    id: str
    type: str
    label: str | None


class AskedIn(Struct, forbid_unknown_fields=True):
    """The customer's own rating of the fault."""

    severity: Severity | None = None
    priority: Priority | None = None


class AskedOut(Struct, frozen=True, gc=False):
    """The customer's own rating of the fault; null if the customer did not set it."""

    severity: Severity | None
    priority: Priority | None


class TicketIn(FaultIn, forbid_unknown_fields=True):
    """A ticket to create. Without ``contact``, the user of the key is the contact.

    ``contacts`` are those besides it, and ``cc`` get copies of the mail about the ticket. ``company`` (code, name or
    id) and ``tags`` are for the provider's people, who create tickets on behalf of customers. So are ``severity``,
    ``impact`` and ``priority``: without them the issue type and the priority matrix say what the ticket begins with.
    """

    title: Title
    description: Annotated[str, characters(1, ticket.DESCRIPTION_MAX)]
    issue_type: IssueTypeKey
    service: ServiceIn
    contact: ContactIn | None = None
    contacts: Contacts | None = None
    cc: Copies | None = None
    company: Annotated[str, characters(1, NAME_MAX)] | None = None
    asked: AskedIn | None = None
    external_ids: ExternalIds | None = None
    tags: Tags | None = None
    channel: OneOf[str, ticket.TICKET_CHANNELS] = "API"
    fields: FieldValues | None = None
    severity: Severity | None = None
    impact: Impact | None = None
    priority: Priority | None = None


class AskedPatch(Struct, forbid_unknown_fields=True):
    """The customer's own rating of the fault. Setting it to null removes it."""

    severity: Severity | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET


class ReminderPatch(Struct, forbid_unknown_fields=True):
    """When the ticket comes back, and why. Members that are absent do not change; a new reminder needs ``at``.

    With ``cancelled_by_answer``, which is false by default, an answer of the customer removes it.
    """

    at: Annotated[Moment, Meta(description="In the future, and at most 5 years ahead.")] | UnsetType = UNSET
    reason: Annotated[str, characters(0, reminder.REASON_MAX)] | UnsetType = UNSET
    cancelled_by_answer: bool | UnsetType = UNSET


class ReminderOut(Struct, frozen=True, gc=False):
    """When the ticket comes back, and why. ``set_by`` is who set it."""

    at: Moment
    reason: str
    cancelled_by_answer: bool
    set_by: str
    set_at: Moment


class TicketPatch(FaultPatch, forbid_unknown_fields=True):
    """A merge patch (RFC 7396).

    Customers can change ``contact``, ``contacts``, ``cc``, ``asked``, ``external_ids``, those own fields that they
    edit, and the facts of the fault: ``occurred_at``, and from ``detected_by`` to ``site_access``. Hours of testing are
    removed with the consent that they limit. ``contacts`` and ``cc`` replace the whole list.
    """

    title: Title | UnsetType = UNSET
    issue_type: IssueTypeKey | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    impact: Impact | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    contact: ContactPatch | UnsetType = UNSET
    contacts: Contacts | UnsetType = UNSET
    cc: Copies | UnsetType = UNSET
    asked: AskedPatch | UnsetType | None = UNSET
    queue: Annotated[str, Meta(max_length=UUID_MAX, description="A queue's id, or null.")] | UnsetType | None = UNSET
    assignee: (
        Annotated[str, Meta(max_length=UUID_MAX, description="A user's id, `me`, or null.")] | UnsetType | None
    ) = UNSET
    tags: Tags | UnsetType = UNSET
    sub_status: Key | UnsetType | None = UNSET
    waiting: WaitingPatch | UnsetType | None = UNSET
    closure: ClosurePatch | UnsetType | None = UNSET
    external_ids: (
        dict[
            Annotated[str, characters(1, labels.SYSTEM_MAX)],
            Annotated[str, characters(1, labels.EXTERNAL_ID_MAX)] | None,
        ]
        | UnsetType
        | None
    ) = UNSET
    reminder: ReminderPatch | UnsetType | None = UNSET
    fields: FieldValues | UnsetType | None = UNSET


class TicketSummary(Struct, frozen=True, gc=False):
    """A ticket in a list.

    ``severity``, ``impact`` and ``priority`` are the provider's assessment. ``queue``, ``assignee``, ``tags`` and
    ``reminder`` and ``is_chronic`` are present for the provider's people only. ``fields`` has the values of own fields,
    for customers of those that they see. ``version`` counts the changes, and ``updated_at`` is the time of the last:
    for the provider's people of all, for customers of those that they can see. ``sub_status`` is the key of a term;
    customers see it if it has a wording for them.
    """

    number: Number
    company: CompanyRef
    title: str
    status: Status
    issue_type: str
    service: ServiceOut
    severity: Severity
    impact: Impact
    priority: Priority
    asked: AskedOut
    contact: ContactOut
    channel: Channel
    external_ids: dict[str, str]
    fields: FieldValues
    merged_into: Number | None
    created_at: Moment
    updated_at: Moment
    status_changed_at: Moment
    resolved_at: Moment | None
    sub_status: str | None
    waiting: WaitingOut | None
    version: int
    occurred_at: Moment | None
    queue: Ref | UnsetType | None = UNSET
    assignee: Ref | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    reminder: ReminderOut | UnsetType | None = UNSET
    is_chronic: (
        Annotated[
            bool,
            Meta(
                description="Whether its service had many tickets in a short time: "
                "`CLEARLINE_CHRONIC_TICKETS` within `CLEARLINE_CHRONIC_DAYS`."
            ),
        ]
        | UnsetType
    ) = UNSET

    @property
    def reminder_at(self) -> datetime:
        """When its reminder is due; only a ticket that has one is asked."""
        return cast("ReminderOut", self.reminder).at


class TicketOut(TicketSummary, frozen=True, kw_only=True):
    """A ticket. Its notes, attachments, links, watchers and history are resources of their own.

    ``contacts`` are those besides ``contact``, the reporter; ``cc`` get copies of its mail. ``suggested_cc`` were in Cc
    of a mail and get nothing yet, and ``cases`` are those at third parties: both for the provider's people. Lists have
    none of the four.
    """

    description: str
    detected_by: DetectedBy | None = None
    intermittent: str | None = None
    observed_impact: Impact | None = None
    service_end: ServiceEnd | None = None
    path_state: PathState | None = None
    testing_consent: TestingConsent | None = None
    testing_hours: str | None = None
    dispatch_allowed: bool | None = None
    site_access: SiteAccessOut | None = None
    closure: ClosureOut | None
    contacts: list[TicketContactOut] | UnsetType = UNSET
    cc: list[CopyOut] | UnsetType = UNSET
    suggested_cc: list[CopyOut] | UnsetType = UNSET
    cases: list[CaseOut] | UnsetType = UNSET


class StatusIn(Struct, forbid_unknown_fields=True):
    """The new status. A customer who reopens a ticket, or closes one that is not resolved, must give a reason.

    The rest is for the provider's people: ``waiting`` with `pending` and `held`, and ``closure``, of which the issue
    type can require members before a ticket is `resolved`.
    """

    status: Status
    reason: Reason = ""
    sub_status: Key | None = None
    waiting: OwnWaitingIn | None = None
    closure: ClosureIn | None = None


class TagsIn(Struct, forbid_unknown_fields=True):
    """Tags to add and to remove."""

    add: Tags = field(default_factory=list)
    remove: Tags = field(default_factory=list)


class NoteIn(Struct, forbid_unknown_fields=True):
    """A note to add. It must not be blank. Only the provider's people write and see internal notes."""

    text: Annotated[str, characters(1, note.TEXT_MAX)]
    visibility: Visibility = Visibility.PUBLIC


class NoteOut(Struct, frozen=True):
    """A note. ``ticket`` is the ticket that it was added to, which may have been merged into this one since.

    ``mail_id`` is the inbound mail that the note was made from. ``has_trimmed_text`` is true if the note leaves out a
    part of that mail which you may read.
    """

    id: NoteId
    ticket: Number
    text: str
    visibility: Visibility
    source: Source
    channel: str
    author: str
    created_at: Moment
    mail_id: Id | None
    has_trimmed_text: bool


class TrimmedTextOut(Struct, frozen=True):
    """The part of a mail that its note leaves out. ``mail_id`` is the inbound mail."""

    note: NoteId
    mail_id: Id
    text: str


class EventOut(Struct, frozen=True):
    """An event. ``data`` depends on ``type``, and has the values before and after a change.

    ``version`` is the ``version`` of the ticket after the event; null when the event is older than this member.
    """

    id: str
    at: Moment
    type: str
    actor: str
    note: NoteId | None
    version: int | None
    data: dict[str, Any]
