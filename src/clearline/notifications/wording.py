"""What a mail says of an event, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from clearline.tickets.domain import Status

STATUS: dict[str, str] = {one: one.replace("_", " ") for one in Status}
_KIB = 1024
_LONG = 100
"""The most characters of a value that a sentence repeats."""


class Names(Struct, frozen=True):
    """What an event only has the ids of; None where nothing of that id is there any more."""

    file: str | None = None
    size: int = 0
    agent: str | None = None
    queue: str | None = None


class Told(Struct, frozen=True):
    """One thing that a mail tells of: who did it, and what was written or done. ``number`` keeps the order."""

    number: int
    at: datetime
    type: str
    data: dict[str, Any]
    who: str
    text: str


_HEADLINES = (
    ("ticket.created", "New ticket"),
    ("ticket.merged", "Merged"),
    ("ticket.status_changed", ""),
    ("note.added", "New note"),
    ("attachment.added", "New file"),
    ("ticket.assigned", "New agent"),
    ("ticket.routed", "New queue"),
)
"""What a mail is about first, before what stands below."""


def headline(told: Sequence[Told], *, reader_id: str | None) -> str:
    """What happened, in a few words, for the reader of this id: the most important of several."""
    for kind, words in _HEADLINES:
        found = [one for one in told if one.type == kind]
        if not found:
            continue
        last = found[-1]
        if kind == "ticket.status_changed":
            return STATUS[last.data["after"]].capitalize()
        if kind == "ticket.assigned" and last.data["after"] == reader_id and reader_id is not None:
            return "Assigned to you"
        return words
    return "Updated"


def who_did(kind: str, data: Mapping[str, Any], actor: str) -> str:
    """Who did it, and whether the customer does not see it."""
    hidden = kind in {"note.added", "attachment.added"} and data["visibility"] != "public"
    return f"{actor} (internal)" if hidden else actor


def words(kind: str, data: Mapping[str, Any], names: Names, *, is_own: bool) -> str:  # noqa: PLR0911 - a table
    """One sentence about an event that is no note; ``is_own`` when its reader is the one that was given the ticket."""
    match kind:
        case "ticket.created":
            return "Raised the ticket."
        case "attachment.added":
            return f"Attached {names.file} ({_size(names.size)})."
        case "ticket.status_changed":
            said = f"Changed the status from {STATUS[data['before']]} to {STATUS[data['after']]}."
            return f"{said}\n\n{data['reason']}" if data["reason"] else said
        case "ticket.assigned":
            return _assigned(data, names, is_own=is_own)
        case "ticket.routed":
            return _routed(data, names)
        case "ticket.merged":
            return f"Merged the ticket into {data['into']}. Use that ticket from now on."
        case "ticket.unmerged":
            return f"Undid the merge into {data['into']}."
    return _linked_or_changed(kind, data)


def _linked_or_changed(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "ticket.changed":
        return f"Changed {'; '.join(map(_changed, data['changes']))}."
    link = f"{data['link'].replace('_', ' ')} {data['other']}"
    return f"Linked the ticket: {link}." if kind == "ticket.linked" else f"Removed the link: {link}."


def _assigned(data: Mapping[str, Any], names: Names, *, is_own: bool) -> str:
    if data["after"] is None:
        return "Unassigned the ticket."
    return f"Assigned the ticket to {'you' if is_own else names.agent or 'another agent'}."


def _routed(data: Mapping[str, Any], names: Names) -> str:
    if data["after"] is None:
        return "Removed the ticket from its queue."
    return f"Moved the ticket to {f'the queue {names.queue}' if names.queue else 'a queue that no longer exists'}."


def _changed(change: Mapping[str, Any]) -> str:
    field = change["field"].replace("_", " ")
    before, after = change["before"], change["after"]
    if isinstance(before, str) and isinstance(after, str):
        return f"{field} from {_short(before)} to {_short(after)}"
    return f"{field} to {_short(after)}" if isinstance(after, str) else field


def _short(value: str) -> str:
    return value if len(value) <= _LONG else value[: _LONG - 3] + "..."


def _size(size: int) -> str:
    return f"{size} bytes" if size < _KIB else f"{-(-size // _KIB)} KiB"
