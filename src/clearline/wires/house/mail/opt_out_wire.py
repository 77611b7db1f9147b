"""House API v1: the bodies of mail that its recipients stopped."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from clearline.wires.house.wire import CompanyRef, DatedPageQuery, Id, Moment, Number
from clearline.wires.http.fields import characters


class OptOutTopic(StrEnum):
    """What mail was stopped."""

    TICKET = "ticket"
    TICKETS = "tickets"
    DIGEST = "digest"
    WEBHOOKS = "webhooks"


class OptOutQuery(DatedPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    recipient: (
        Annotated[str, characters(1, 254), Meta(description="Only what this address stopped, in any case.")] | None
    ) = None


class OptOutOut(Struct, frozen=True):
    """Mail that its recipient stopped.

    `ticket`: about one ticket; `tickets`: about the tickets of the company that name the recipient as their contact;
    `digest`: the digests of a user of the company; `webhooks`: about webhooks of the company that were disabled.
    """

    id: Id
    recipient: str
    company: CompanyRef
    topic: OptOutTopic
    ticket: Number | None
    created_at: Moment
