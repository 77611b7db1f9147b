"""House API v1: macros and saved views as they travel."""

from msgspec.structs import astuple

from clearline.identity import Actor
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.tickets.mapping import ticket_out
from clearline.wires.house.tickets.progress_wire import facts_out
from clearline.wires.house.workspace import macro_wire, template_wire, view_wire
from clearline.workspace.domain import Macro, MacroUse, SavedView
from clearline.workspace.templates.domain import ShownTemplate


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
        None if macro.reminder is None else macro_wire.MacroReminder(*astuple(macro.reminder)),
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


def template_out(template: ShownTemplate, actor: Actor) -> template_wire.TemplateOut:
    """Return a ticket template as an actor sees it."""
    known = template_wire.TemplateOut(
        str(template.id), str(template.company_id), template.name, template.title, template.description,
        template.issue_type, template.priority, template.service_type, template.service_id, dict(template.fields),
        list(template.retired),
    )  # fmt: skip
    if not actor.is_staff:
        return known
    queue = None if template.queue_id is None else str(template.queue_id)
    members = {name: getattr(known, name) for name in known.__struct_fields__}
    return template_wire.TemplateOut(**{**members, "queue": queue, "tags": list(template.tags)})
