"""The sentences about an event in a mail, for each reader."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from clearline.catalogue.term_domain import TermKind, Terms
from clearline.events.event_types import BY_BOUNCE, Audience, EventType, Visibility
from clearline.events.type_table import EVENT_TYPES, types_with
from clearline.fields.domain import Field, FieldType
from clearline.fields.reference_usecases import Names as ReferenceNames
from clearline.language.marks import gettext_noop as _
from clearline.language.reader import reader
from clearline.language.times import time_text
from clearline.language.words import first_upper, gettext
from clearline.tickets.domain import Channel, Status
from clearline.tickets.faults.domain import Fault, SiteAccess

_STAFF_WORDS: dict[str, str] = {
    Status.ACKNOWLEDGED: _("acknowledged"),
    Status.IN_PROGRESS: _("in progress"),
    Status.PENDING: _("pending"),
    Status.HELD: _("held"),
    Status.RESOLVED: _("resolved"),
    Status.REOPENED: _("reopened"),
    Status.CANCELLATION_REQUESTED: _("cancellation requested"),
    Status.CANCELLED: _("cancelled"),
    Status.CLOSED: _("closed"),
    Status.REJECTED: _("rejected"),
}
_CUSTOMER_WORDS: dict[str, str] = {
    **_STAFF_WORDS,
    Status.ACKNOWLEDGED: _("received"),
    Status.PENDING: _("waiting for your answer"),
    Status.HELD: _("on hold"),
}
_VALUES = {
    *(_("critical"), _("high"), _("medium"), _("low"), _("extensive"), _("significant"), _("moderate"), _("minor")),
    *(_("down"), _("intermittent"), _("degraded")),
}
"""Values of fields that are words. What people wrote is shown as it is."""
_FIELDS = {
    *(_("title"), _("issue type"), _("contact"), _("severity"), _("priority"), _("impact"), _("asked severity")),
    *(_("occurred at"), _("detected by"), _("observed impact"), _("service end"), _("path state"), _("site access")),
    *(_("testing consent"), _("testing hours"), _("dispatch allowed")),
    *(_("asked priority"), _("external ids"), _("service"), _("tags"), _("status"), _("queue"), _("assignee")),
}
_WORDED = "sub_status_for_customers"
_NAMES = {_WORDED: _("what is being done"), "closure.resolution": _("resolution")}
"""The words of fields whose names are not words."""
_CHOSEN = {"detected_by", "service_end", "path_state", "testing_consent"}
_CHOICES = {
    *(_("customer"), _("customer monitoring"), _("provider"), _("provider monitoring"), _("third party"), _("both")),
    *(_("both up"), _("working down"), _("protection down"), _("both down"), _("unprotected"), _("unknown")),
    *(_("no"), _("yes"), _("within hours")),
}
"""Values of the facts of a fault, which are chosen."""
_LINKS = {
    *(_("related"), _("duplicates"), _("duplicated by"), _("causes"), _("caused by"), _("parent of"), _("child of")),
    *(_("split into"), _("split from"), _("followed up by"), _("follow up of")),
}
_WITH_VISIBILITY = types_with(Visibility.WHEN_PUBLIC)
OWN = "fields."
"""Begins the names of own fields in the changes of an event."""
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
    """Return the words of each status, as they stand in a sentence, for customers or for the staff."""
    words = _STAFF_WORDS if audience is Audience.STAFF else _CUSTOMER_WORDS
    return {status: gettext(text) for status, text in words.items()}


def progress_words(terms: Terms, sub_status: str | None, waiting_reason: str | None, audience: Audience) -> str:
    """Return the sub-status of a ticket and why it waits in the words of the reader; empty where there are none."""
    keys = ((TermKind.SUB_STATUS, sub_status), (TermKind.WAITING_REASON, waiting_reason))
    known = [term for kind, key in keys if (term := terms.get(kind, key)) is not None]
    if audience is Audience.STAFF:
        return ", ".join(term.label for term in known)
    return ", ".join(filter(None, (term.label_for_customers(reader().language) for term in known)))


def in_language(terms: Terms, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of an event with the words for customers of sub-statuses in the language of the reader."""
    if not any(change["field"] == _WORDED for change in data.get("changes", ())):
        return data
    words = {
        term.customer_label: term.label_for_customers(reader().language)
        for term in terms.by_kind[TermKind.SUB_STATUS].values()
    }

    def worded(change: dict[str, Any]) -> dict[str, Any]:
        if change["field"] != _WORDED:
            return change
        return {**change, **{side: words.get(change[side], change[side]) for side in ("before", "after")}}

    return {**data, "changes": [worded(change) for change in data["changes"]]}


def with_own_fields(
    data: Mapping[str, Any], fields: Mapping[str, Field], references: ReferenceNames
) -> Mapping[str, Any]:
    """Return the data of an event with the labels of own fields, and their values in words of the reader."""
    if not any(change["field"].startswith(OWN) for change in data.get("changes", ())):
        return data

    def worded(change: dict[str, Any]) -> dict[str, Any]:
        field = fields.get(change["field"].removeprefix(OWN)) if change["field"].startswith(OWN) else None
        if field is None:
            return change
        sides = {side: _own_value(field, change[side], references) for side in ("before", "after")}
        return {**change, **sides, "label": field.label_in(reader().language)}

    return {**data, "changes": [worded(change) for change in data["changes"]]}


