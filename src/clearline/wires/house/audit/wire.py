"""House API v1: the audit, exactly as it travels."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from clearline.accounts.domain import NAME_MAX
from clearline.wires.house.wire import UUID_MAX, Id, Moment, NoteId, Number, PageQuery


class AuditQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to list. Several filters must all hold."""

    since: Annotated[datetime, Meta(tz=True, description="Not before this time.")] | None = None
    until: Annotated[datetime, Meta(tz=True, description="Before this time.")] | None = None
    actor: Annotated[str, Meta(max_length=UUID_MAX, description="The id of the user who did it, or `me`.")] | None = (
        None
    )
    type: (
        Annotated[
            str,
            Meta(
                max_length=64,
                pattern=r"^[a-z_]+\.[a-z_]*$",
                extra={"rule": "must be a type of event such as user.created, or a prefix such as user."},
                description="Exactly this type, or a prefix of types that ends with a dot: `user.`",
            ),
        ]
        | None
    ) = None
    ticket: Annotated[Number, Meta(description="Only events about this ticket.")] | None = None
    company: Annotated[str, Meta(max_length=NAME_MAX, description="A company's code, name or id.")] | None = None


class AuditEventOut(Struct, frozen=True):
    """An event.

    ``data`` depends on ``type`` and has the values before and after, never a secret. ``actor_id`` is null for the
    command line and for the server itself. ``version`` is the ``version`` of the ticket after the event, null when it
    is about no ticket, or older than this member.
    """

    id: str
    at: Moment
    type: str
    company_id: Id
    ticket: Number | None
    note: NoteId | None
    actor_id: Id | None
    actor: str
    version: int | None
    data: dict[str, Any]
