"""Imports of services: bring a company's inventory up to a CSV file or a list."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.catalogue.published import ServiceType
from clearline.errors import RuleCode, Violation, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.identity import Actor, Company
from clearline.inventory import store as service_store
from clearline.inventory.domain import Service, check_service
from clearline.inventory.usecases import KIND, company_to_manage
from clearline.platform.database.transactions import Tx
from clearline.tables import A_WORKBOOK, NotATable, cell_text, is_workbook, read_table

COLUMNS = ("id", "type", "label")
IMPORT_MAX = 1000
"""The most services of one list. A CSV file at the command line may have any number."""


class LineError(Struct, frozen=True):
    """What is wrong with one line of an import. Lines count from 1, the heading included."""

    line: int
    message: str


class ImportReport(Struct, frozen=True):
    """What an import did, or would do in a dry run. With any error it does nothing."""

    created: int
    updated: int
    unchanged: int
    errors: list[LineError]


class RowResult(StrEnum):
    """What an import did with a service, or would do in a dry run."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class ImportedService(Struct, frozen=True):
    """A service of an import, and what the import did with it."""

    service: Service
    result: RowResult


class _Row(Struct, frozen=True):
    """A service of a JSON list."""

    id: str
    type: str
    label: str


async def import_text(
    tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, dry_run: bool, now: datetime
) -> tuple[ImportReport, list[ImportedService]]:
    """Bring a company's inventory up to a text that somebody sends: a CSV as for ``import_csv``, or JSON.

    JSON is a list of objects with ``id``, ``type`` and ``label``; the line of an error is the place of its object then.
    Return the report, and what became of each service.
    """
    company = await company_to_manage(tx, actor, company_ref)
    if is_workbook(text):
        return ImportReport(0, 0, 0, [LineError(1, f"is {A_WORKBOOK}")]), []
    if (bad := text.find("\ufffd")) >= 0:
        line = text.count("\n", 0, bad) + 1
        return ImportReport(0, 0, 0, [LineError(line, "has a character that is not UTF-8: save the file as UTF-8")]), []
    read = _read_json if text.lstrip().startswith("[") else _read_csv
    services, errors = read(company, text)
    if errors:
        return ImportReport(0, 0, 0, errors), []
    stored = await _stored(tx, company)
    report = await _store(tx, actor, company, services, stored, dry_run=dry_run, now=now)
    return report, [ImportedService(service, _result(stored, service)) for service in services]


async def import_csv(
    tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, dry_run: bool, now: datetime
) -> ImportReport:
    """Bring a company's inventory up to a CSV with the columns id, type and label, in any order.

    Services that are not in the file stay. A dry run stores nothing, and neither does a file with an error.
    """
    company = await company_to_manage(tx, actor, company_ref)
    services, errors = _read_csv(company, text)
    if errors:
        return ImportReport(0, 0, 0, errors)
    return await _store(tx, actor, company, services, await _stored(tx, company), dry_run=dry_run, now=now)


async def import_list(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    rows: Sequence[tuple[str, str, str]],
    *,
    dry_run: bool,
    now: datetime,
) -> ImportReport:
    """Bring a company's inventory up to a list of at most ``IMPORT_MAX`` services: id, type and label of each.

    Services that are not in the list stay. A dry run stores nothing. The violation ``services.3.id`` is about the
    fourth row.
    """
    company = await company_to_manage(tx, actor, company_ref)
    violations = []
    if len(rows) > IMPORT_MAX:
        violations.append(Violation("services", f"must have at most {IMPORT_MAX} items", RuleCode.COUNT))
    services: dict[str, Service] = {}
    for index, row in enumerate(rows[:IMPORT_MAX]):
        broken = check_service(*row)
        if row[0] in services:
            broken.append(Violation("id", "is in the list twice", RuleCode.DUPLICATE))
        violations += [
            Violation(f"services.{index}.{violation.field}", violation.rule, violation.code) for violation in broken
        ]
        if not broken:
            services[row[0]] = Service(company.id, row[0], ServiceType(row[1]), row[2])
    require_valid(violations)
    stored = await _stored(tx, company)
    return await _store(tx, actor, company, list(services.values()), stored, dry_run=dry_run, now=now)


async def _stored(tx: Tx, company: Company) -> dict[str, Service]:
    return {service.id: service for service in await service_store.of_company(tx, company.id)}


def _result(stored: dict[str, Service], service: Service) -> RowResult:
    """Return what a service is to what was stored before."""
    if service.id not in stored:
        return RowResult.CREATED
    return RowResult.UNCHANGED if stored[service.id] == service else RowResult.UPDATED


async def _store(
    tx: Tx,
    actor: Actor,
    company: Company,
    services: list[Service],
    stored: dict[str, Service],
    *,
    dry_run: bool,
    now: datetime,
) -> ImportReport:
    changed = [service for service in services if stored.get(service.id) != service]
    created = sum(service.id not in stored for service in changed)
    report = ImportReport(created, len(changed) - created, len(services) - len(changed), [])
    if changed and not dry_run:
        await service_store.save_all(tx, changed, now=now)
        counts = [Change("created", None, report.created), Change("updated", None, report.updated)]
        fact = RecordChanged(KIND, "imported", str(company.id), company.name, counts)
        await event_store.append(tx, actor, company.id, fact, now=now)
    return report


def _read_json(company: Company, text: str) -> tuple[list[Service], list[LineError]]:
    try:
        rows = msgspec.json.decode(text, type=list[_Row])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return [], [LineError(1, f"is no JSON list of objects with id, type and label: {error}")]
    services: dict[str, Service] = {}
    errors: list[LineError] = []
    for place, row in enumerate(rows, 1):
        values = row.id.strip(), row.type.strip(), row.label.strip()
        rules = [f"{violation.field} {violation.rule}" for violation in check_service(*values)]
        if values[0] in services:
            rules.append(f"id {values[0]} is the id of an earlier one too")
        if rules:
            errors.append(LineError(place, "; ".join(rules)))
        else:
            services[values[0]] = Service(company.id, values[0], ServiceType(values[1]), values[2])
    return list(services.values()), errors


def _read_csv(company: Company, text: str) -> tuple[list[Service], list[LineError]]:
    services: dict[str, Service] = {}
    errors: list[LineError] = []
    try:
        table = read_table(text, COLUMNS)
        if missing := [name for name in COLUMNS if name not in table.heading]:
            lacks, names = ", ".join(missing), ", ".join(COLUMNS)
            message = f"the heading lacks {lacks}; it must name {names}, separated by commas, semicolons or tabs"
            return [], [LineError(1, message)]
        if twice := [name for name in COLUMNS if table.heading.count(name) > 1]:
            return [], [LineError(1, f"the heading names {', '.join(twice)} more than once")]
        places = [table.heading.index(name) for name in COLUMNS]
        for line, cells in table.rows:
            values = [cell_text(cells[place]).strip() for place in places]
            rules = [f"{violation.field} {violation.rule}" for violation in check_service(*values)]
            if len(cells) > len(table.heading):
                rules.append("there are more values than columns in the heading")
            if values[0] in services:
                rules.append(f"id {values[0]} stands in an earlier line too")
            if rules:
                errors.append(LineError(line, "; ".join(rules)))
            else:
                services[values[0]] = Service(company.id, values[0], ServiceType(values[1]), values[2])
    except NotATable as error:
        errors.append(LineError(error.line, f"is no CSV: {error.reason}"))
    return list(services.values()), errors
