"""House API v1: the bodies of outbound mail and of suppressed addresses."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.mail.outbound.domain import MailState, SuppressionReason
from clearline.wires.house.wire import DatedPageQuery, Id, Moment, Number
from clearline.wires.http.fields import Email, characters


class OutboundMailQuery(DatedPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    state: Annotated[MailState, Meta(description="Only mails in this state.")] | None = None
    ticket: Annotated[Number, Meta(description="Only mails about this ticket.")] | None = None


class OutboundMailOut(Struct, frozen=True):
    """An outbound mail.

    `waiting`: it is sent at `due_at`; `sent`: the mail server accepted it; `dead`: it is not retried, and `last_error`
    says why; `bounced`: it was sent, but not delivered. `attempts` counts the attempts that failed because of this
    mail.
    """

    id: Id
    state: MailState
    kind: str
    recipient: str
    subject: str
    ticket: Number | None
    message_id: str
    attempts: int
    due_at: Moment
    last_error: str | None
    created_at: Moment
    finished_at: Moment | None


class MailHeader(Struct, frozen=True):
    """A decoded header."""

    name: str
    value: str


class OutboundMailWhole(OutboundMailOut, frozen=True, kw_only=True):
    """A mail with its content."""

    headers: list[MailHeader]
    text: str
    html: str | None


class RetryIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class MailTestIn(Struct, forbid_unknown_fields=True):
    """The recipient of a test message."""

    recipient: Email


class SuppressionIn(Struct, forbid_unknown_fields=True):
    """An address to suppress, and why."""

    address: Email
    detail: Annotated[str, characters(0, 255)] = ""


class SuppressionOut(Struct, frozen=True):
    """A suppressed address, in lower case.

    `bounce`: mail to it was rejected because it does not exist; `manual`: somebody suppressed it.
    """

    address: str
    reason: SuppressionReason
    detail: str
    created_at: Moment
