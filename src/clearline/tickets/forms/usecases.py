"""Forms: read, define and delete them, and ask a new ticket for what its form asks for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue.domain import Catalogue, IssueEntry
from clearline.catalogue.entry_usecases import place_of
from clearline.catalogue.usecases import current_catalogue, stored_catalogue
from clearline.errors import Forbidden, InvalidInput, require_found, require_valid
from clearline.events.record_changes import append_record_event, change_record
from clearline.fields import store as field_store
from clearline.fields.domain import Definitions, FieldAudience, RecordKind
from clearline.fields.usecases import definitions, definitions_with
from clearline.fields.value_usecases import new_values
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import NewTicket
from clearline.tickets.forms import store as form_store
from clearline.tickets.forms.domain import (
    ALWAYS,
    NO_ID,
    OWN,
    Form,
    FormField,
    Forms,
    audience_of,
    canonical_values,
    check_form,
    check_given,
    default_form,
    defaults_of,
    given_values,
    live,
    settable,
    shown_fields,
)

KIND = "form"


class AskedForm(Struct, frozen=True):
    """A form with what is needed to ask for its fields: the own fields, and the type of issue."""

    form: Form
    known: Definitions
    entry: IssueEntry
    catalogue: Catalogue


async def current_forms(tx: Tx) -> Forms:
    """Return all forms, which this process remembers until one changes."""
    return await tx.memory.get(tx, "forms", form_store.forms)


async def form_of(tx: Tx, issue_type: str, audience: FieldAudience) -> Form:
    """Return the form that counts for a type of issue and an audience, as its fields are now."""
    known = await definitions(tx)
    form = (await current_forms(tx)).of(issue_type, audience)
    return default_form(issue_type, audience, known) if form is None else live(form, known)


async def asked_form(tx: Tx, actor: Actor, issue_type: str, audience: FieldAudience | None = None) -> AskedForm:
    """Return the form of a type of issue that the actor is asked for; the provider's people may name an audience.

    Raises:
        Forbidden: a customer asks for the form of the staff.
        NotFound: there is no such type of issue, or it is retired and the actor is a customer.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    own = audience_of(for_staff=actor.is_staff)
    if audience is FieldAudience.STAFF and own is not audience:
        raise Forbidden("only the provider's people get the forms of the staff")
    catalogue = await current_catalogue(tx)
    entry = catalogue.issue_types.get(issue_type)
    if entry is None:
        catalogue = await stored_catalogue(tx)
        entry = catalogue.issue_types.get(issue_type)
    found = require_found(entry if entry is None or entry.is_active or actor.is_staff else None, KIND, issue_type)
    return AskedForm(await form_of(tx, issue_type, audience or own), await definitions(tx), found, catalogue)


async def values_of_new(
    tx: Tx, actor: Actor, company_id: UUID, new: NewTicket, *, is_asked: bool, people: Collection[str] = ()
) -> dict[str, Any]:
    """Return the values of own fields of a new ticket: those that are given, and the defaults of the others.

    One that ``is_asked`` for has what its form demands, and nothing that the form does not ask for; others, such as
    mail, are created with what they have. ``people`` are the lists of people that the ticket begins with.

    Raises:
        InvalidInput: naming each field that is missing, not asked for, unknown to the actor, or has a wrong value.
    """
    audience = audience_of(for_staff=actor.is_staff)
    form = (await current_forms(tx)).of(new.issue_type, audience) if is_asked else None
    if form is None:
        return await new_values(tx, actor, company_id, new.fields, is_complete=is_asked)
    known = await definitions_with(tx, RecordKind.TICKET, new.fields)
    form, own = live(form, known), settable(known, audience)
    values = given_values(new, canonical_values(own, new.fields), people)
    shown = shown_fields(form, values, defaults_of(own))
    violations = check_given(form, shown, values, own)
    hidden = {field.name.removeprefix(OWN) for field in form.fields if field.name not in shown}
    fields: dict[str, Any] = {}
    try:
        fields = await new_values(
            tx, actor, company_id, new.fields, is_complete=True,
            is_shown=lambda field: f"{OWN}{field.key}" in shown, without_default=hidden,
        )  # fmt: skip
    except InvalidInput as error:
        named = {violation.field for violation in violations}
        violations += [violation for violation in error.violations if violation.field not in named]
    require_valid(violations)
    return fields


Place = tuple[int, str, str, str]
"""Where a form stands in the list of all: the place of its type of issue, with the key of that, and its audience."""


async def list_forms(
    tx: Tx, actor: Actor, *, after: Place | None = None, limit: int | None = None
) -> list[tuple[Form, Place]]:
    """Return the forms that admins defined with their places, by the places of their types of issues, after a place."""
    permissions.require_staff(actor, Scope.DESK_READ)
    types = (await stored_catalogue(tx)).issue_types
    placed = [
        (form, (*place_of(types[form.issue_type]), form.issue_type, str(form.audience)))
        for form in (await form_store.forms(tx)).all
        if form.issue_type in types
    ]
    placed.sort(key=lambda pair: pair[1])
    return [(form, place) for form, place in placed if after is None or place > after][:limit]


async def get_form(tx: Tx, actor: Actor, issue_type: str, audience: FieldAudience) -> Form:
    """Return the definition of a form; where there is none, that of the default form, which has no id.

    Raises:
        NotFound: there is no such type of issue.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _stored(tx, issue_type, audience)


async def _stored(tx: Tx, issue_type: str, audience: FieldAudience) -> Form:
    require_found((await stored_catalogue(tx)).issue_types.get(issue_type), KIND, issue_type)
    form = (await form_store.forms(tx)).of(issue_type, audience)
    return form or default_form(issue_type, audience, await field_store.definitions(tx))


async def lock_form(tx: Tx, actor: Actor, issue_type: str, audience: FieldAudience) -> Form:
    """Lock the forms before a change until the transaction ends, and return one: see ``get_form``."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    await form_store.lock(tx)
    tx.changes_memory = True
    return await _stored(tx, issue_type, audience)


async def set_form(
    tx: Tx, actor: Actor, issue_type: str, audience: FieldAudience, fields: Sequence[FormField], *, now: datetime
) -> Form:
    """Define the form of a type of issue for an audience; it counts for the next ticket.

    Raises:
        InvalidInput: a field is unknown, named twice or missing, or a condition names a later field or no value of it.
    """
    before = await lock_form(tx, actor, issue_type, audience)
    given = tuple(replace(field, is_required=field.is_required or field.name in ALWAYS) for field in fields)
    is_new = before.id == NO_ID
    after = replace(before, id=uuid4() if is_new else before.id, fields=given)
    require_valid(check_form(after, await field_store.definitions(tx)))
    if not is_new:

        async def save(tx: Tx, form: Form) -> None:
            await form_store.save(tx, form, now=now)

        return await change_record(tx, actor, KIND, before, after, save, now=now)
    await form_store.save(tx, after, now=now)
    await append_record_event(tx, actor, KIND, "created", after, now=now)
    return after


async def delete_form(tx: Tx, actor: Actor, issue_type: str, audience: FieldAudience, *, now: datetime) -> Form:
    """Delete the form of a type of issue for an audience: the default form counts again.

    Raises:
        NotFound: nobody defined one.
    """
    form = await lock_form(tx, actor, issue_type, audience)
    require_found(None if form.id == NO_ID else form, KIND, f"{issue_type}, {audience}")
    await form_store.delete(tx, form)
    await append_record_event(tx, actor, KIND, "deleted", form, now=now)
    return form
