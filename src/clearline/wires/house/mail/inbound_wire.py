"""House API v1: the bodies of inbound mail."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.accounts.domain import NAME_MAX
from clearline.mail.inbound.domain import InboundState
from clearline.wires.house.wire import DatedPageQuery, Id, Moment, NoteId, Number
from clearline.wires.http.fields import characters

CompanyName = Annotated[str, characters(1, NAME_MAX)]


class InboundMailQuery(DatedPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    state: Annotated[InboundState, Meta(description="Only mails in this state.")] | None = None
    ticket: Annotated[Number, Meta(description="Only mails about this ticket.")] | None = None


class InboundMailOut(Struct, frozen=True):
    """An inbound mail and its state. ``reason`` says why it is in quarantine or ignored.

    Of an accepted mail it says why a marked reply of an agent was not sent to the customer.
    """

    id: Id
    mailbox_id: Id | None
    received_at: Moment
    envelope_from: str
    envelope_to: list[str]
    sender: str
    subject: str
    message_id: str | None
    size: int
    state: InboundState
    reason: str | None
    ticket: Number | None
    note: NoteId | None
    decided_by: str | None
    decided_at: Moment | None


class InboundMailHeader(Struct, frozen=True):
    """A header with its encoded words decoded (RFC 2047)."""

    name: str
    value: str


class InboundMailFile(Struct, frozen=True):
    """A file in a mail. ``size`` is in bytes."""

    name: str
    media_type: str
    size: int


class InboundMailDetails(Struct, frozen=True):
    """A mail with its content. ``headers``, ``text`` and ``files`` are empty when the content was deleted.

    ``is_text_shortened`` says whether the text has more than the 100,000 characters that are shown. ``omitted_files``
    are the names of the files after the first 200.
    """

    id: Id
    mailbox_id: Id | None
    received_at: Moment
    envelope_from: str
    envelope_to: list[str]
    sender: str
    subject: str
    message_id: str | None
    size: int
    state: InboundState
    reason: str | None
    ticket: Number | None
    note: NoteId | None
    decided_by: str | None
    decided_at: Moment | None
    headers: list[InboundMailHeader]
    text: str
    is_text_shortened: bool
    files: list[InboundMailFile]
    omitted_files: list[str]


class ReleaseIn(Struct, forbid_unknown_fields=True):
    """What the mail becomes: a note of ``ticket``, or a new ticket of ``company`` (its code, name or id)."""

    ticket: Number | None = None
    company: CompanyName | None = None


class DiscardIn(Struct, forbid_unknown_fields=True):
    """An empty object."""
