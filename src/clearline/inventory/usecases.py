"""The services that tickets can be about: list, read, add, change and delete them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.catalogue.published import ServiceType
from clearline.errors import require_found, require_free, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged, changes_between, first_values
from clearline.identity import Actor, Company, Scope
from clearline.inventory import store as service_store
from clearline.inventory.domain import Service, check_service
from clearline.platform.database.transactions import Tx
from clearline.text import storable

KIND = "service"
_FIELDS = frozenset({"type", "label"})


async def list_services(tx: Tx, actor: Actor) -> list[Service]:
    """Return the services of the actor's company, a customer, by type and label."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return await service_store.of_company(tx, permissions.own_company(actor).id)


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
    return await service_store.page(tx, company.id, after=after or service_store.FIRST, limit=limit)


async def services_matching(tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, limit: int) -> list[Service]:
    """Return a company's services with a text in their id or label, in any case, by type, label and id."""
    company = await _company_to_read(tx, actor, company_ref)
    return await service_store.matching(tx, company.id, text, limit=limit) if storable(text) else []


async def find_services(tx: Tx, actor: Actor, text: str, *, limit: int) -> list[tuple[Company, Service]]:
    """Return services of all companies with every word of a text in their id or label, and their companies.

    Those with the words themselves come first, then those in which the last word begins another. Served by
    ``service_by_words``.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    if not storable(text):
        return []
    services: dict[tuple[UUID, str], Service] = {}
    for is_begun in (False, True):
        if len(services) < limit:
            matches = await service_store.with_words(tx, text, is_begun=is_begun, limit=limit)
            services |= {(match.company_id, match.id): match for match in matches}
    return [
        (await permissions.company_with_id(tx, actor, service.company_id), service)
        for service in list(services.values())[:limit]
    ]


async def count_services(tx: Tx, actor: Actor, company_ids: Sequence[UUID], *, most: int) -> list[int]:
    """Return how many services each of these companies has; of more than ``most`` that number and one."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    return await service_store.count_each(tx, company_ids, limit=most + 1)


async def _company_to_read(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company whose services the actor may read: everybody who raises tickets may read the company's own."""
    permissions.require_scope(actor, Scope.ACCOUNTS_READ if actor.is_staff else Scope.TICKETS_READ)
    return await accounts.find_company(tx, actor, ref)


async def get_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str) -> Service:
    """Return a service of a company."""
    company = await _company_to_read(tx, actor, company_ref)
    service = await service_store.find(tx, company.id, service_id) if storable(service_id) else None
    return require_found(service, KIND, service_id)


async def services_with_ids(tx: Tx, actor: Actor, company_ref: UUID | str, service_ids: Sequence[str]) -> list[Service]:
    """Return those services of a company that have one of these ids, in the order of the ids."""
    company = await _company_to_read(tx, actor, company_ref)
    return await service_store.with_ids(tx, company.id, service_ids)


async def company_to_manage(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company whose inventory the actor manages."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    return await accounts.find_company(tx, actor, ref)


async def add_service(
    tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str, kind: str, label: str, *, now: datetime
) -> Service:
    """Add a service to a company's inventory.

    Raises:
        AlreadyExists: the company has a service of that id.
    """
    company = await company_to_manage(tx, actor, company_ref)
    require_valid(check_service(service_id, kind, label))
    service = Service(company.id, service_id, ServiceType(kind), label)
    require_free(await service_store.insert(tx, service, now=now), KIND, service_id)
    await _append(tx, actor, service, "created", first_values(service, _FIELDS), now=now)
    return service


async def lock_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str) -> Service:
    """Lock a service that the actor is about to change, until the transaction ends."""
    company = await company_to_manage(tx, actor, company_ref)
    service = await service_store.lock(tx, company.id, service_id) if storable(service_id) else None
    return require_found(service, KIND, service_id)


async def change_service(
    tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str, values: Mapping[str, Any], *, now: datetime
) -> Service:
    """Set a service's ``type`` or ``label``; tickets keep the ones that they were raised with."""
    before = await lock_service(tx, actor, company_ref, service_id)
    after = replace(before, **values)
    if changes := changes_between(before, after):
        require_valid(check_service(after.id, after.type, after.label))
        await service_store.save(tx, after)
        await _append(tx, actor, after, "changed", changes, now=now)
    return after


async def delete_service(tx: Tx, actor: Actor, company_ref: UUID | str, service_id: str, *, now: datetime) -> Service:
    """Delete a service from a company's inventory; tickets keep the id and label that they were raised with."""
    service = await lock_service(tx, actor, company_ref, service_id)
    await service_store.delete(tx, service.company_id, service_id)
    changes = [Change("type", service.type, None), Change("label", service.label, None)]
    await _append(tx, actor, service, "deleted", changes, now=now)
    return service


async def _append(tx: Tx, actor: Actor, service: Service, action: str, changes: list[Change], *, now: datetime) -> None:
    """Store the event of a change. A service is named by its label."""
    fact = RecordChanged(KIND, action, service.id, service.label, changes)
    await event_store.append(tx, actor, service.company_id, fact, now=now)
