"""The own field that a change of many tickets sets: its input in the bar of the selection, and what was typed."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from clearline.bulk.domain import Action, ChangeValues
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.fields.domain import Field, RecordKind
from clearline.fields.reference_usecases import Choices, reference_choices
from clearline.fields.usecases import definitions
from clearline.fields.value_usecases import read_given
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import parse_ticket_number
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.own_fields import NO_CHOICES, OwnInput, given_in, input_name, inputs
from clearline.web.visit import Form, Visit
from clearline.wires.http.call import Answer

KEY, SETS = "own_key", "own_field"
"""The fields of the form with the key of an own field, and with what is done to it."""
CLEARS = "clear"


class OwnAsk(Struct, frozen=True):
    """The form that asks for the value of an own field for tickets, as it was filled in, and why it was refused."""

    field: Field
    input: OwnInput
    numbers: list[str]
    refusal: Refusal
    is_dry: bool


async def show_input(visit: Visit) -> Answer:
    """Return the input of the field that the query names, for the tickets that it names; nothing without a field."""
    key, query = visit.query.get(KEY, ""), visit.browser.scope["query_string"].decode("latin-1")
    numbers = [value for name, value in parse_qsl(query) if name == "ticket"]
    async with visit.services.database.transaction() as tx:
        own = await _input(visit, tx, await _field(tx, key), numbers, None) if key else None
    return visit.page("console/bulk_field.html", input=own, refusal=Refusal(status=200))


async def _field(tx: Tx, key: str) -> Field:
    """Return the field that a form names.

    Raises:
        NotFound: tickets have no such field, or it is retired.
    """
    active = (await definitions(tx)).active(RecordKind.TICKET, for_staff=True)
    field = next((field for field in active if field.key == key), None)
    if field is None:
        raise NotFound("field", key)
    return field


async def _input(visit: Visit, tx: Tx, field: Field, numbers: Sequence[str], typed: Form | None) -> OwnInput:
    """Return the input of a field: of what belongs to a company it offers what all of the tickets can have."""
    choices = NO_CHOICES if field.refers_to is None else await _choices(visit, tx, numbers)
    shown = inputs(await definitions(tx), RecordKind.TICKET, {}, typed, for_staff=True, choices=choices)
    own = next(each for each in shown if each.name == input_name(field.key))
    return replace(own, is_required=False)  # the form has other buttons


async def _choices(visit: Visit, tx: Tx, numbers: Sequence[str]) -> Choices:
    known = [number for text in numbers if (number := parse_ticket_number(text)) is not None]
    views = await ticket_lists.list_numbered(tx, visit.actor, known)
    companies = {view.ticket.company_id for view in views}
    company_id = companies.pop() if len(companies) == 1 else None
    return await reference_choices(tx, visit.actor, RecordKind.TICKET, company_id)


async def own_action(visit: Visit, numbers: Sequence[str]) -> Action | OwnAsk:
    """Return the change that a form asks for, or the form to show again: with the input of its field, if it had none.

    Raises:
        NotFound: as ``_field``.
    """
    form = visit.form
    async with visit.services.database.transaction() as tx:
        field = await _field(tx, form.get(KEY))
        if form.get(SETS) == CLEARS:
            return ChangeValues(fields={field.key: None})
        refusal = Refusal(status=200)
        if form.has(f"{input_name(field.key)}.shown"):
            try:
                return ChangeValues(fields=await _given(tx, field, form))
            except InvalidInput as error:
                refusal = Refusal(problems(error, ""))
        own = await _input(visit, tx, field, numbers, form)
    return OwnAsk(field, own, list(numbers), refusal, form.has("dry"))


async def _given(tx: Tx, field: Field, form: Form) -> dict[str, object]:
    given = given_in(await definitions(tx), RecordKind.TICKET, form, {}, for_staff=True).get(field.key)
    rule = "must have a value"
    require_valid([Violation(input_name(field.key), rule, RuleCode.REQUIRED)] if given is None else [])
    return await read_given(tx, {field.key: given})
