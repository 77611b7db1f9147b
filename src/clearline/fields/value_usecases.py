"""Values of own fields: what may be stored of what somebody sets. The one place that checks them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf, nextafter
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.events.domain import Change
from clearline.fields import store as field_store
from clearline.fields.comparison_domain import SPAN, number_of, text_of
from clearline.fields.domain import RANGED, Definitions, Field, FieldType, RecordKind, RefersTo, Required
from clearline.fields.reference_usecases import may_refer_to
from clearline.fields.type_domain import WrongValue, file_text
from clearline.fields.usecases import definitions, definitions_with
from clearline.fields.value_domain import changed_fields, missing_values, read_values, with_defaults, without_nulls
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx


async def new_values(
    tx: Tx,
    actor: Actor,
    company_id: UUID,
    given: Mapping[str, Any],
    *,
    is_complete: bool,
    is_shown: Callable[[Field], bool] = lambda _field: True,
    without_default: Collection[str] = (),
) -> dict[str, Any]:
    """Return the values of a new ticket: what is given, and the defaults of the others but ``without_default``.

    With ``is_complete`` the fields that are required to raise a ticket must have values, as far as the actor may set
    them and ``is_shown``.

    Raises:
        InvalidInput: naming each field that is unknown to the actor, has a wrong value, or none.
    """
    known = await definitions_with(tx, RecordKind.TICKET, given)
    if not known.all:
        require_valid([Violation(f"fields.{key[:80]}", "is no field", RuleCode.UNKNOWN) for key in given])
        return {}
    for_staff = actor.is_staff
    values, violations = await _checked(tx, known, actor, RecordKind.TICKET, company_id, given)
    complete = with_defaults(known, RecordKind.TICKET, values, without=without_default)
    if is_complete:
        wrong = {violation.field for violation in violations}
        missing = missing_values(
            known, RecordKind.TICKET, complete, Required.TO_RAISE, for_staff=for_staff, is_shown=is_shown
        )
        violations += [violation for violation in missing if violation.field not in wrong]
    require_valid(violations)
    return complete


async def changed_values(
    tx: Tx, actor: Actor, kind: RecordKind, company_id: UUID, before: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what changes of the values of a record: the new ones, and None for those that are cleared.

    ``before`` are the values that the actor sees. A required value can be replaced, but not cleared.

    Raises:
        InvalidInput: naming each field that is unknown to the actor, or has a wrong value.
    """
    changed, violations = await check_changes(tx, actor, kind, company_id, before, given)
    require_valid(violations)
    return changed


async def check_changes(
    tx: Tx, actor: Actor, kind: RecordKind, company_id: UUID, before: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Violation]]:
    """Return what ``changed_values`` does, and the rules that the new values break."""
    known = await definitions_with(tx, kind, given)
    same = {key for key, value in given.items() if key in before and value in (before[key], file_text(before[key]))}
    values, violations = await _checked(
        tx, known, actor, kind, company_id, {key: value for key, value in given.items() if key not in same}
    )
    for key, value in values.items():
        field = known.of(kind)[key]
        if value is None and before.get(key) is not None and field.active and field.required is Required.TO_RAISE:
            violations.append(Violation(f"fields.{key}", f"is required: {field.label}", RuleCode.REQUIRED))
    return {key: value for key, value in values.items() if before.get(key) != value}, violations


async def values_after(
    tx: Tx, actor: Actor, kind: RecordKind, company_id: UUID, before: Mapping[str, Any], given: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[Violation]]:
    """Return the values that the actor sees of a record after a change, and the rules that the new ones break.

    None clears them all.
    """
    given = dict.fromkeys(before) if given is None else given
    changed, violations = await check_changes(tx, actor, kind, company_id, before, given)
    return without_nulls({**before, **changed}), violations


