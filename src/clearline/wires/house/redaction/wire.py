"""House API v1: redactions, exactly as they travel."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.redaction.domain import REASON_MAX, WORDS_MAX, Target
from clearline.tickets.domain import DESCRIPTION_MAX
from clearline.wires.house.wire import Id, Moment, Number
from clearline.wires.http.fields import characters

TargetId = Annotated[str, characters(1, 64)]


class PlaceIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the words stand. ``id`` is that of a note, a mail or a file.

    ``text`` holds the words, exactly; in the place of it ``start`` and ``length`` select characters of the title, the
    description or the note. A file has neither: it is removed as a whole. ``ticket`` is anywhere in the ticket, such as
    its contact, its tags or its history.
    """

    target: Target
    id: TargetId | None = None
    text: Annotated[str, characters(1, WORDS_MAX)] | None = None
    start: Annotated[int, Meta(ge=0, le=DESCRIPTION_MAX)] | None = None
    length: Annotated[int, Meta(ge=1, le=WORDS_MAX)] | None = None


class RedactionIn(PlaceIn, forbid_unknown_fields=True, kw_only=True):
    """Words or a file to remove for good, and why; the reason is kept, and must not hold the words."""

    reason: Annotated[str, characters(1, REASON_MAX)]


class PreviewOut(Struct, frozen=True):
    """What a redaction would rewrite: texts and files of these tickets, mails, and whatever else is kept of them."""

    places: int
    tickets: list[Number]
    texts: int
    mails: int
    others: int


class RedactedBy(Struct, frozen=True):
    """Who redacted. ``id`` is null for the operator at the command line."""

    id: Id | None
    name: str


class RedactionOut(Struct, frozen=True):
    """A redaction. ``places`` is how many texts, mails and other records held the words, as far as the work is.

    ``tickets`` are those where they were looked for. ``finished_at`` is null while the work goes on.
    """

    id: Id
    ticket: Number
    target: Target
    target_id: str | None
    reason: str
    redacted_by: RedactedBy
    redacted_at: Moment
    tickets: list[Number]
    places: int
    finished_at: Moment | None
