"""The services that tickets can be about: list, add, import."""

import csv
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from clearline.domain.errors import AlreadyExists, InvalidInput
from clearline.domain.party import Actor, Company, Scope
from clearline.domain.service import Service, ServiceType, check_service
from clearline.store import services
from clearline.store.db import Tx
from clearline.usecases import access

COLUMNS = ("id", "type", "label")


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
    access.allow(actor, Scope.TICKETS_READ)
    return await services.of_company(tx, access.own_company(actor).id)


async def services_of(tx: Tx, actor: Actor, company_name: str) -> list[Service]:
    """The services of any company, for the operator.

    Raises:
        NotFound: no such company.
    """
    company = await access.company_named(tx, actor, company_name)
    return await services.of_company(tx, company.id)


async def add_service(
    tx: Tx, actor: Actor, company_name: str, service_id: str, kind: str, label: str, *, now: datetime
) -> Service:
    """Put a service into a company's inventory.

    Raises:
        NotFound: no such company.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the company has a service of that id.
    """
    company = await access.company_named(tx, actor, company_name)
    if violations := check_service(service_id, kind, label):
        raise InvalidInput(violations)
    service = Service(company.id, service_id, ServiceType(kind), label)
    if not await services.insert(tx, service, now=now):
        raise AlreadyExists("service", service_id)
    return service


async def import_services(
    tx: Tx, actor: Actor, company_name: str, lines: Iterable[str], *, dry_run: bool, now: datetime
) -> ImportReport:
    """Bring a company's inventory up to a CSV with the columns id, type and label, in any order.

    Services that are not in the file stay. Nothing is stored in a dry run, or when any line is wrong.

    Raises:
        NotFound: no such company.
    """
    company = await access.company_named(tx, actor, company_name)
    wanted, errors = _read(company, lines)
    present = {service.id: service for service in await services.of_company(tx, company.id)}
    changed = [s for s in wanted if present.get(s.id) != s]
    if errors:
        return ImportReport(0, 0, 0, errors)
    if not dry_run:
        await services.save_all(tx, changed, now=now)
    created = sum(s.id not in present for s in changed)
    return ImportReport(created, len(changed) - created, len(wanted) - len(changed), [])


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
