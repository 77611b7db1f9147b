"""Macros (replies with their actions) and saved views (searches)."""

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.errors import RuleCode, Violation
from clearline.reminders.domain import REASON_MAX, ReminderChange, check_wait, moment_after
from clearline.search.domain import QUERY_MAX
from clearline.text import check_text, is_blank
from clearline.tickets.domain import Status, TicketView, ticket_number
from clearline.tickets.label_domain import check_tags
from clearline.tickets.note_domain import TEXT_MAX, Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.tickets.status_domain import ENDS_REMINDER, REACHABLE
from clearline.workspace.column_domain import Columns

NAME_MAX = 255
VIEWS_MAX = 200
"""The most views of a user."""
PLACEHOLDERS = (
    "ticket.number",
    "ticket.title",
    "service.id",
    "service.label",
    "contact.name",
    "company.name",
    "agent.name",
)
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


class MacroReminder(Struct, frozen=True):
    """The reminder that a macro sets: after which ``wait`` from its use on, and why; see ``Reminder``.

    The wait is a span such as ``4h``, or a time of a later day such as ``tomorrow 09:00``.
    """

    wait: str
    reason: str = ""
    cancelled_by_answer: bool = False


class Macro(Struct, frozen=True):
    """A canned reply: a note, unless ``text`` is empty, and what else to do with the ticket.

    ``facts`` go with the status. ``fields`` are values of own fields; None clears one.
    """

    id: UUID
    name: str
    text: str = ""
    visibility: Visibility = Visibility.PUBLIC
    status: Status | None = None
    queue_id: UUID | None = None
    priority: Priority | None = None
    add_tags: tuple[str, ...] = ()
    facts: StatusFacts = NO_FACTS
    fields: dict[str, Any] = {}
    reminder: MacroReminder | None = None


class MacroUse(Struct, frozen=True):
    """A macro used on a ticket: the text with its placeholders filled in, and the ticket afterwards.

    ``text`` is empty when the macro writes no note. ``note_number`` is None then, and in a preview.
    """

    macro: Macro
    text: str
    ticket: TicketView
    note_number: int | None = None


class SavedView(Struct, frozen=True):
    """A saved search, in the query language of the search. A shared one is visible to the owner's whole company.

    ``sort`` is the name of the order of its tickets, as ``order_named`` reads it; None for the order of who shows it.
    ``columns`` are in the order of ``in_order``; None for the default ones.
    """

    company_id: UUID
    id: UUID
    user_id: UUID
    name: str
    query: str
    is_shared: bool
    created_at: datetime
    sort: str | None = None
    columns: Columns | None = None


def check_macro(macro: Macro) -> list[Violation]:
    """Return the rules that a macro breaks, without those about its queue."""
    violations = [
        *check_text("name", macro.name, most=NAME_MAX),
        *check_text("text", macro.text, least=0, most=TEXT_MAX),
        *_check_placeholders(macro.text),
    ]
    if macro.text and is_blank(macro.text):
        violations.append(Violation("text", "must not be blank", RuleCode.BLANK))
    if macro.status is not None and macro.status not in REACHABLE:
        violations.append(Violation("status", "must be one that a ticket can move to", RuleCode.CHOICE))
    if macro.facts != NO_FACTS and macro.status is None:
        violations.append(Violation("status", "is required with what goes with it", RuleCode.REQUIRED))
    violations += [Violation("add_tags", violation.rule, violation.code) for violation in check_tags(macro.add_tags)]
    violations += _check_reminder(macro)
    sets = (macro.status, macro.queue_id, macro.priority, macro.add_tags, macro.fields, macro.reminder)
    if not (macro.text or any(sets)):
        violations.append(Violation("text", "is required when the macro does nothing else", RuleCode.REQUIRED))
    return violations


def _check_reminder(macro: Macro) -> list[Violation]:
    if macro.reminder is None:
        return []
    violations = check_text("reminder.reason", macro.reminder.reason, least=0, most=REASON_MAX)
    violations += check_wait("reminder.wait", macro.reminder.wait)
    if macro.status in ENDS_REMINDER:
        rule = "must not stand with a status that ends it"
        violations.append(Violation("reminder", rule, RuleCode.CHOICE))
    return violations


def reminder_at(reminder: MacroReminder, now: datetime, zone: tzinfo) -> ReminderChange:
    """Return the reminder of a ticket on which a macro is used now; its time of day is that of a zone."""
    return ReminderChange(moment_after(reminder.wait, now, zone), reminder.reason, reminder.cancelled_by_answer)


def _check_placeholders(text: str) -> list[Violation]:
    unknown = {name for name in _PLACEHOLDER.findall(text) if name.strip() not in PLACEHOLDERS}
    if not unknown:
        return []
    return [
        Violation(
            "text",
            "may only have the placeholders " + ", ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS),
            RuleCode.CHOICE,
        )
    ]


def placeholder_values(details: TicketView, agent: str) -> dict[str, str]:
    """Return the placeholder values for a ticket that ``agent`` answers. A service without a label has its id."""
    ticket = details.ticket
    return {
        "ticket.number": ticket_number(ticket.number),
        "ticket.title": ticket.title,
        "service.id": ticket.service_id,
        "service.label": ticket.service_label or ticket.service_id,
        "contact.name": ticket.contact.name,
        "company.name": details.company.name,
        "agent.name": agent,
    }


def render(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its placeholders filled in. Placeholders in the values stay as they are."""
    return _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1].strip()], text)


def check_view(view: SavedView) -> list[Violation]:
    """Return the rules that a saved view breaks. The query and the order are not looked up."""
    return [
        *check_text("name", view.name, most=NAME_MAX),
        *check_text("query", view.query, least=0, most=QUERY_MAX),
    ]