async def visible_values(tx: Tx, actor: Actor, kind: RecordKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those values of a record that the actor sees."""
    if not values:
        return {}
    shown = {field.key for field in (await definitions(tx)).shown(kind, for_staff=actor.is_staff)}
    return {key: value for key, value in values.items() if key in shown}


async def read_given(tx: Tx, given: Mapping[str, Any], *, member: str = "fields") -> dict[str, Any]:
    """Return values that the provider's people will set on tickets, in canonical form; None clears one.

    What a reference names is looked up when a ticket gets it: it may be of the ticket's company alone.

    Raises:
        InvalidInput: naming each field that there is not, or whose value is wrong, as of ``member``.
    """
    known = await definitions_with(tx, RecordKind.TICKET, given)
    values, violations = read_values(known, RecordKind.TICKET, given, for_staff=True, member=member)
    require_valid(violations)
    return values


async def imported_values(tx: Tx, actor: Actor, company_id: UUID, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an imported ticket, which may be of retired fields and options; none is required.

    Raises:
        InvalidInput: naming each field that is unknown, or has a wrong value.
    """
    known = await definitions_with(tx, RecordKind.TICKET, given)
    values, violations = await _checked(tx, known, actor, RecordKind.TICKET, company_id, given, takes_retired=True)
    require_valid(violations)
    return without_nulls(values)


async def _checked(
    tx: Tx,
    known: Definitions,
    actor: Actor,
    kind: RecordKind,
    company_id: UUID,
    given: Mapping[str, Any],
    *,
    takes_retired: bool = False,
) -> tuple[dict[str, Any], list[Violation]]:
    values, violations = read_values(known, kind, given, for_staff=actor.is_staff, takes_retired=takes_retired)
    for key, value in values.items():
        field = known.of(kind)[key]
        if value is not None and field.type is FieldType.REFERENCE:
            violations += await _check_reference(tx, actor, field, company_id, value)
    return values, violations


async def _check_reference(tx: Tx, actor: Actor, field: Field, company_id: UUID, value: str) -> list[Violation]:
    """Return the violation of an id that names nothing that the actor may see."""
    is_hidden = field.refers_to is RefersTo.COMPANY and value != str(company_id) and not may_refer_to(actor, value)
    if not is_hidden and await field_store.known_references(tx, str(field.refers_to), company_id, [value]):
        return []
    return [Violation(f"fields.{field.key}", f"must be the id of a {field.refers_to}", RuleCode.REFERENCE)]


async def require_resolvable(tx: Tx, values: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> None:
    """Refuse that the provider's people resolve a ticket without the values that are required for it.

    With the values ``before`` a change, of a ticket that is resolved, those that were missing then may stay so.

    Raises:
        InvalidInput: naming each field.
    """
    known = await definitions(tx)
    missing = missing_values(known, RecordKind.TICKET, values, Required.TO_RESOLVE, for_staff=True)
    if before is not None:
        were = missing_values(known, RecordKind.TICKET, before, Required.TO_RESOLVE, for_staff=True)
        missing = [violation for violation in missing if violation not in were]
    require_valid(missing)


async def each_field(tx: Tx, kind: RecordKind, changes: Sequence[Change]) -> list[Change]:
    """Return changes with one for each own field that changed, ``fields.KEY``, in the place of the one for all."""
    each: list[Change] = []
    for change in changes:
        if change.field != "fields":
            each.append(change)
            continue
        known = (await definitions(tx)).of(kind)
        for key, value in changed_fields(change.before or {}, change.after or {}).items():
            is_public = key in known and known[key].is_visible(for_staff=False)
            each.append(Change(f"fields.{key}", (change.before or {}).get(key), value, is_public))
    return each


async def split_changes(tx: Tx, kind: RecordKind, changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Return the changes of a record, with one for each own field, and apart those of fields for the staff alone."""
    each = await each_field(tx, kind, changes)
    hidden = [change for change in each if change.field.startswith("fields.") and not change.is_public]
    return [replace(change, is_public=False) for change in each if change not in hidden], hidden


async def list_filter(tx: Tx, actor: Actor, key: str, text: str) -> dict[str, Any]:
    """Return the filters of a list of tickets by a value, ``10``, or by a span, ``10..20``, ``10..`` and ``..20``.

    A span has both its ends; numbers, dates and moments have spans. Text is compared in any case.

    Raises:
        InvalidInput: there is no such field for the actor, or the text is no value of it.
    """
    field = (await definitions_with(tx, RecordKind.TICKET, [key])).of(RecordKind.TICKET).get(key)
    if field is None or not field.is_visible(for_staff=actor.is_staff):
        raise InvalidInput([Violation("field", "must begin with the key of a field of tickets", RuleCode.UNKNOWN)])
    try:
        if field.type in RANGED and SPAN in text:
            low, _, high = text.partition(SPAN)
            return {"own_number": (field.id, number_of(field, low, -inf), nextafter(number_of(field, high, inf), inf))}
        return {"own_field": (field.id, text_of(field, text))}
    except WrongValue as wrong:
        raise InvalidInput([Violation("field", f"{key} {wrong.rule}", wrong.code)]) from None
