"""House API v1: events, exactly as they travel in the event stream and in webhooks."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from clearline.accounts.domain import NAME_MAX
from clearline.wires.house.wire import LIMIT_MAX, Id, Moment, NoteId, Number

_TYPE = r"[a-z_]{1,64}\.[a-z_]{0,64}"
CURSOR_MAX = 60


class EventsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events, and where to begin. Several filters must all hold."""

    after: (
        Annotated[
            str,
            Meta(
                max_length=CURSOR_MAX,
                description="Only events after this cursor, of any event or page, with these filters or others. "
                "Without it, a page and `application/x-ndjson` begin with the first event, and `text/event-stream` "
                "with future events.",
            ),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="The most events of a page; for a page only.")] = 50
    company: Annotated[str, Meta(max_length=NAME_MAX, description="A company's code, name or id.")] | None = None
    ticket: Annotated[Number, Meta(description="Only events about this ticket.")] | None = None
    type: (
        Annotated[
            str,
            Meta(
                max_length=1000,
                pattern=f"^{_TYPE}(,{_TYPE})*$",
                extra={"rule": "must be types of events, or prefixes such as ticket., separated by commas"},
                description="Only these types, separated by commas. A prefix that ends with a dot is every type that "
                "begins with it: `note.,ticket.status_changed`",
            ),
        ]
        | None
    ) = None


class EventActor(Struct, frozen=True):
    """Who did it. ``id`` is null for the command line and for the server itself."""

    id: Id | None
    name: str


class EventOut(Struct, frozen=True):
    """An event. ``data`` depends on ``type`` and has the values before and after, never a secret.

    ``id`` is the same in the stream, in lists and in webhooks. After an older backup was restored, a new event can have
    the id of a lost one: identify an event by ``id`` and ``at``. ``company`` is the id of the company that the event is
    about; ``ticket`` and ``note`` are null when it is about none. ``version`` is that of the ticket after the event, as
    you get it with the ticket; null when the event is about no ticket, or older than this member.
    """

    id: str
    type: str
    at: Moment
    company: Id
    ticket: Number | None
    note: NoteId | None
    actor: EventActor
    version: int | None
    data: dict[str, Any]


class StreamedEvent(EventOut, frozen=True):
    """An event with the cursor after it, for ``after``."""

    cursor: str


class EventPage(Struct, frozen=True):
    """Events in the order of the log.

    ``next_cursor`` is never null: continue from it, at once if ``has_more``, and later otherwise. A page may be short,
    even empty, and still have more after it.
    """

    data: list[StreamedEvent]
    has_more: bool
    next_cursor: str
