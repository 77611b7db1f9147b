"""House API v1: macros and saved views as they travel."""

from clearline.identity import Actor
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.tickets.mapping import ticket_out
from clearline.wires.house.tickets.progress_wire import facts_out
from clearline.wires.house.workspace import macro_wire, view_wire
from clearline.workspace.domain import Macro, MacroUse, SavedView


def macro_out(macro: Macro) -> macro_wire.MacroOut:
    """Return a macro."""
    return macro_wire.MacroOut(
        str(macro.id),
        macro.name,
        macro.text,
        macro.visibility,
        macro.status,
        None if macro.queue_id is None else str(macro.queue_id),
        macro.priority,
        list(macro.add_tags),
        *facts_out(macro.facts),
        macro.fields,
    )


def macro_use_out(use: MacroUse, actor: Actor) -> macro_wire.MacroUseOut:
    """Return what a macro wrote, and the ticket as the actor may see it."""
    note = None if use.note_number is None else worklog_id(use.note_number)
    return macro_wire.MacroUseOut(use.text, use.macro.visibility, note, ticket_out(use.ticket, actor))


def view_out(view: SavedView) -> view_wire.ViewOut:
    """Return a saved view."""
    return view_wire.ViewOut(
        str(view.id),
        view.name,
        view.query,
        view.is_shared,
        str(view.user_id),
        view.created_at,
        view.sort,
        None if view.columns is None else [*view.columns],
    )
