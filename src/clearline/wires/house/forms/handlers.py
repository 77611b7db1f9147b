"""House API v1: the forms in which tickets are raised, and their definitions."""

from clearline.identity import Scope
from clearline.language.languages import ENGLISH
from clearline.language.reader import Reader, preferred_language, read_by
from clearline.tickets.forms import usecases as forms
from clearline.wires.house.forms import wire
from clearline.wires.house.forms.mapping import form_fields, form_out
from clearline.wires.house.forms.schema import form_schema
from clearline.wires.house.records import list_records
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.edge import header
from clearline.wires.http.table import Header, Operation

_FORMS = "/api/v1/forms"
_DEFINITIONS = "/api/v1/form-definitions"
_KEY = {
    "issue_type": {
        "description": "The key of the issue type, percent-encoded.",
        "example": "Circuit Down",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    }
}
_LANGUAGE = Header("Accept-Language", "The language of labels and help: `en` or `de`.", {"type": "string"})
_IN_LANGUAGE = Header("Content-Language", "The language of labels and help.", {"type": "string"})


async def get_form(call: Call) -> wire.FormSchema:
    """Return a form as a JSON Schema."""
    query: wire.SchemaQuery = call.query
    async with call.transaction() as tx:
        asked = await forms.asked_form(tx, call.actor, call.path["issue_type"], query.audience)
    accepted = (header(call.scope, b"accept-language") or b"").decode("latin-1")
    language = preferred_language(accepted) or ENGLISH
    call.headers += [(b"content-language", language.encode()), (b"vary", b"Accept-Language")]
    with read_by(Reader(language)):
        return form_schema(asked)


def _place(position: int, name: str, issue_type: str, audience: str) -> forms.Place:
    return position, name, issue_type, audience


async def list_definitions(call: Call) -> Page[wire.FormOut]:
    """List the definitions of forms."""
    return await list_records(
        call, (), forms.list_forms, _place, lambda placed: [*placed[1]], lambda placed: form_out(placed[0])
    )


async def get_definition(call: Call) -> wire.FormOut:
    """Return the definition of a form."""
    async with call.transaction() as tx:
        return form_out(await forms.get_form(tx, call.actor, call.path["issue_type"], call.query.audience))


async def set_definition(call: Call) -> wire.FormOut:
    """Define a form."""
    named, fields = (call.path["issue_type"], call.query.audience), form_fields(call.body(wire.FormIn))
    async with call.transaction() as tx:
        call.check_if_match(form_out(await forms.lock_form(tx, call.actor, *named)))
        return form_out(await forms.set_form(tx, call.actor, *named, fields, now=call.now))


async def delete_definition(call: Call) -> None:
    """Delete the definition of a form."""
    named = (call.path["issue_type"], call.query.audience)
    async with call.transaction() as tx:
        call.check_if_match(form_out(await forms.lock_form(tx, call.actor, *named)))
        await forms.delete_form(tx, call.actor, *named, now=call.now)


OPERATIONS = (
    Operation(
        "getForm", "GET", _FORMS + "/{issue_type:path}", get_form,
        "Get a form",
        "Returns what a ticket of an issue type is asked for, as a JSON Schema of the body of `createTicket`: fields "
        "in their order, labels and help in your language, choices, limits and defaults, and in `allOf` when a field "
        "is asked for. `createTicket` enforces the same. An issue type without a form of its own asks for every field "
        "that you may set.",
        Scope.TICKETS_READ, wire.FormSchema, query=wire.SchemaQuery, path_parameters=_KEY, errors=(400, 404),
        request_headers=(_LANGUAGE,), answer_headers=(_IN_LANGUAGE,),
    ),
    Operation(
        "listFormDefinitions", "GET", _DEFINITIONS, list_definitions,
        "List the definitions of forms", "Returns the forms that admins defined, in the order of the issue types. For "
        "the provider's people.",
        Scope.DESK_READ, Page[wire.FormOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "getFormDefinition", "GET", _DEFINITIONS + "/{issue_type:path}", get_definition,
        "Get the definition of a form", "Returns the fields of the form of an issue type with their conditions; where "
        "there is no form, those of the default form. For the provider's people.",
        Scope.DESK_READ, wire.FormOut, query=wire.AudienceQuery, path_parameters=_KEY, errors=(400, 404),
    ),
    Operation(
        "setFormDefinition", "PUT", _DEFINITIONS + "/{issue_type:path}", set_definition,
        "Define a form", "Replaces the form of an issue type for an audience; the next ticket is asked for it. A "
        "condition names a field that stands before its own. For admins.",
        Scope.DESK_WRITE, wire.FormOut, body=wire.FormIn, query=wire.AudienceQuery, path_parameters=_KEY,
        errors=(400, 404), conditional=True,
    ),
    Operation(
        "deleteFormDefinition", "DELETE", _DEFINITIONS + "/{issue_type:path}", delete_definition,
        "Delete the definition of a form", "The default form counts again. For admins.",
        Scope.DESK_WRITE, None, query=wire.AudienceQuery, path_parameters=_KEY, errors=(400, 404), status=204,
        conditional=True,
    ),
)  # fmt: skip
