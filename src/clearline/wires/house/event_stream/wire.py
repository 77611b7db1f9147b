"""House API v1: events, exactly as they travel: in the stream, in lists and in webhooks."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from clearline.wires.house.wire import LIMIT_MAX, Moment, Number

_TYPE = r"[a-z_]{1,64}\.[a-z_]{0,64}"
PLACE_MAX = 60


class EventsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which events, and from where on; all that are given must hold."""

    after: (
        Annotated[
            str,
            Meta(
                max_length=PLACE_MAX,
                description="Only what came after this cursor, of any event or page, with these filters or others. "
                "Without it a page and `application/x-ndjson` begin with the first event, and `text/event-stream` "
                "with what is still to come.",
            ),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="At most so many in a page; for a page only.")] = 50
    company: Annotated[str, Meta(max_length=255, description="A company's code, name or id.")] | None = None
    ticket: Annotated[Number, Meta(description="What happens to this ticket.")] | None = None
    type: (
        Annotated[
            str,
            Meta(
                max_length=1000,
                pattern=f"^{_TYPE}(,{_TYPE})*$",
                description="Only these types, between commas; one with a dot at its end is every type that begins "
                "so: `note.,ticket.status_changed`",
            ),
        ]
        | None
    ) = None


class EventActor(Struct, frozen=True):
    """Who did it. ``id`` is null when it was nobody of the desk: the command line, or the desk itself."""

    id: str | None
    name: str


class EventOut(Struct, frozen=True):
    """Something that happened. ``data`` depends on ``type`` and holds what was before and after, never a secret.

    ``id`` stays the same however often and wherever the event is told. After an older backup was restored a new event
    can have the id of one that was lost: whoever may be told twice knows an event by ``id`` and ``at``.
    ``company`` is the id of the company it is about; ``ticket`` and ``note`` are null when it is about none.
    """

    id: str
    type: str
    at: Moment
    company: str
    ticket: Number | None
    note: Annotated[str, Meta(pattern="^WLG[0-9]{12}$")] | None
    actor: EventActor
    data: dict[str, Any]


class StreamedEvent(EventOut, frozen=True):
    """Something that happened, and the place behind it: ``after`` takes ``cursor``."""

    cursor: str


class EventPage(Struct, frozen=True):
    """Events in the order of the log.

    ``next_cursor`` is never null: go on from it, now if ``has_more``, and later otherwise. A page may be short, even
    empty, and have more behind it.
    """

    data: list[StreamedEvent]
    has_more: bool
    next_cursor: str
