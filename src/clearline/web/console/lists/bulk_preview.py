"""What an action would do to the selected tickets of a list, before it is done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from clearline.bulk.domain import Action, Assign, ChangeStatus, ChangeTags, ChangeValues, UseMacro
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import names_in_list
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID
from clearline.language.reader import reader
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import StatusFacts
from clearline.web import looks
from clearline.web.console.lists.bulk_fields import KEY, SETS
from clearline.web.console.people import all_queues, assignable
from clearline.web.console.progress import fields as progress_fields
from clearline.web.console.tickets import reminders
from clearline.web.tickets.own_fields import PREFIX, field_words
from clearline.web.tickets.terms import FACT_LABELS, fact_value
from clearline.web.visit import Visit
from clearline.web.words import full_time, gettext
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, reminder_at

FIELDS = (
    "status",
    "priority",
    "queue",
    "assignee",
    "macro",
    "tags",
    "add_tags",
    "remove_tags",
    SETS,
    KEY,
    *reminders.FIELDS,
    *progress_fields.FIELDS,
)
"""The fields of the form that say what to do, besides those of the inputs of own fields."""


class Preview(Struct, frozen=True):
    """What an action would do: the numbers of the tickets that it would change, and of those that it refuses, with why.

    ``values`` are the names and the values that the tickets would get. A macro would add ``message``, here as for the
    first of the tickets, to the conversation with the customer if it ``is_public``. ``fields`` repeat the action.
    """

    title: str
    changed: list[str]
    refusals: list[tuple[str, str]]
    total: int
    values: list[tuple[str, str]]
    fields: list[tuple[str, str]]
    message: str = ""
    is_public: bool = False

    @property
    def unchanged(self) -> int:
        """How many tickets are so already."""
        return self.total - len(self.changed) - len(self.refusals)


async def read_preview(
    visit: Visit, action: Action, changed: list[str], refusals: list[tuple[str, str]], total: int
) -> Preview:
    """Return what an action would do, once it was tried."""
    title, message, is_public = gettext("Dry run"), "", False
    async with visit.services.database.transaction() as tx:
        company_id = await _company_of_first(visit, tx, changed)
        if isinstance(action, UseMacro):
            macro = await macros.get_macro(tx, visit.actor, action.macro)
            title, is_public = gettext("Macro: %(name)s") % {"name": macro.name}, macro.visibility is Visibility.PUBLIC
            values = await _values_of_macro(visit, tx, macro, company_id)
            if changed:
                message = (await macros.preview(tx, visit.actor, access.parse_number(changed[0]), macro.id)).text
        else:
            values = await _values(visit, tx, action, company_id)
    is_own = visit.form.has(SETS)
    fields = [pair for pair in visit.form.pairs if pair[0] in FIELDS or (is_own and pair[0].startswith(PREFIX))]
    return Preview(title, changed, refusals, total, values, fields, message, is_public)


async def _company_of_first(visit: Visit, tx: Tx, changed: list[str]) -> UUID:
    """Return the company of the first ticket: as it has them, services and people of customers are called."""
    views = await ticket_lists.list_numbered(tx, visit.actor, [access.parse_number(text) for text in changed[:1]])
    return views[0].ticket.company_id if views else PROVIDER_ID


async def _values(visit: Visit, tx: Tx, action: Action, company_id: UUID) -> list[tuple[str, str]]:
    match action:
        case ChangeStatus(to, _reason, facts):
            return [(gettext("Status"), gettext(looks.STATUSES[to].label)), *_facts(facts)]
        case Assign(to):
            names = {user.id: user.name for user in await assignable(tx, visit.actor)}
            return [(gettext("Assignee"), gettext("Nobody") if to is None else names.get(to, str(to)))]
        case ChangeValues(priority, _severity, queue_id, reminder, given):
            values = [] if priority is UNSET else [(gettext("Priority"), gettext(looks.PRIORITIES[priority].label))]
            if queue_id is None:
                values.append((gettext("Queue"), gettext("No queue")))
            elif queue_id is not UNSET:
                values.append((gettext("Queue"), await _queue_name(visit, tx, queue_id)))
            if reminder is None:
                values.append((gettext("Reminder"), gettext("None")))
            elif reminder is not UNSET and reminder.at is not UNSET:
                values.append((gettext("Reminder"), full_time(reminder.at)))
            if given is not UNSET:
                values += await _own_values(visit, tx, given, company_id)
            return values
        case ChangeTags(add, remove):
            both = ((gettext("Adds tags"), add), (gettext("Removes tags"), remove))
            return [(name, " ".join(tags)) for name, tags in both if tags]
    return []


async def _own_values(visit: Visit, tx: Tx, given: Mapping[str, Any], company_id: UUID) -> list[tuple[str, str]]:
    known = await definitions(tx)
    fields = known.of(RecordKind.TICKET).values()
    names = await names_in_list(tx, visit.actor, fields, [(company_id, given)])
    return field_words(known, given, names, company_id)


def _facts(facts: StatusFacts) -> list[tuple[str, str]]:
    """Return what goes with a status, in words."""
    given: dict[str, object] = {"sub_status": facts.sub_status}
    if facts.waiting is not None:
        given |= {"waiting.reason": facts.waiting.reason, "waiting.text": facts.waiting.text}
    if facts.closure is not None:
        given |= {f"closure.{name}": value for name, value in asdict(facts.closure).items()}
    shown = ((name, fact_value(name, value)) for name, value in given.items())
    return [(gettext(FACT_LABELS[name]), text) for name, text in shown if text]


async def _values_of_macro(visit: Visit, tx: Tx, macro: Macro, company_id: UUID) -> list[tuple[str, str]]:
    parts: Sequence[Action | None] = (
        None if macro.status is None else ChangeStatus(macro.status, facts=macro.facts),
        None if macro.priority is None else ChangeValues(priority=macro.priority),
        None if macro.queue_id is None else ChangeValues(queue_id=macro.queue_id),
        ChangeTags(add=macro.add_tags) if macro.add_tags else None,
        ChangeValues(fields=macro.fields) if macro.fields else None,
        _reminder_change(macro, visit.now),
    )
    return [value for part in parts if part is not None for value in await _values(visit, tx, part, company_id)]


def _reminder_change(macro: Macro, now: datetime) -> ChangeValues | None:
    return None if macro.reminder is None else ChangeValues(reminder=reminder_at(macro.reminder, now, reader().zone))


async def _queue_name(visit: Visit, tx: Tx, queue_id: object) -> str:
    return next((queue.name for queue in await all_queues(tx, visit.actor) if queue.id == queue_id), str(queue_id))
