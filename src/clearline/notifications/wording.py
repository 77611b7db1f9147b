"""The sentences about an event in a mail, for each reader."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from clearline.events.event_types import BY_BOUNCE, EVENT_TYPES, Audience, EventType, Visibility, types_with
from clearline.tickets.domain import Channel, Status

_STAFF_WORDS: dict[str, str] = {status: status.replace("_", " ") for status in Status}
_CUSTOMER_WORDS: dict[str, str] = {
    **_STAFF_WORDS,
    Status.ACKNOWLEDGED: "received",
    Status.PENDING: "waiting for your answer",
    Status.HELD: "on hold",
}
_WITH_VISIBILITY = types_with(Visibility.WHEN_PUBLIC)
_KIB = 1024
_VALUE_MAX = 100
"""The most characters of a value in a sentence."""


class Names(Struct, frozen=True):
    """The names of what an event only has ids of; None for what is deleted."""

    file: str | None = None
    size: int = 0
    agent: str | None = None
    queue: str | None = None


class MailEntry(Struct, frozen=True):
    """An entry of a mail: an event's author, and the note or a sentence about it.

    ``number`` keeps the order. ``channel`` is that of the text.
    """

    number: int
    at: datetime
    type: str
    data: dict[str, Any]
    author: str
    text: str
    channel: str = Channel.SYSTEM


def status_words(audience: Audience) -> Mapping[str, str]:
    """Return the words of each status, in lower case, for customers or for the staff."""
    return _STAFF_WORDS if audience is Audience.STAFF else _CUSTOMER_WORDS


def headline(entries: Sequence[MailEntry], *, reader_id: str | None, audience: Audience = Audience.STAFF) -> str:
    """Return what happened in a few words, for the reader of this id: the most important of several events.

    The most important type is the first in the table of event types.
    """
    last = {entry.type: entry for entry in entries}
    first = next(last[kind] for kind in EVENT_TYPES if kind in last)
    if first.type == EventType.TICKET_ASSIGNED and first.data["after"] == reader_id and reader_id is not None:
        return "Assigned to you"
    if first.data.get("by") == BY_BOUNCE:
        return "Returned to the queue"
    status = status_words(audience).get(first.data.get("after", ""), "")
    return (EVENT_TYPES[first.type].headline or "").format(after=status.capitalize())


def author_text(kind: str, data: Mapping[str, Any], actor: str) -> str:
    """Return the author of an event, marked as internal when the customer does not see it."""
    is_internal = kind in _WITH_VISIBILITY and data["visibility"] != "public"
    return f"{actor} (internal)" if is_internal else actor


def sentence(
    kind: str, data: Mapping[str, Any], names: Names, *, is_own: bool, audience: Audience = Audience.STAFF
) -> str:
    """Return a sentence about an event; ``is_own`` when its reader is the one that the ticket was assigned to."""
    row, words = EVENT_TYPES[kind], status_words(audience)
    if row.sentence_when_bounced is not None and data.get("by") == BY_BOUNCE:
        return row.sentence_when_bounced
    if row.sentence_when_cleared is not None and data["after"] is None:
        return row.sentence_when_cleared
    text = row.sentence.format(
        file=names.file,
        size=_size(names.size),
        agent="you" if is_own else names.agent or "another agent",
        queue=f"the queue {names.queue}" if names.queue else "a queue that no longer exists",
        before=words.get(data.get("before", "")),
        after=words.get(data.get("after", "")),
        into=data.get("into"),
        link=data.get("link", "").replace("_", " "),
        other=data.get("other"),
        changes="; ".join(map(_changed, data.get("changes", ()))),
    )
    return f"{text}\n\n{data['reason']}" if data.get("reason") else text


def _changed(change: Mapping[str, Any]) -> str:
    field = change["field"].replace("_", " ")
    before, after = change["before"], change["after"]
    if isinstance(before, str) and isinstance(after, str):
        return f"{field} from {_short(before)} to {_short(after)}"
    return f"{field} to {_short(after)}" if isinstance(after, str) else field


def _short(value: str) -> str:
    return value if len(value) <= _VALUE_MAX else value[: _VALUE_MAX - 3] + "..."


def _size(size: int) -> str:
    return f"{size} bytes" if size < _KIB else f"{-(-size // _KIB)} KiB"