def _own_value(field: Field, value: Any, references: ReferenceNames) -> str | None:
    """Return a value of an own field in words; it may be of a type that the field had then, or redacted."""
    if value is None:
        return None
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(_own_value(field, each, references) or "" for each in value)
    if field.refers_to is not None:
        return references.get((field.refers_to, str(value))) or str(value)
    if (option := field.option(value)) is not None:
        return (option.label_de if reader().language == "de" else "") or option.label
    return _moment(value) if field.type is FieldType.DATETIME else str(value)


def _moment(value: Any) -> str:
    try:
        return time_text(datetime.fromisoformat(value))
    except (OverflowError, TypeError, ValueError):
        return str(value)


def value_word(value: str) -> str:
    """Return the word of a value of a field."""
    return gettext(value) if value in _VALUES else value


def headline(entries: Sequence[MailEntry], *, reader_id: str | None, audience: Audience = Audience.STAFF) -> str:
    """Return what happened in a few words, for the reader of this id: the most important of several events.

    The most important type is the first in the table of event types.
    """
    last = {entry.type: entry for entry in entries}
    first = next(last[kind] for kind in EVENT_TYPES if kind in last)
    if first.type == EventType.TICKET_ASSIGNED and first.data["after"] == reader_id and reader_id is not None:
        return gettext("Assigned to you")
    if first.data.get("by") == BY_BOUNCE:
        return gettext("Returned to the queue")
    status = status_words(audience).get(first.data.get("after", ""), "")
    text = EVENT_TYPES[first.type].headline or ""
    return gettext(text).format(after=first_upper(status))


def author_text(kind: str, data: Mapping[str, Any], actor: str) -> str:
    """Return the author of an event, marked as internal when the customer does not see it."""
    is_internal = kind in _WITH_VISIBILITY and data["visibility"] != "public"
    return gettext("%(name)s (internal)") % {"name": actor} if is_internal else actor


def sentence(
    kind: str, data: Mapping[str, Any], names: Names, *, is_own: bool, audience: Audience = Audience.STAFF
) -> str:
    """Return a sentence about an event; ``is_own`` when its reader is the one that the ticket was assigned to."""
    row, words = EVENT_TYPES[kind], status_words(audience)
    if row.sentence_when_bounced is not None and data.get("by") == BY_BOUNCE:
        return gettext(row.sentence_when_bounced)
    if row.sentence_when_cleared is not None and data["after"] is None:
        return gettext(row.sentence_when_cleared)
    text = gettext(row.sentence).format(
        file=names.file,
        size=_size(names.size),
        agent=gettext("you") if is_own else names.agent or gettext("another agent"),
        queue=gettext("the queue %(name)s") % {"name": names.queue}
        if names.queue
        else gettext("a queue that no longer exists"),
        before=words.get(data.get("before", "")),
        after=words.get(data.get("after", "")),
        into=data.get("into"),
        link=_word(data.get("link", ""), _LINKS),
        other=data.get("other"),
        changes="; ".join(map(_changed, data.get("changes", ()))),
    )
    return f"{text}\n\n{data['reason']}" if data.get("reason") else text


def _changed(change: Mapping[str, Any]) -> str:
    before, after = change["before"], change["after"]
    name = change["field"]
    words = gettext(_NAMES[name]) if name in _NAMES else _word(name.replace(".", " "), _FIELDS)
    shown: dict[str, str] = {"field": change.get("label", words)}
    if not isinstance(after, str):
        return shown["field"]
    shown["after"] = _value(change["field"], after)
    if not isinstance(before, str):
        return gettext("%(field)s to %(after)s") % shown
    return gettext("%(field)s from %(before)s to %(after)s") % {**shown, "before": _value(change["field"], before)}


def fault_facts(occurred_at: datetime | None, fault: Fault) -> list[tuple[str, str]]:
    """Return what a mail about a new ticket says of its fault: its beginning, consent to tests and site access."""
    consent, access = fault.testing_consent, fault.site_access or SiteAccess()
    facts = [
        (gettext("Began"), "" if occurred_at is None else time_text(occurred_at)),
        (gettext("Intrusive tests"), fault.testing_hours or ("" if consent is None else _word(consent, _CHOICES))),
        (gettext("Site access"), "; ".join(filter(None, (access.contact, access.hours, access.hazards)))),
    ]
    return [(name, value) for name, value in facts if value]


def _value(field: str, value: str) -> str:
    if field == "occurred_at":
        return time_text(datetime.fromisoformat(value))
    return _word(value, _CHOICES) if field in _CHOSEN else _short(value_word(value))


def _word(name: str, words: Collection[str]) -> str:
    """Return a name of ours in words."""
    text = name.replace("_", " ")
    return gettext(text) if text in words else text


def _short(value: str) -> str:
    return value if len(value) <= _VALUE_MAX else value[: _VALUE_MAX - 3] + "..."


def _size(size: int) -> str:
    return gettext("%(num)s bytes") % {"num": size} if size < _KIB else f"{-(-size // _KIB)} KiB"
