"""The timeline of a ticket: its messages, internal notes, files and events in their order."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.language.reader import reader
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import TicketView
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import Visibility
from clearline.web import looks
from clearline.web.tickets.case_words import STATES
from clearline.web.tickets.own_fields import NO_WORDS, OwnWords
from clearline.web.tickets.terms import CLOSURE_LABELS, fact_value, moved_facts
from clearline.web.tickets.type_names import issue_name
from clearline.web.words import full_time, gettext

FOLD_FROM = 3
"""So many events without a message between them are folded into one line."""
_SHOWN = 100
"""The newest messages that a page shows at first."""
_WITH_MESSAGE = timedelta(seconds=60)
"""A file belongs to a message of the same person that is not older than this."""
_NOT_SHOWN = {EventType.TICKET_CREATED, EventType.NOTE_ADDED, EventType.ATTACHMENT_ADDED}
"""Events whose effect is in the timeline itself."""


class Entry(Struct, frozen=True):
    """A message, an internal note, or files alone. ``source`` is the side that it comes from.

    The description has the number 0. ``has_mail`` is whether it was made from a mail, whose original can be shown.
    ``channel`` decides how the text is read; ``how`` is what the page calls it.
    """

    kind: str
    at: datetime
    author: str
    text: str = ""
    how: str = ""
    source: str = ""
    files: tuple[Attachment, ...] = ()
    ticket_number: int = 0
    number: int = 0
    has_mail: bool = False
    has_cut_text: bool = False
    channel: str = ""


class Line(Struct, frozen=True):
    """An event in looks."""

    at: datetime
    text: str


class Fold(Struct, frozen=True):
    """Events between two messages, shown one by one, or as one line that opens."""

    lines: tuple[Line, ...]
    kind: str = "events"

    @property
    def is_folded(self) -> bool:
        """Whether they are one line."""
        return len(self.lines) >= FOLD_FROM

    @property
    def at(self) -> datetime:
        """The time of the last of them."""
        return self.lines[-1].at


class Timeline(Struct, frozen=True):
    """What a ticket's page shows, oldest first; ``earlier`` messages are left out."""

    items: list[Entry | Fold]
    earlier: int = 0


def timeline(
    view: TicketView,
    notes: Sequence[TicketNote],
    files: Sequence[Attachment],
    events: Sequence[Event],
    names: Mapping[str, str],
    *,
    is_whole: bool,
    has_mail: bool = False,
    own: OwnWords = NO_WORDS,
) -> Timeline:
    """Return the timeline of a ticket. ``names`` are those of queues and people by their ids, ``own`` of own fields.

    ``has_mail`` is whether the ticket was raised with a mail.
    """
    ticket, channel = view.ticket, looks.CHANNELS[view.ticket.channel]
    first = Entry(
        "message", ticket.created_at, ticket.contact.name, ticket.description, channel, has_mail=has_mail,
        channel=ticket.channel,
    )  # fmt: skip
    entries = [first, *(entry_of(note) for note in notes)]
    entries = with_files(entries, files)
    earlier = 0 if is_whole else max(len(entries) - _SHOWN - 1, 0)
    entries = [first if not entries[0].files else entries[0], *entries[1 + earlier :]]
    since = entries[1].at if earlier else ticket.created_at
    lines = [
        Line(event.at, text)
        for event in events
        if event.type not in _NOT_SHOWN and event.at >= since and (text := in_words(event, names, own))
    ]
    items: list[Entry | Line] = sorted([*entries, *lines], key=lambda item: item.at)
    folded: list[Entry | Fold] = []
    for is_line, run in groupby(items, key=lambda item: isinstance(item, Line)):
        together: tuple[Any, ...] = tuple(run)
        folded += [Fold(together)] if is_line else together
    return Timeline(folded, earlier)


def entry_of(ticket_note: TicketNote) -> Entry:
    """Return a note as an entry, without its files."""
    note = ticket_note.note
    kind = "note" if note.visibility == Visibility.INTERNAL else "message"
    how = looks.CHANNELS.get(note.channel, "")
    return Entry(
        kind, note.created_at, note.author, note.text, how, note.source, (), ticket_note.ticket_number, note.number,
        ticket_note.mail_id is not None, ticket_note.has_trimmed_text, note.channel,
    )  # fmt: skip


