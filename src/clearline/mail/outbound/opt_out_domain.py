"""What mail a recipient can stop, and the tokens of the links that do so."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.identity import Company
from clearline.mail.outbound.domain import MailSettings
from clearline.mail.outbound.sealed_token import seal, unseal
from clearline.text import normalized_address

UNSUBSCRIBE_PATH = "/unsubscribe/"
"""The start of the path of the page that stops mail; a token follows."""

DIGEST = "digest"
"""The digests of a user."""
TICKETS = "tickets"
"""All tickets of a company, for a contact who is not a user."""
WEBHOOKS = "webhooks"
"""Webhook subscriptions of the company that the server disabled."""
_TICKET = "ticket "
_PURPOSE = b"unsubscribe"


class OptOut(Struct, frozen=True, array_like=True):
    """The mail of one topic to an address, in lower case, about a company.

    ``topic`` is ``DIGEST``, ``TICKETS``, ``WEBHOOKS`` or a ``ticket_topic``.
    """

    company_id: UUID
    recipient: str
    topic: str

    @property
    def ticket_number(self) -> int | None:
        """The number of the ticket that the topic is; None for another topic."""
        return int(self.topic.removeprefix(_TICKET)) if self.topic.startswith(_TICKET) else None


class StoredOptOut(Struct, frozen=True):
    """An opt-out as it is listed: with an id, the company that it is about, and the time."""

    id: UUID
    company: Company
    recipient: str
    topic: str
    created_at: datetime

    @property
    def opt_out(self) -> OptOut:
        """The opt-out itself."""
        return OptOut(self.company.id, self.recipient, self.topic)


_decode = msgspec.msgpack.Decoder(OptOut).decode
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


def ticket_topic(number: int) -> str:
    """Return the topic of the mail about one ticket."""
    return f"{_TICKET}{number}"


def unsubscribe_link(settings: MailSettings, company_id: UUID, recipient: str, topic: str) -> str:
    """Return the URL of the page that stops the mail of a topic to an address. It does not expire."""
    opt_out = OptOut(company_id, normalized_address(recipient), topic)
    return settings.link(UNSUBSCRIBE_PATH + write_token(opt_out, settings.secret))


def write_token(opt_out: OptOut, secret: bytes) -> str:
    """Return a token that names an opt-out: authentic, unreadable, and always the same."""
    return seal(_encode(opt_out), _PURPOSE, secret)


def read_token(token: str, secret: bytes) -> OptOut | None:
    """Return the opt-out that a token names; None when the token is not ours."""
    values = unseal(token, _PURPOSE, secret)
    try:
        return None if values is None else _decode(values)
    except msgspec.ValidationError:
        return None
