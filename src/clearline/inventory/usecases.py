"""The services that tickets can be about: list, read, add, change, delete, import."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import AlreadyExists, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged, changes_between, first_values
from clearline.identity import Actor, Company, Scope
from clearline.inventory import store as service_store
from clearline.inventory.domain import Service, ServiceType, check_service
from clearline.platform.database.transactions import Tx
from clearline.text import storable

COLUMNS = ("id", "type", "label")
IMPORT_MAX = 1000
"""The most services of one list; a CSV file at the command line may have any number."""

_KIND = "service"
_FIELDS = frozenset({"type", "label"})


class LineError(Struct, frozen=True):
    """What is wrong with one line of an import; lines count from 1, the heading included."""

    line: int
    message: str


class ImportReport(Struct, frozen=True):
    """What an import did, or would do: nothing at all when any line is wrong."""

    created: int
    updated: int
    unchanged: int
    errors: list[LineError]


async def list_services(tx: Tx, actor: Actor) -> list[Service]:
    """The services of the actor's company, by type and label.

    Raises:
        Forbidden: the actor belongs to no company, or its key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return await service_store.of_company(tx, permissions.own_company(actor).id)


async def services_of(
    tx: Tx,
    actor: Actor,
    which: UUID | str,
    *,
    after: tuple[str, str, str] = service_store.FIRST,
    limit: int | None = None,
) -> list[Service]:
    """The services of a company by type and label; ``after`` is the type, label and id of the last one before.

    Served by ``service_by_label``. Without ``limit``, all that follow.

    Raises:
        NotFound: no such company for this actor.
        ScopeMissing: a customer's key may not read tickets, or another's may not read accounts.
    """
    company = await _readable(tx, actor, which)
    return await service_store.page(tx, company.id, after=after, limit=limit)