def with_files(entries: list[Entry], files: Sequence[Attachment]) -> list[Entry]:
    """Return the entries with each file at the message that it came with, or as an entry of its own."""
    placed = list(entries)
    for file in files:
        is_internal = file.visibility == Visibility.INTERNAL
        for at in range(len(placed) - 1, -1, -1):
            entry = placed[at]
            is_near = timedelta(0) <= file.created_at - entry.at <= _WITH_MESSAGE
            if entry.author == file.author and is_near and (entry.kind == "note") == is_internal:
                placed[at] = replace(entry, files=(*entry.files, file))
                break
        else:
            kind = "note" if is_internal else "message"
            placed.append(Entry(kind, file.created_at, file.author, source=file.source, files=(file,)))
    return [placed[0], *sorted(placed[1:], key=lambda entry: entry.at)]


def in_words(event: Event, names: Mapping[str, str], own: OwnWords = NO_WORDS) -> str:  # noqa: C901, PLR0911, PLR0912 - a table
    """Return an event as a sentence without a full stop; empty for one that people need not see."""
    who, data = event.actor_name, event.data
    match event.type:
        case EventType.STATUS_CHANGED:
            return _status_changed(who, data)
        case EventType.TICKET_ASSIGNED:
            return _moved(
                who,
                data,
                names,
                gettext("%(who)s assigned the ticket to %(to)s"),
                gettext("%(who)s unassigned the ticket"),
            )
        case EventType.TICKET_ROUTED:
            return _moved(
                who,
                data,
                names,
                gettext("%(who)s moved the ticket to %(to)s"),
                gettext("%(who)s took the ticket out of its queue"),
            )
        case EventType.TICKET_CHANGED:
            changed = [
                _own_changed(who, change, own) or _changed(who, change)
                for change in data["changes"]
                if not _is_of_closure(change)
            ]
            return "; ".join(filter(None, [*changed, _closure_changed(who, data["changes"])]))
        case EventType.TICKET_LINKED | EventType.TICKET_UNLINKED:
            verb = gettext("linked") if event.type == EventType.TICKET_LINKED else gettext("unlinked")
            return f"{who} {verb}: {gettext(looks.LINKS.get(data['link'], data['link']))} {data['other']}"
        case EventType.TICKET_MERGED:
            return gettext("%(who)s merged this ticket into %(into)s") % {"who": who, "into": data["into"]}
        case EventType.TICKET_UNMERGED:
            return gettext("%(who)s took this ticket out of %(into)s again") % {"who": who, "into": data["into"]}
        case (
            EventType.CONTACT_ADDED
            | EventType.CONTACT_CHANGED
            | EventType.CONTACT_REMOVED
            | EventType.CC_ADDED
            | EventType.CC_REMOVED
        ):
            return _about_person(event)
        case EventType.CASE_ADDED | EventType.CASE_CHANGED | EventType.CASE_REMOVED:
            return _about_case(event)
        case EventType.TICKET_REMINDED:
            text = gettext("The reminder of %(who)s is due") % {"who": data["set_by"]}
            return f"{text}: {data['reason']}" if data["reason"] else text
        case EventType.ATTACHMENT_REMOVED:
            return gettext("%(who)s removed a file") % {"who": who}
        case EventType.TICKET_REDACTED:
            text = gettext("%(who)s removed words for good, everywhere")
            if data["target"] == "attachment":
                text = gettext("%(who)s removed a file for good, everywhere")
            return text % {"who": who}
    return ""


def _about_person(event: Event) -> str:
    """Return an event about one of the people of a ticket as a sentence."""
    texts = {
        EventType.CONTACT_ADDED: gettext("%(who)s added the contact %(name)s"),
        EventType.CONTACT_CHANGED: gettext("%(who)s changed the contact %(name)s"),
        EventType.CONTACT_REMOVED: gettext("%(who)s removed the contact %(name)s"),
        EventType.CC_ADDED: gettext("%(who)s had %(name)s copied"),
        EventType.CC_REMOVED: gettext("%(who)s took %(name)s out of the copies"),
    }
    name = event.data["name"] or event.data["email"]
    return texts[EventType(event.type)] % {"who": event.actor_name, "name": name}


