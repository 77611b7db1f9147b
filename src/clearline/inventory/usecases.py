"""The services that tickets can be about: list, read, add, change and delete them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.accounts.tiers.usecases import check_tier_change
from clearline.catalogue.usecases import violations_of
from clearline.errors import require_found, require_free, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged, changes_between, first_values
from clearline.fields import value_usecases as own_fields
from clearline.fields.domain import RecordKind
from clearline.fields.value_domain import changed_fields
from clearline.identity import Actor, Company, Scope
from clearline.inventory import store as service_store
from clearline.inventory.domain import FACTS, INTERNAL_FACTS, Service, check_service, with_values
from clearline.platform.database.transactions import Tx
from clearline.text import storable

KIND = "service"
CARRIER_CHANGED = "carrier_changed"
"""What was done, in the event of the facts that only the provider's people see."""
FIELDS_CHANGED = "fields_changed"
"""What was done, in the event of the own fields that only the provider's people see."""
_FIELDS = ("type", "label", *FACTS)


async def list_services(tx: Tx, actor: Actor) -> list[Service]:
    """Return the services of the actor's company, a customer, by type and label."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return await visible_services(tx, actor, await service_store.of_company(tx, permissions.own_company(actor).id))


async def services_of(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    *,
    after: tuple[str, str, str] | None = None,
    limit: int | None = None,
) -> list[Service]:
    """Return a company's services after a type, label and id, in that order; without ``limit`` all of them.

    Served by ``service_by_label``.
    """
    company = await _company_to_read(tx, actor, company_ref)
    services = await service_store.page(tx, company.id, after=after or service_store.FIRST, limit=limit)
    return await visible_services(tx, actor, services)


async def visible_services(tx: Tx, actor: Actor, services: Sequence[Service]) -> list[Service]:
    """Return what the actor may see of services: customers no facts of the carrier, nobody a deleted field."""
    return [
        replace(
            service,
            carrier=service.carrier if actor.is_staff else None,
            carrier_circuit_id=service.carrier_circuit_id if actor.is_staff else None,
            fields=await own_fields.visible_values(tx, actor, RecordKind.SERVICE, service.fields),
        )
        for service in services
    ]


async def services_of_type(tx: Tx, actor: Actor, company_ref: UUID | str, kind: str, *, limit: int) -> list[Service]:
    """Return a company's services of a type by label and id. Served by ``service_by_label``."""
    company = await _company_to_read(tx, actor, company_ref)
    return await visible_services(tx, actor, await service_store.of_type(tx, company.id, kind, limit=limit))


async def services_matching(
    tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, kind: str | None = None, limit: int
) -> list[Service]:
    """Return a company's services with a text in one of their ids or labels, in any case, by type, label and id.

    With ``kind`` those of that type.
    """
    company = await _company_to_read(tx, actor, company_ref)
    if not storable(text):
        return []
    services = await service_store.matching(tx, company.id, text, kind=kind, for_staff=actor.is_staff, limit=limit)
    return await visible_services(tx, actor, services)


async def find_services(tx: Tx, actor: Actor, text: str, *, limit: int) -> list[tuple[Company, Service]]:
    """Return services of all companies with every word of a text in their ids and labels, and their companies.

    Those with the words themselves come first, then those in which the last word begins another. Served by
    ``service_by_words``.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    if not storable(text):
        return []
    only = permissions.only_companies(actor)
    services: dict[tuple[UUID, str], Service] = {}
    for is_begun in (False, True):
        if len(services) < limit:
            matches = await service_store.with_words(tx, text, is_begun=is_begun, only=only, limit=limit)
            services |= {(match.company_id, match.id): match for match in matches}
    return [
        (await permissions.company_with_id(tx, actor, service.company_id), service)
        for service in await visible_services(tx, actor, list(services.values())[:limit])
    ]


async def count_services(tx: Tx, actor: Actor, company_ids: Sequence[UUID], *, most: int) -> list[int]:
    """Return how many services each of these companies has; of more than ``most`` that number and one."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    return await service_store.count_each(tx, company_ids, limit=most + 1)


