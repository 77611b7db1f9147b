"""Console Connect API v2, support tickets: bodies exactly as they travel.

Source: Console Connect OpenAPI (2024-09-06), paths /api/v2/support-tickets*. Its schemas mark nothing as required and
give no limits but those of a note; what is required here, and every other limit, is ours.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from clearline import text
from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import IssueType, ServiceType
from clearline.inventory import domain as service
from clearline.tickets import domain as ticket
from clearline.tickets import note_domain as note
from clearline.tickets.domain import Status
from clearline.wires.http.fields import Email, characters
from clearline.wires.http.one_of import OneOf

PAGE_MAX = 1_000_000
PAGE_SIZE_MAX = 200
NOT_BLANK = rf"^[^\x00]*{text.INK}[^\x00]*$"


STATUS = {status: status.replace("_", " ").title() for status in Status}
PRIORITY = {priority: priority.title() for priority in Priority}
"""The words of this wire."""


class ListQuery(Struct, frozen=True):
    """Which tickets to list."""

    status: Annotated[
        Literal["open", "closed"],
        Meta(description="Tickets that are open, or those that are finished.", examples=["open"]),
    ]
    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Which page, from 1.")] = 1
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX, description="Tickets on a page.")] = field(
        name="pageSize", default=50
    )


class ServiceIn(Struct):
    """The service that a ticket is about."""

    id: Annotated[str, characters(1, service.ID_MAX)]
    type: ServiceType


class ContactIn(Struct):
    """Whom to call about a ticket."""

    name: Annotated[str, characters(1, NAME_MAX)]
    phone: Annotated[str, characters(0, PHONE_MAX)]
    email: Email


class TicketIn(Struct):
    """A ticket to raise. Without ``customerContact`` the key's own user is the contact."""

    name: Annotated[str, characters(1, ticket.TITLE_MAX)]
    description: Annotated[str, characters(1, ticket.DESCRIPTION_MAX)]
    issue_type: IssueType = field(name="issueType")
    service: ServiceIn
    customer_contact: ContactIn | None = field(name="customerContact", default=None)


class NoteIn(Struct):
    """A note to add; it may not be blank."""

    note_text: Annotated[str, characters(1, note.TEXT_MAX, NOT_BLANK)] = field(name="noteText")


class NoteOut(Struct, omit_defaults=True, frozen=True):
    """A fault symptom (category, item or type) or a worklog entry, which alone has a ``worklogId``.

    ``mergedFrom`` is there only when the entry belongs to a ticket that was merged into this one: its id.
    """

    id: str
    text: str
    type: Literal["faultsymptom", "worklog"] = field(name="@type")
    worklog_id: Annotated[str, Meta(pattern="^WLG[0-9]{12}$")] | None = field(name="worklogId", default=None)
    merged_from: Annotated[str, Meta(pattern=f"^{ticket.TICKET_NUMBER.pattern}$")] | None = field(
        name="mergedFrom", default=None
    )


class PartyOut(Struct, frozen=True):
    """The contact of a ticket."""

    name: str
    phone: str
    email: str


class EntityOut(Struct, frozen=True):
    """The customer that a ticket belongs to; ``name`` is the customer code."""

    name: str
    role: Literal["customerId"] = "customerId"
    type: Literal["RelatedEntity"] = field(name="@type", default="RelatedEntity")
    referred_type: Literal["Profile"] = field(name="@referredType", default="Profile")


class ChannelOut(Struct, frozen=True):
    """The way a ticket came in."""

    name: str
    type: Literal["Customer"] = field(name="@type", default="Customer")


class TicketOut(Struct, frozen=True):
    """A ticket, with all twelve members always present. ``priority`` holds exactly one value."""

    id: Annotated[str, Meta(pattern=f"^{ticket.TICKET_NUMBER.pattern}$")]
    name: str
    description: str
    priority: Annotated[tuple[OneOf[str, PRIORITY.values()], ...], Meta(min_length=1, max_length=1)]
    status: OneOf[str, STATUS.values()]
    ticket_type: Literal["Incident"] = field(name="ticketType")
    creation_date: Annotated[
        str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+0000$")
    ] = field(name="creationDate")
    notes: list[NoteOut]
    related_party: tuple[PartyOut, ...] = field(name="relatedParty")
    related_entity: tuple[EntityOut, ...] = field(name="relatedEntity")
    channel: ChannelOut
    type: Literal["troubleTicket"] = field(name="@type")


class ServiceOut(Struct, frozen=True):
    """A service that a ticket can be about: ``value`` is the ``service.id`` to send."""

    type: str
    value: str
    label: str


class TokenCompany(Struct, frozen=True):
    """A company that a key speaks for."""

    id: str
    name: str
    username: str


class TokenOut(Struct, frozen=True):
    """Who a key belongs to."""

    id: str
    name: str
    email: str
    companies: list[TokenCompany]


class Fault(Struct, frozen=True):
    """What went wrong; ``statusCode`` repeats the HTTP status."""

    status_code: int = field(name="statusCode")
    name: Literal["Error"]
    message: str


class ErrorOut(Struct, frozen=True):
    """The envelope of every error."""

    error: Fault