async def _readable(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """A company whose services the actor may read: whoever raises tickets has to know its own."""
    permissions.require_scope(actor, Scope.ACCOUNTS_READ if actor.is_staff else Scope.TICKETS_READ)
    return await accounts.company_of(tx, actor, which)


async def get_service(tx: Tx, actor: Actor, which: UUID | str, service_id: str) -> Service:
    """One service of a company.

    Raises:
        NotFound: no such company for this actor, or it has no such service.
        ScopeMissing: as ``services_of``.
    """
    company = await _readable(tx, actor, which)
    service = await service_store.find(tx, company.id, service_id) if storable(service_id) else None
    if service is None:
        raise NotFound("service", service_id)
    return service


async def _kept(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """A company whose inventory the actor keeps."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    return await accounts.company_of(tx, actor, which)


async def add_service(
    tx: Tx, actor: Actor, which: UUID | str, service_id: str, kind: str, label: str, *, now: datetime
) -> Service:
    """Put a service into a company's inventory.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the company has a service of that id.
    """
    company = await _kept(tx, actor, which)
    if violations := check_service(service_id, kind, label):
        raise InvalidInput(violations)
    service = Service(company.id, service_id, ServiceType(kind), label)
    if not await service_store.insert(tx, service, now=now):
        raise AlreadyExists("service", service_id)
    fact = RecordChanged(_KIND, "created", service_id, label, first_values(service, _FIELDS))
    await event_store.append(tx, actor, company.id, fact, now=now)
    return service


async def lock_service(tx: Tx, actor: Actor, which: UUID | str, service_id: str) -> Service:
    """A service that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company, or it has no such service.
    """
    company = await _kept(tx, actor, which)
    service = await service_store.lock(tx, company.id, service_id) if storable(service_id) else None
    if service is None:
        raise NotFound("service", service_id)
    return service


async def change_service(
    tx: Tx, actor: Actor, which: UUID | str, service_id: str, values: Mapping[str, Any], *, now: datetime
) -> Service:
    """Set a service's ``type`` or ``label``; what is as it was is no change, and makes no event.

    Tickets keep what they were raised with.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company, or it has no such service.
        InvalidInput: a value breaks a rule.
    """
    before = await lock_service(tx, actor, which, service_id)
    after = replace(before, **values)
    changes = changes_between(before, after)
    if not changes:
        return before
    if violations := check_service(after.id, after.type, after.label):
        raise InvalidInput(violations)
    await service_store.save(tx, after)
    fact = RecordChanged(_KIND, "changed", after.id, after.label, changes)
    await event_store.append(tx, actor, after.company_id, fact, now=now)
    return after


async def delete_service(tx: Tx, actor: Actor, which: UUID | str, service_id: str, *, now: datetime) -> Service:
    """Take a service out of a company's inventory; tickets keep the id and label that they were raised with.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company, or it has no such service.
    """
    service = await lock_service(tx, actor, which, service_id)
    await service_store.delete(tx, service.company_id, service_id)
    gone = [Change("type", service.type, None), Change("label", service.label, None)]
    fact = RecordChanged(_KIND, "deleted", service_id, service.label, gone)
    await event_store.append(tx, actor, service.company_id, fact, now=now)
    return service


async def import_services(
    tx: Tx, actor: Actor, which: UUID | str, lines: Iterable[str], *, dry_run: bool, now: datetime
) -> ImportReport:
    """Bring a company's inventory up to a CSV with the columns id, type and label, in any order.

    Services that are not in the file stay. Nothing is stored in a dry run, or when any line is wrong.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company.
    """
    company = await _kept(tx, actor, which)
    wanted, errors = _read(company, lines)
    if errors:
        return ImportReport(0, 0, 0, errors)
    return await _bring(tx, actor, company, wanted, dry_run=dry_run, now=now)


async def import_list(
    tx: Tx, actor: Actor, which: UUID | str, rows: Sequence[tuple[str, str, str]], *, dry_run: bool, now: datetime
) -> ImportReport:
    """Bring a company's inventory up to a list of at most 1000 services, each its id, type and label.

    Services that are not in the list stay. Nothing is stored in a dry run.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company.
        InvalidInput: a value breaks a rule, or an id stands in the list twice; ``services.3.id`` is the fourth's.
    """
    company = await _kept(tx, actor, which)
    violations = []
    if len(rows) > IMPORT_MAX:
        violations.append(Violation("services", f"must have at most {IMPORT_MAX} items"))
    found: dict[str, Service] = {}
    for index, row in enumerate(rows[:IMPORT_MAX]):
        wrong = check_service(*row)
        if row[0] in found:
            wrong.append(Violation("id", "stands earlier in the list too"))
        violations += [Violation(f"services.{index}.{one.field}", one.rule) for one in wrong]
        if not wrong:
            found[row[0]] = Service(company.id, row[0], ServiceType(row[1]), row[2])
    if violations:
        raise InvalidInput(violations)
    return await _bring(tx, actor, company, list(found.values()), dry_run=dry_run, now=now)


async def _bring(
    tx: Tx, actor: Actor, company: Company, wanted: list[Service], *, dry_run: bool, now: datetime
) -> ImportReport:
    present = {service.id: service for service in await service_store.of_company(tx, company.id)}
    changed = [s for s in wanted if present.get(s.id) != s]
    created = sum(s.id not in present for s in changed)
    report = ImportReport(created, len(changed) - created, len(wanted) - len(changed), [])
    if changed and not dry_run:
        await service_store.save_all(tx, changed, now=now)
        counts = [Change("created", None, report.created), Change("updated", None, report.updated)]
        fact = RecordChanged(_KIND, "imported", str(company.id), company.name, counts)
        await event_store.append(tx, actor, company.id, fact, now=now)
    return report


def _read(company: Company, lines: Iterable[str]) -> tuple[list[Service], list[LineError]]:
    reader = csv.DictReader(lines, strict=True)
    found: dict[str, Service] = {}
    errors: list[LineError] = []
    try:
        names = [name.strip().lower() for name in reader.fieldnames or []]
        if missing := [name for name in COLUMNS if name not in names]:
            return [], [LineError(1, f"the heading lacks {', '.join(missing)}; it must name {', '.join(COLUMNS)}")]
        reader.fieldnames = names
        for row in reader:
            values = [(row[name] or "").strip() for name in COLUMNS]
            rules = [f"{v.field} {v.rule}" for v in check_service(*values)]
            if None in row:
                rules.append("there are more values than columns in the heading")
            if values[0] in found:
                rules.append(f"id {values[0]} stands in an earlier line too")
            if rules:
                errors.append(LineError(reader.line_num, "; ".join(rules)))
            else:
                found[values[0]] = Service(company.id, values[0], ServiceType(values[1]), values[2])
    except csv.Error as error:
        # DictReader's own line_num still names the row before the one that failed.
        errors.append(LineError(reader.reader.line_num, f"is no CSV: {error}"))
    return list(found.values()), errors
