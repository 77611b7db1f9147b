"""House API v1: ticket templates."""

from functools import partial
from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, query_refusals, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, set_fields, wire_names
from clearline.wires.house.workspace import template_wire as wire
from clearline.wires.house.workspace.mapping import template_out
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation
from clearline.workspace.templates import usecases as templates

_TEMPLATES = "/api/v1/ticket-templates"
_ID = id_in_path("id", "The template's id.", example=EXAMPLE_ID)
_NAMES = {"queue": "queue_id", "service": "service_id"}


def _template_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], templates.KIND),)


def _values(body: wire.TemplateIn | wire.TemplatePatch) -> dict[str, Any]:
    values = set_fields(body)
    values.pop("company", None)
    for name, ours in _NAMES.items():
        if name in values:
            values[ours] = values.pop(name)
    if "tags" in values:
        values["tags"] = tuple(values["tags"])
    return values


async def list_templates(call: Call) -> Page[wire.TemplateOut]:
    """List ticket templates by name."""
    read = partial(templates.list_templates, company=call.query.company, service_type=call.query.service_type)
    with query_refusals():
        return await list_records(
            call, (), read, str, lambda template: [template.name], partial(template_out, actor=call.actor)
        )


async def add_template(call: Call) -> wire.TemplateOut:
    """Add a ticket template."""
    body = call.body(wire.TemplateIn)
    async with call.transaction() as tx:
        with wire_names(_NAMES):
            added = await templates.add_template(tx, call.actor, _values(body), company=body.company, now=call.now)
    call.location = f"{_TEMPLATES}/{added.id}"
    return template_out(added, call.actor)


async def get_template(call: Call) -> wire.TemplateOut:
    """Return a ticket template."""
    return await get_record(call, _template_id(call), templates.get_template, partial(template_out, actor=call.actor))


async def change_template(call: Call) -> wire.TemplateOut:
    """Change a ticket template."""
    ids, values = _template_id(call), _values(call.body(wire.TemplatePatch))
    out = partial(template_out, actor=call.actor)
    with wire_names(_NAMES):
        return await change_record(call, ids, values, templates.lock_template, templates.change_template, out)


async def delete_template(call: Call) -> None:
    """Delete a ticket template."""
    out = partial(template_out, actor=call.actor)
    await delete_record(call, _template_id(call), templates.lock_template, templates.delete_template, out)


_WHOSE = "Customers have their own company's, the provider's people theirs and those of the companies that they see."
_ADMINS = "For the provider's admins, and for a customer's admins."

OPERATIONS = (
    Operation(
        "listTicketTemplates", "GET", _TEMPLATES, list_templates,
        "List ticket templates", f"Returns ticket templates by name. {_WHOSE}",
        Scope.TICKETS_READ, Page[wire.TemplateOut], query=wire.TemplateQuery, errors=(400,),
    ),
    Operation(
        "addTicketTemplate", "POST", _TEMPLATES, add_template,
        "Add a ticket template", f"A template is what a ticket begins with. {_ADMINS}",
        Scope.TICKETS_WRITE, wire.TemplateOut, body=wire.TemplateIn, status=201, errors=(404, 409),
    ),
    Operation(
        "getTicketTemplate", "GET", _TEMPLATES + "/{id}", get_template,
        "Get a ticket template", _WHOSE,
        Scope.TICKETS_READ, wire.TemplateOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeTicketTemplate", "PATCH", _TEMPLATES + "/{id}", change_template,
        "Change a ticket template", f"Sets the values in the merge-patch. {_ADMINS}",
        Scope.TICKETS_WRITE, wire.TemplateOut, body=wire.TemplatePatch, path_parameters=_ID, errors=(404, 409),
        conditional=True,
    ),
    Operation(
        "deleteTicketTemplate", "DELETE", _TEMPLATES + "/{id}", delete_template,
        "Delete a ticket template", f"Tickets that were begun with it stay. {_ADMINS}",
        Scope.TICKETS_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