def _about_case(event: Event) -> str:
    """Return an event about a case at a third party as a sentence, in English: only the provider's people see it."""
    data = event.data
    name = f"{data['party']} {data['number']}".strip()
    after = {change["field"]: change["after"] for change in data["changes"]}
    match event.type:
        case EventType.CASE_ADDED:
            return f"{event.actor_name} added the case {name}"
        case EventType.CASE_REMOVED:
            return f"{event.actor_name} removed the case {name}"
    if set(after) == {"state"}:
        return f"{event.actor_name} set the case {name} to {STATES[after['state']].lower()}"
    return f"{event.actor_name} changed the case {name}: {', '.join(after).replace('_', ' ').replace('.', ' ')}"


def _moved(who: str, data: Mapping[str, Any], names: Mapping[str, str], to_text: str, off_text: str) -> str:
    if data["after"] is None:
        return off_text % {"who": who}
    return to_text % {"who": who, "to": names.get(data["after"], gettext("somebody"))}


def _own_changed(who: str, change: Mapping[str, Any], own: OwnWords) -> str:
    """Return the change of an own field as a sentence; empty for another."""
    if (field := own.of(change["field"])) is None:
        return ""
    text = gettext("%(who)s cleared %(field)s")
    if change["after"] is not None:
        text = gettext("%(who)s set %(field)s to %(to)s")
    return text % {"who": who, "field": field.label_in(reader().language), "to": own.text(field, change["after"])}


def _changed(who: str, change: Mapping[str, Any]) -> str:
    field, before, after = change["field"], change["before"], change["after"]
    if field == "tags":
        added = [f"+{tag}" for tag in after if tag not in before]
        removed = [f"-{tag}" for tag in before if tag not in after]
        return gettext("%(who)s changed the tags: %(tags)s") % {"who": who, "tags": " ".join([*added, *removed])}
    if field == "priority":
        after = gettext(looks.PRIORITIES[after].label)
        return gettext("%(who)s set the priority to %(to)s") % {"who": who, "to": after}
    if field == "issue_type":
        return gettext("%(who)s set the issue to %(to)s") % {"who": who, "to": issue_name(after)}
    if field == "reminder":
        return _reminder_changed(who, after)
    if field == "title":
        return gettext("%(who)s changed the subject from “%(before)s”") % {"who": who, "before": before}
    return _progress_changed(who, field, after)


def _status_changed(who: str, data: Mapping[str, Any]) -> str:
    label = gettext(looks.STATUSES[data["after"]].label)
    if facts := moved_facts(data):
        label = f"{label} ({facts})"
    text = gettext("%(who)s set the status to %(label)s") % {"who": who, "label": label}
    return f"{text}: {data['reason']}" if data.get("reason") else text


def _is_of_closure(change: Mapping[str, Any]) -> bool:
    return str(change["field"]).startswith("closure.")


def _closure_changed(who: str, changes: Sequence[Mapping[str, Any]]) -> str:
    """Return what was found and done as a sentence: of texts only that they were written."""
    facts = []
    for change in filter(_is_of_closure, changes):
        name, after = change["field"].removeprefix("closure."), change["after"]
        label = gettext(CLOSURE_LABELS[name])
        is_text = name in {"root_cause", "resolution"} and after
        facts.append(label if is_text else f"{label}: {fact_value(change['field'], after) or gettext('none')}")
    if not facts:
        return ""
    return gettext("%(who)s noted what was found and done: %(facts)s") % {"who": who, "facts": ", ".join(facts)}


def _progress_changed(who: str, field: str, after: Any) -> str:
    """Return a change of the sub-status, of why a ticket waits, or of another value, as a sentence."""
    if field == "sub_status_for_customers":
        return ""
    texts = {
        "sub_status": (gettext("%(who)s set the sub-status to %(to)s"), gettext("%(who)s removed the sub-status")),
        "waiting.reason": (gettext("%(who)s set why it waits to %(to)s"), gettext("%(who)s removed why it waits")),
        "waiting.text": (gettext("%(who)s wrote what it waits for: %(to)s"), ""),
    }
    changed = gettext("%(who)s changed %(field)s")
    text, removed = texts.get(field, (changed, changed))
    values = {"who": who, "to": fact_value(field, after), "field": field.replace("_", " ")}
    return (removed if after is None else text) % values


def _reminder_changed(who: str, after: Mapping[str, Any] | None) -> str:
    if after is None:
        return gettext("%(who)s removed the reminder") % {"who": who}
    at = full_time(datetime.fromisoformat(after["at"]))
    text = gettext("%(who)s set a reminder for %(at)s") % {"who": who, "at": at}
    return f"{text}: {after['reason']}" if after["reason"] else text
