"""House API v1: mail on its way out, and addresses that are not written to."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.mail.outbound.domain import MailState, SuppressionReason
from clearline.wires.house.wire import Email, Moment, Number, PageQuery, characters


class OutboundMailQuery(PageQuery, kw_only=True, forbid_unknown_fields=True):
    """Which mails to list."""

    state: Annotated[MailState, Meta(description="Only those that stand so.")] | None = None
    ticket: Annotated[Number, Meta(description="Only those about this ticket.")] | None = None


class OutboundMailOut(Struct, frozen=True):
    """A mail on its way out.

    `waiting`: it is tried at `due_at`; `sent`: the server took it; `dead`: it is not tried again, and `last_error` says
    why; `bounced`: it came back. `attempts` counts those that failed because of this mail.
    """

    id: str
    state: MailState
    kind: str
    recipient: str
    subject: str
    ticket: str | None
    message_id: str
    attempts: int
    due_at: Moment
    last_error: str | None
    created_at: Moment
    finished_at: Moment | None


class MailHeader(Struct, frozen=True):
    """A header of a message, decoded."""

    name: str
    value: str


class OutboundMailWhole(OutboundMailOut, frozen=True, kw_only=True):
    """A mail with what it says."""

    headers: list[MailHeader]
    text: str
    html: str | None


class RetryIn(Struct, forbid_unknown_fields=True):
    """Nothing more need be said."""


class MailTestIn(Struct, forbid_unknown_fields=True):
    """Whom to write to."""

    recipient: Email


class SuppressionIn(Struct, forbid_unknown_fields=True):
    """An address to write to no more, and why."""

    address: Email
    detail: Annotated[str, characters(0, 255)] = ""


class SuppressionOut(Struct, frozen=True):
    """An address, in small letters, that is not written to. `bounce`: mail to it came back for good."""

    address: str
    reason: SuppressionReason
    detail: str
    created_at: Moment
