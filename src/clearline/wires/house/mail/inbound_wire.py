"""House API v1: mail that came in, exactly as it travels."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from clearline.mail.inbound.domain import InboundState
from clearline.wires.house.wire import Number, PageQuery, characters

CompanyName = Annotated[str, characters(1, 255)]


class InboundMailQuery(PageQuery, forbid_unknown_fields=True):
    """Which mails."""

    state: Annotated[InboundState, Meta(description="Only mails in this state.")] | None = None


class InboundMailOut(Struct, frozen=True):
    """A mail that came in, and what became of it. ``reason`` says why it was put aside or ignored."""

    id: str
    mailbox_id: str | None
    received_at: datetime
    envelope_from: str
    envelope_to: list[str]
    sender: str
    subject: str
    message_id: str | None
    size: int
    state: InboundState
    reason: str | None
    ticket: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None


class InboundMailHeader(Struct, frozen=True):
    """One header, with its encoded words read."""

    name: str
    value: str


class InboundMailFile(Struct, frozen=True):
    """A file that came with a mail. ``size`` is in bytes."""

    name: str
    media_type: str
    size: int


class InboundMailDetails(Struct, frozen=True):
    """A mail with what it says. ``headers``, ``text`` and ``files`` are empty once the mail itself is kept no more."""

    id: str
    mailbox_id: str | None
    received_at: datetime
    envelope_from: str
    envelope_to: list[str]
    sender: str
    subject: str
    message_id: str | None
    size: int
    state: InboundState
    reason: str | None
    ticket: str | None
    note: str | None
    decided_by: str | None
    decided_at: datetime | None
    headers: list[InboundMailHeader]
    text: str
    files: list[InboundMailFile]


class ReleaseIn(Struct, forbid_unknown_fields=True):
    """What a mail becomes: a note of ``ticket``, or a new ticket of ``company`` (its code, name or id)."""

    ticket: Number | None = None
    company: CompanyName | None = None


class DiscardIn(Struct, forbid_unknown_fields=True):
    """Nothing needs to be said."""
