"""The macros that can be used on a ticket, and the preview of the one that was chosen."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from clearline.catalogue.term_domain import TermKind
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import names_in_list
from clearline.fields.usecases import definitions
from clearline.language.reader import reader
from clearline.platform.database.transactions import Tx
from clearline.queues.domain import Queue
from clearline.reminders.domain import moment_after
from clearline.tickets.domain import TicketView
from clearline.web import looks
from clearline.web.fields import known_id
from clearline.web.tickets.own_fields import field_words
from clearline.web.tickets.terms import term_name
from clearline.web.visit import Visit
from clearline.web.words import full_time, gettext
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroReminder, MacroUse

_MACROS_MAX = 200


class Effect(Struct, frozen=True):
    """A value that a macro sets: its name, and its values before and after. An empty one is none."""

    name: str
    before: str
    after: str


class MacroChoice(Struct, frozen=True):
    """The macros by name; what the chosen one would write and change; whether its text goes into the composer."""

    macros: list[Macro]
    use: MacroUse | None = None
    effects: list[Effect] = []
    is_inserted: bool = False


async def read_macros(visit: Visit, tx: Tx, number: int, queues: Sequence[Queue]) -> MacroChoice:
    """Return the macros, and the preview of the one that the query names in ``macro`` or ``insert``."""
    listed = await macros.list_macros(tx, visit.actor, after=None, limit=_MACROS_MAX)
    inserted = visit.query.get("insert")
    chosen = inserted or visit.query.get("macro") or visit.path.get("macro")
    if not chosen:
        return MacroChoice(listed)
    use = await macros.preview(tx, visit.actor, number, known_id(macros.KIND, chosen))
    effects = effects_of(use.macro, use.ticket, queues, now=visit.now)
    return MacroChoice(listed, use, [*effects, *await _own_effects(visit, tx, use)], bool(inserted))


async def _own_effects(visit: Visit, tx: Tx, use: MacroUse) -> list[Effect]:
    """Return the values of own fields that a macro would change."""
    ticket, known = use.ticket.ticket, await definitions(tx)
    after = {key: value for key, value in use.macro.fields.items() if ticket.fields.get(key) != value}
    before = {key: ticket.fields.get(key) for key in after}
    fields, company_id = known.of(RecordKind.TICKET).values(), ticket.company_id
    names = await names_in_list(tx, visit.actor, fields, [(company_id, before), (company_id, after)])
    had = dict(field_words(known, before, names, company_id))
    return [Effect(label, had[label], text) for label, text in field_words(known, after, names, company_id)]


def reminder_words(reminder: MacroReminder, now: datetime) -> str:
    """Return when a ticket comes back on which a macro is used now, and why."""
    at = full_time(moment_after(reminder.wait, now, reader().zone))
    return ": ".join([at, reminder.reason] if reminder.reason else [at])


def effects_of(macro: Macro, view: TicketView, queues: Sequence[Queue], *, now: datetime) -> list[Effect]:
    """Return the values of a ticket that a macro would change, but for own fields."""
    ticket, effects = view.ticket, []
    if macro.status is not None and macro.status is not ticket.status:
        before, after = looks.STATUSES[ticket.status].label, looks.STATUSES[macro.status].label
        effects.append(Effect(gettext("Status"), gettext(before), gettext(after)))
    facts, waiting = macro.facts, ticket.waiting
    if facts.sub_status is not None and facts.sub_status != ticket.sub_status:
        before, after = (term_name(TermKind.SUB_STATUS, key) for key in (ticket.sub_status, facts.sub_status))
        effects.append(Effect(gettext("Sub-status"), before, after))
    if facts.waiting is not None and (waiting is None or waiting.reason != facts.waiting.reason):
        keys = (None if waiting is None else waiting.reason, facts.waiting.reason)
        before, after = (term_name(TermKind.WAITING_REASON, key) for key in keys)
        effects.append(Effect(gettext("Reason to wait"), before, after))
    if macro.priority is not None and macro.priority is not ticket.priority:
        before, after = looks.PRIORITIES[ticket.priority].label, looks.PRIORITIES[macro.priority].label
        effects.append(Effect(gettext("Priority"), gettext(before), gettext(after)))
    if macro.queue_id is not None and macro.queue_id != ticket.queue_id:
        name = next((queue.name for queue in queues if queue.id == macro.queue_id), "")
        effects.append(Effect(gettext("Queue"), view.queue_name or "", name))
    if added := [tag for tag in macro.add_tags if tag not in ticket.tags]:
        effects.append(Effect(gettext("Tags"), " ".join(ticket.tags), " ".join(sorted([*ticket.tags, *added]))))
    if macro.reminder is not None:
        before = "" if ticket.reminder is None else full_time(ticket.reminder.at)
        effects.append(Effect(gettext("Reminder"), before, reminder_words(macro.reminder, now)))
    return effects