async def _company_to_read(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company whose services the actor may read: whoever raises tickets of a company may read its services."""
    permissions.require_scope(actor, Scope.ACCOUNTS_READ if actor.is_staff else Scope.TICKETS_READ)
    return permissions.child_named(actor, ref) or await accounts.find_company(tx, actor, ref)


async def get_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str) -> Service:
    """Return a service of a company."""
    company = await _company_to_read(tx, actor, company_ref)
    service = await service_store.find(tx, company.id, service_id) if storable(service_id) else None
    [visible] = await visible_services(tx, actor, [require_found(service, KIND, service_id)])
    return visible


async def services_with_ids(tx: Tx, actor: Actor, company_ref: UUID | str, service_ids: Sequence[str]) -> list[Service]:
    """Return those services of a company that have one of these ids, in the order of the ids."""
    company = await _company_to_read(tx, actor, company_ref)
    return await visible_services(tx, actor, await service_store.with_ids(tx, company.id, service_ids))


async def type_of_own_service(tx: Tx, actor: Actor, service_id: str) -> str | None:
    """Return the type of a service of the actor's company, which is about to raise a ticket; None if it has none."""
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = permissions.own_company(actor).id
    service = await service_store.find(tx, company_id, service_id) if storable(service_id) else None
    return None if service is None else service.type


async def company_to_manage(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company whose inventory the actor manages."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    return await accounts.find_company(tx, actor, ref)


async def add_service(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    service_id: str,
    kind: str,
    label: str,
    *,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> Service:
    """Add a service to a company's inventory; ``facts`` are some of ``FACTS``, and ``fields``, the own fields.

    Raises:
        AlreadyExists: the company has a service of that id.
    """
    company = await company_to_manage(tx, actor, company_ref)
    new = Service(company.id, service_id, kind, label)
    service = await _valid(tx, actor, None, with_values(new, facts or {}))
    require_free(await service_store.insert(tx, service, now=now), KIND, service_id)
    await _append(tx, actor, service, "created", first_values(service, _given(service)), now=now)
    return service


def _given(service: Service) -> frozenset[str]:
    """Return the fields of a service that are not as those of a service without facts."""
    nothing = Service(service.company_id, service.id, service.type, service.label)
    return frozenset({"type", "label", *(change.field for change in changes_between(nothing, service))})


async def _valid(tx: Tx, actor: Actor, before: Service | None, after: Service) -> Service:
    """Return a service that breaks no rule; the own fields are given by those that change."""
    keeps = before is not None and after.type == before.type
    violations = await violations_of(tx, lambda known: check_service(after, known, keeps_type=keeps))
    violations += await check_tier_change(tx, None if before is None else before.tier, after.tier)
    had = {} if before is None else before.fields
    if after.fields is not had:
        fields, wrong = await own_fields.values_after(
            tx, actor, RecordKind.SERVICE, after.company_id, had, after.fields
        )
        after, violations = replace(after, fields=fields), [*violations, *wrong]
    require_valid(violations)
    return after


async def lock_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str) -> Service:
    """Lock a service that the actor is about to change, until the transaction ends."""
    company = await company_to_manage(tx, actor, company_ref)
    service = await service_store.lock(tx, company.id, service_id) if storable(service_id) else None
    [visible] = await visible_services(tx, actor, [require_found(service, KIND, service_id)])
    return visible


async def change_service(
    tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str, values: Mapping[str, Any], *, now: datetime
) -> Service:
    """Set a service's ``type``, ``label`` and facts; tickets keep the type and label that they were raised with.

    An end that is given by some of its members keeps the others, and so do the own fields, ``fields``.
    """
    before = await lock_service(tx, actor, company_ref, service_id)
    after = with_values(before, values)
    if before != after:
        after = await _valid(tx, actor, before, after)
    if changes := changes_between(before, after):
        fields = {after.id: changed_fields(before.fields, after.fields)}
        await service_store.save_all(tx, [after], fields, now=now)
        await _append(tx, actor, after, "changed", changes, now=now)
    return after


async def delete_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str, *, now: datetime) -> Service:
    """Delete a service from a company's inventory; tickets keep the id and label that they were raised with."""
    service = await lock_service(tx, actor, company_ref, service_id)
    await service_store.delete(tx, service.company_id, service_id)
    given = _given(service)
    changes = [Change(name, getattr(service, name), None) for name in (*_FIELDS, "fields") if name in given]
    await _append(tx, actor, service, "deleted", changes, now=now)
    return service


async def _append(tx: Tx, actor: Actor, service: Service, action: str, changes: list[Change], *, now: datetime) -> None:
    """Store the event of a change, and events of their own for the facts and own fields that the customer does not see.

    A service is named by its label.
    """
    others, own = await own_fields.split_changes(tx, RecordKind.SERVICE, changes)
    shown = [change for change in others if change.field not in INTERNAL_FACTS]
    carrier = [change for change in others if change.field in INTERNAL_FACTS]
    parts = ((action, shown), (CARRIER_CHANGED, carrier), (FIELDS_CHANGED, own))
    for done, part in parts:
        if part or (done == action and not carrier and not own):
            fact = RecordChanged(KIND, done, service.id, service.label, part)
            await event_store.append(tx, actor, service.company_id, fact, now=now)
