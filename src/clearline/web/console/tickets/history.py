"""The history of a ticket: each value that was changed, before and after."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.identity import PROVIDER_ID
from clearline.language.reader import reader
from clearline.tickets import access
from clearline.tickets import usecases as tickets
from clearline.tickets.faults.words import LABELS, WORDS
from clearline.web import looks
from clearline.web.console.people import all_queues
from clearline.web.console.tickets.pages import page_about
from clearline.web.fields import whole_number
from clearline.web.tickets.own_fields import NO_WORDS, OwnWords, shown_with_changes
from clearline.web.tickets.terms import FACT_LABELS, fact_value, moved_facts
from clearline.web.tickets.timeline import in_words
from clearline.web.tickets.type_names import issue_name
from clearline.web.visit import Visit
from clearline.web.words import full_time, gettext
from clearline.wires.http.call import Answer

_SIZE = 200


class Row(Struct, frozen=True):
    """A change: of a value, with ``field``, ``before`` and ``after``, or of something else, with ``text`` alone."""

    at: datetime
    who: str
    text: str = ""
    field: str = ""
    before: str = ""
    after: str = ""


async def show_history(visit: Visit) -> Answer:
    """Show 200 changes, oldest first, after the event ``after``: a page, or with ``part`` the table alone."""
    number, text = access.parse_number(visit.path["number"]), visit.query.get("after", "")
    after = whole_number(text, digits=18) or 0
    async with visit.services.database.transaction() as tx:
        events = await tickets.history(tx, visit.actor, number, after=after, limit=_SIZE + 1)
        people = await accounts.list_users(tx, visit.actor, PROVIDER_ID)
        queues = await all_queues(tx, visit.actor)
        company_id = await access.require_ticket(tx, visit.actor, number)
        _shown, own = await shown_with_changes(tx, visit.actor, company_id, (), events)
    names = {str(user.id): user.name for user in people} | {str(queue.id): queue.name for queue in queues}
    shown = events[:_SIZE]
    rows = [row for event in shown for row in rows_of(event, names, own)]
    next_after = shown[-1].offset.id if len(events) > _SIZE else None
    if visit.query.get("part"):
        return visit.page("console/history_part.html", rows=rows, number=visit.path["number"], next_after=next_after)
    return await page_about(
        visit, "console/history.html", rows=rows, number=visit.path["number"], next_after=next_after
    )


def rows_of(event: Event, names: Mapping[str, str], own: OwnWords = NO_WORDS) -> Iterator[Row]:
    """Yield a row for each value that an event changed, or one with its words. ``names`` are by ids."""
    at, who, data = event.at, event.actor_name, event.data
    match event.type:
        case EventType.TICKET_CREATED:
            yield Row(at, who, gettext("Raised the ticket"))
        case EventType.NOTE_ADDED:
            is_internal = data["visibility"] == "internal"
            yield Row(at, who, gettext("Added an internal note") if is_internal else gettext("Added a message"))
        case EventType.ATTACHMENT_ADDED:
            yield Row(at, who, gettext("Added a file"))
        case EventType.TICKET_WATCHED:
            name = names.get(data["user_id"], gettext("a user of the customer"))
            text = gettext("Added the watcher %(name)s") if data["watches"] else gettext("Removed the watcher %(name)s")
            yield Row(at, who, text % {"name": name})
        case EventType.STATUS_CHANGED:
            yield _status_changed(event, names)
        case EventType.TICKET_ASSIGNED:
            yield _changed(event, names, "assignee", data["before"], data["after"])
        case EventType.TICKET_ROUTED:
            yield _changed(event, names, "queue", data["before"], data["after"])
        case EventType.TICKET_CHANGED:
            for change in data["changes"]:
                yield _own_changed(event, own, change) or _changed(
                    event, names, change["field"], change["before"], change["after"]
                )
        case _:
            yield Row(at, who, in_words(event, names) or event.type)


def _own_changed(event: Event, own: OwnWords, change: Mapping[str, Any]) -> Row | None:
    if (field := own.of(change["field"])) is None:
        return None
    before, after = (own.text(field, change[side]) for side in ("before", "after"))
    return Row(event.at, event.actor_name, "", field.label_in(reader().language), before, after)


def _status_changed(event: Event, names: Mapping[str, str]) -> Row:
    data = event.data
    row = _changed(event, names, "status", data["before"], data["after"])
    if facts := moved_facts(data):
        row = replace(row, after=f"{row.after} ({facts})")
    return replace(row, after=f"{row.after}: {data['reason']}") if data.get("reason") else row


def _changed(event: Event, names: Mapping[str, str], field: str, before: Any, after: Any) -> Row:
    shown = [_in_words(field, value, names) for value in (before, after)]
    labels = {**LABELS, **FACT_LABELS}
    label = gettext(labels[field]) if field in labels else field.replace("_", " ").capitalize()
    return Row(event.at, event.actor_name, "", label, *shown)


def _in_words(field: str, value: Any, names: Mapping[str, str]) -> str:  # noqa: C901, PLR0911 - a table
    match value:
        case None:
            return ""
        case list():
            return ", ".join(str(item) for item in value)
        case dict():
            return ", ".join(f"{name}: {item}" for name, item in value.items() if item is not None)
        case _ if field in FACT_LABELS:
            return fact_value(field, value)
        case str() if field == "status" and value in looks.STATUSES:
            return gettext(looks.STATUSES[value].label)
        case str() if field == "priority" and value in looks.PRIORITIES:
            return gettext(looks.PRIORITIES[value].label)
        case str() if field == "severity" and value in looks.SEVERITIES:
            return gettext(looks.SEVERITIES[value])
        case bool():
            return gettext("Yes") if value else gettext("No")
        case str() if field in WORDS and value in WORDS[field]:
            return gettext(WORDS[field][value])
        case str() if field == "occurred_at":
            return full_time(datetime.fromisoformat(value))
        case str() if field == "issue_type":
            return issue_name(value)
        case str() if field in {"assignee", "queue"}:
            return names.get(value, gettext("Deleted"))
    return str(value)
