"""Macros: replies that agents use again and again, and what else they do with a ticket."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.catalogue.term_domain import TermKind, Terms
from clearline.catalogue.term_usecases import current_terms
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import day_time_of
from clearline.tickets.domain import Status, Waiting
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import REACHABLE
from clearline.web.console.admin.catalogue.macro_fields import macro_fields_in, macro_form_fields, macro_form_values
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.people import all_queues
from clearline.web.fields import id_in, member_in, optional_member_in
from clearline.web.looks import PRIORITIES, STATUSES
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.own_fields import own_field_of
from clearline.web.tickets.own_fields import input_name
from clearline.web.tickets.own_fields import labels as own_labels
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import PLACEHOLDERS, Macro, MacroReminder

_FIELDS = {
    "waiting": "waiting_reason", "waiting.reason": "waiting_reason", "waiting.text": "waiting_text",
    "reminder": "reminder_wait", "reminder.wait": "reminder_wait", "reminder.reason": "reminder_reason",
}  # fmt: skip
"""The fields of the form by the values that a use case refuses, where they differ."""

_WAITS = (
    "Minutes, hours or days: 90m, 4h, 2d. Or a time of a later day, in the time zone of who uses the macro: "
    "tomorrow 09:00, next working day 09:00, 3d 09:00."
)


class Macros(AdminSection[Macro]):
    """The section of macros."""

    noun = "macro"
    path = f"{ADMIN}/macros"
    scope = Scope.DESK_WRITE

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Macros"),
            "new": gettext("New macro"),
            "about": gettext(
                "Macros write a reply or a note, and set the status, queue, priority, tags and a reminder with it."
            ),
            "about delete": gettext("What the macro wrote and changed stays."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the macros by name."""
        listed = await macros.list_macros(tx, visit.actor, after=after[0] if after else None, limit=limit)
        labels = own_labels(await definitions(tx), RecordKind.TICKET, for_staff=True)
        return [Line(str(macro.id), macro.name, [macro.name], _summary(macro, labels)) for macro in listed]

    async def fields(self, visit: Visit, tx: Tx, record: Macro | None) -> list[Field]:
        """Return the fields of a macro."""
        unchanged = Choice("", gettext("Unchanged"))
        placeholders = ", ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS)
        return [
            Field("name", gettext("Name"), is_required=True),
            Field(
                "text", gettext("Text"), Kind.AREA,
                hint=gettext("Placeholders: %(names)s. Without a text it writes nothing.") % {"names": placeholders},
            ),
            Field(
                "visibility", gettext("Written as"), Kind.SELECT,
                [
                    Choice(Visibility.PUBLIC, gettext("Reply to the customer")),
                    Choice(Visibility.INTERNAL, gettext("Internal note")),
                ],
            ),
            Field(
                "status", gettext("Status"), Kind.SELECT,
                [unchanged, *(Choice(to, gettext(STATUSES[to].label)) for to in Status if to in REACHABLE)],
            ),
            *_progress_fields(await current_terms(tx), Macro(UUID(int=0), "") if record is None else record),
            Field(
                "queue_id", gettext("Queue"), Kind.SELECT,
                [unchanged, *(Choice(str(queue.id), queue.name) for queue in await all_queues(tx, visit.actor))],
            ),
            Field(
                "priority", gettext("Priority"), Kind.SELECT,
                [unchanged, *(Choice(value, gettext(look.label)) for value, look in PRIORITIES.items())],
            ),
            Field("add_tags", gettext("Add tags"), hint=gettext("Between spaces.")),
            *await macro_form_fields(tx, visit.actor, {} if record is None else record.fields),
            Field("reminder_wait", gettext("Reminder after"), hint=gettext(_WAITS)),
            Field("reminder_reason", gettext("Reason of the reminder"), hint=gettext("For your people alone.")),
            Field("reminder_answer", gettext("An answer of the customer cancels it"), Kind.CHECK),
        ]  # fmt: skip

    def values(self, record: Macro) -> Values:
        """Return what the fields of a macro have."""
        reminder = record.reminder or MacroReminder("")
        return {
            "name": [record.name],
            "text": [record.text],
            "visibility": [record.visibility],
            "status": [record.status or ""],
            "sub_status": [record.facts.sub_status or ""],
            "waiting_reason": ["" if record.facts.waiting is None else record.facts.waiting.reason],
            "waiting_text": ["" if record.facts.waiting is None else record.facts.waiting.text],
            "queue_id": [str(record.queue_id or "")],
            "priority": [record.priority or ""],
            "add_tags": [" ".join(record.add_tags)],
            "reminder_wait": [reminder.wait],
            "reminder_reason": [reminder.reason],
            "reminder_answer": ["on"] if reminder.cancelled_by_answer else [],
        }

    async def stored(self, tx: Tx, record: Macro) -> Values:
        """Return what the fields of a macro have, with the own fields that it sets and clears."""
        return {**self.values(record), **await macro_form_values(tx, record.fields)}

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value: that of the reason for why a ticket waits, or of an own field."""
        return own_field_of(name) or _FIELDS.get(name, super().field_of(name))

    def title(self, record: Macro) -> str:
        """Return the name of a macro."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> Macro:
        """Return a macro."""
        return await macros.get_macro(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> Macro:
        """Lock a macro."""
        return await macros.lock_macro(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a macro."""
        values = {**_values(visit.form), "fields": await macro_fields_in(tx, visit.form, {})}
        return (await macros.add_macro(tx, visit.actor, values, now=visit.now)).id

    async def change(self, visit: Visit, tx: Tx, record: Macro) -> None:
        """Change a macro."""
        values = {**_values(visit.form), "fields": await macro_fields_in(tx, visit.form, record.fields)}
        await macros.change_macro(tx, visit.actor, record.id, values, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: Macro) -> None:
        """Delete a macro."""
        await macros.delete_macro(tx, visit.actor, record.id, now=visit.now)


def _progress_fields(terms: Terms, macro: Macro) -> list[Field]:
    """Return the fields of what goes with the status; a retired term that the macro has stays a choice."""

    def choices(kind: TermKind, present: str | None) -> list[Choice]:
        return [
            Choice(term.key, f"{term.label} ({', '.join(gettext(STATUSES[each].label) for each in term.statuses)})")
            for term in terms.by_kind[kind].values()
            if term.is_active or term.key == present
        ]

    none, waiting = Choice("", gettext("None")), macro.facts.waiting
    return [
        Field(
            "sub_status", gettext("Sub-status"), Kind.SELECT,
            [none, *choices(TermKind.SUB_STATUS, macro.facts.sub_status)], gettext("Of the status above."),
        ),
        Field(
            "waiting_reason", gettext("Reason to wait"), Kind.SELECT,
            [none, *choices(TermKind.WAITING_REASON, None if waiting is None else waiting.reason)],
            gettext("With a status in which tickets wait."),
        ),
        Field("waiting_text", gettext("What it waits for"), hint=gettext("For your people alone.")),
    ]  # fmt: skip


def _facts(form: Form) -> dict[str, Any]:
    """Return what goes with the status. What was found and done is set by the API, and stays."""
    reason, text = form.get("waiting_reason"), form.get("waiting_text").strip()
    waiting = Waiting(reason, text) if reason or text else None
    return {"sub_status": form.get("sub_status") or None, "waiting": waiting}


def _summary(macro: Macro, labels: Mapping[str, str]) -> str:
    """Return what a macro does, in a line."""
    parts = []
    if macro.text:
        is_public = macro.visibility is Visibility.PUBLIC
        parts.append(gettext("Reply") if is_public else gettext("Internal note"))
    if macro.status is not None:
        parts.append(gettext(STATUSES[macro.status].label))
    if macro.priority is not None:
        parts.append(gettext(PRIORITIES[macro.priority].label))
    if macro.reminder is not None:
        word = gettext("Reminder %(wait)s") if day_time_of(macro.reminder.wait) else gettext("Reminder after %(wait)s")
        parts.append(word % {"wait": macro.reminder.wait})
    own = (labels.get(input_name(key), key) for key in macro.fields)
    return " · ".join([*parts, *macro.add_tags, *own])


def _reminder(form: Form) -> MacroReminder | None:
    wait, reason = " ".join(form.get("reminder_wait").lower().split()), form.get("reminder_reason").strip()
    return MacroReminder(wait, reason, form.has("reminder_answer")) if wait or reason else None


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.get("name").strip(),
        "text": form.get("text").rstrip(),
        "visibility": member_in(Visibility, form, "visibility"),
        "status": optional_member_in(Status, form, "status"),
        "facts": _facts(form),
        "queue_id": id_in(form, "queue_id"),
        "priority": optional_member_in(Priority, form, "priority"),
        "add_tags": tuple(form.get("add_tags").replace(",", " ").split()),
        "reminder": _reminder(form),
    }


MACROS = Macros()
