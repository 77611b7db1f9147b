"""Ticket templates: list, read, add, change and delete them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import company_store, permissions
from clearline.catalogue.usecases import current_catalogue, service_keys, violations_of
from clearline.errors import Forbidden, NotFound, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.record_changes import append_record_event, change_record
from clearline.fields import value_usecases as own_fields
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.inventory import store as service_store
from clearline.limit_errors import TooManyTicketTemplates
from clearline.platform.database.transactions import Tx
from clearline.queues.usecases import check_queue_id
from clearline.tickets.label_domain import normalize_tags
from clearline.workspace.templates import store as template_store
from clearline.workspace.templates.domain import (
    TEMPLATES_MAX,
    ShownTemplate,
    TicketTemplate,
    check_template,
    check_types,
    shown_template,
)

KIND = "ticket_template"


async def list_templates(
    tx: Tx,
    actor: Actor,
    *,
    company: str | None = None,
    service_type: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[ShownTemplate]:
    """Return the templates after a name, by name: a customer's are its company's, others' the provider's.

    The provider's people may name a company. With a ``service_type`` those with which a ticket about such a service
    can begin. Served by ``ticket_template_name``.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    owner = await _owner(tx, actor, company)
    if service_type is not None:
        [service_type] = await service_keys(tx, [service_type])
    found = await template_store.page(tx, owner, service_type=service_type, after=after, limit=limit)
    return await _shown(tx, actor, found)


async def _owner(tx: Tx, actor: Actor, company: str | None) -> UUID:
    if company is not None:
        return (await permissions.company_typed(tx, actor, company)).id
    return PROVIDER_ID if actor.is_staff else permissions.own_company(actor).id


async def get_template(tx: Tx, actor: Actor, template_id: UUID) -> ShownTemplate:
    """Return a template: any for the provider's people, as far as they see its company, only its own for a customer."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    template = await template_store.get(tx, template_id)
    if template is None or not permissions.may_see_company(actor, template.company_id):
        raise NotFound(KIND, str(template_id))
    [shown] = await _shown(tx, actor, [template])
    return shown


async def _shown(tx: Tx, actor: Actor, found: Sequence[TicketTemplate]) -> list[ShownTemplate]:
    """Return templates with the own fields that the actor sees, and which of their types are retired."""
    known = {field.key for field in (await definitions(tx)).shown(RecordKind.TICKET, for_staff=actor.is_staff)}
    catalogue = await current_catalogue(tx)
    return [shown_template(each, catalogue, known) for each in found]


async def template_named(tx: Tx, actor: Actor, name: str, *, company: str | None = None) -> ShownTemplate:
    """Return the template of a name, in any case: see ``list_templates``."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    template = require_found(await template_store.find(tx, await _owner(tx, actor, company), name), KIND, name)
    [shown] = await _shown(tx, actor, [template])
    return shown


def _require_manager(actor: Actor) -> None:
    """Refuse unless the actor is an admin of the provider, or of its own company."""
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if not actor.is_company_admin:
        raise Forbidden("only an admin may do this")


async def lock_template(tx: Tx, actor: Actor, template_id: UUID) -> ShownTemplate:
    """Lock a template that the actor is about to change, with those of its company, until the transaction ends."""
    _require_manager(actor)
    template = await get_template(tx, actor, template_id)
    await company_store.lock(tx, template.company_id)
    return await get_template(tx, actor, template_id)


async def add_template(
    tx: Tx, actor: Actor, values: Mapping[str, Any], *, company: str | None = None, now: datetime
) -> ShownTemplate:
    """Add a template; ``values`` are fields of ``TicketTemplate``, its name at least.

    Raises:
        AlreadyExists: another template of the company has the name.
        TooManyTicketTemplates: the company has as many as it may have.
    """
    _require_manager(actor)
    owner = await _owner(tx, actor, company)
    await company_store.lock(tx, owner)
    template = await _with_values(tx, actor, TicketTemplate(owner, uuid4(), ""), values)
    if await template_store.count(tx, owner) >= TEMPLATES_MAX:
        raise TooManyTicketTemplates(TEMPLATES_MAX)
    await _save(tx, template, now=now)
    await append_record_event(tx, actor, KIND, "created", template, company_id=owner, now=now)
    [shown] = await _shown(tx, actor, [template])
    return shown


async def change_template(
    tx: Tx, actor: Actor, template_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> ShownTemplate:
    """Set some fields of a template. Of the own fields those change that ``fields`` has; None clears one.

    Raises:
        AlreadyExists: another template of the company has the name.
    """
    await lock_template(tx, actor, template_id)
    before = require_found(await template_store.get(tx, template_id), KIND, template_id)
    after = await _with_values(tx, actor, before, values)
    save = partial(_save, now=now)
    changed = await change_record(tx, actor, KIND, before, after, save, company_id=before.company_id, now=now)
    [shown] = await _shown(tx, actor, [changed])
    return shown


async def delete_template(tx: Tx, actor: Actor, template_id: UUID, *, now: datetime) -> None:
    """Delete a template; the tickets that were begun with it stay."""
    template = await lock_template(tx, actor, template_id)
    await template_store.delete(tx, template)
    await append_record_event(tx, actor, KIND, "deleted", template, company_id=template.company_id, now=now)


async def _with_values(tx: Tx, actor: Actor, before: TicketTemplate, values: Mapping[str, Any]) -> TicketTemplate:
    """Return a template with other values, once these are checked."""
    wrong: list[Violation] = []
    if "fields" in values:
        given = dict.fromkeys(before.fields) if values["fields"] is None else values["fields"]
        known = {key: value for key, value in before.fields.items() if key not in given}
        asked = {key: value for key, value in given.items() if value is not None}
        checked, wrong = await own_fields.check_changes(tx, actor, RecordKind.TICKET, before.company_id, {}, asked)
        if before.company_id != PROVIDER_ID:
            customers = {field.key for field in (await definitions(tx)).shown(RecordKind.TICKET, for_staff=False)}
            rule = "is not shown to customers, and the template is one of theirs"
            hidden = [key for key in checked if key not in customers]
            wrong += [Violation(f"fields.{key}", rule, RuleCode.CHOICE) for key in hidden]
        values = {**values, "fields": known | checked}
    after = replace(before, **values)
    after = replace(after, tags=normalize_tags(after.tags))
    violations = check_template(after) + await violations_of(tx, lambda known: check_types(known, before, after))
    if not violations:
        violations = await _check_service(tx, before, after)
    require_valid([*violations, *wrong, *await check_queue_id(tx, after.queue_id)])
    return after


async def _check_service(tx: Tx, before: TicketTemplate, after: TicketTemplate) -> list[Violation]:
    """Return why a template cannot be about its service. One that it keeps may be gone, or of another type by now."""
    is_kept = (after.service_id, after.service_type) == (before.service_id, before.service_type)
    if after.service_id is None or is_kept:
        return []
    service = await service_store.find(tx, after.company_id, after.service_id)
    if service is None:
        if after.service_id == before.service_id:
            return []
        return [Violation("service_id", "must be one of the company's services, or null", RuleCode.REFERENCE)]
    if after.service_type in {None, service.type}:
        return []
    return [Violation("service_id", f"must be of the type {after.service_type}", RuleCode.CHOICE)]


async def _save(tx: Tx, template: TicketTemplate, *, now: datetime) -> None:
    other = await template_store.find(tx, template.company_id, template.name)
    require_free(other is None or other.id == template.id, KIND, template.name)
    await template_store.save(tx, template, now=now)
