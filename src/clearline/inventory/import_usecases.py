"""Imports of services: bring a company's inventory up to a file or a list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts.tiers import store as tier_store
from clearline.accounts.tiers.domain import Tier
from clearline.accounts.tiers.usecases import check_tier_key
from clearline.catalogue.domain import Catalogue
from clearline.catalogue.usecases import stored_catalogue
from clearline.errors import RuleCode, Violation, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.fields import value_usecases as own_fields
from clearline.fields.domain import RecordKind
from clearline.fields.value_domain import changed_fields
from clearline.identity import Actor, Company
from clearline.inventory import store as service_store
from clearline.inventory.domain import Service, check_service, with_values
from clearline.inventory.import_domain import (
    IMPORT_MAX,
    ImportedService,
    ImportReport,
    LineError,
    RowResult,
)
from clearline.inventory.import_file import NotAFile, read_rows
from clearline.inventory.usecases import KIND, company_to_manage, visible_services
from clearline.platform.database.transactions import Tx
from clearline.tables import A_WORKBOOK, is_workbook


class _Inventory:
    """The services of a company as they are stored, and as an import leaves them."""

    def __init__(
        self, company: Company, stored: Mapping[str, Service], tiers: Mapping[str, Tier], catalogue: Catalogue
    ) -> None:
        self.company, self._stored, self._tiers, self._catalogue = company, stored, tiers, catalogue
        self.services: dict[str, Service] = {}

    async def add(self, tx: Tx, actor: Actor, values: Mapping[str, Any]) -> list[Violation]:
        """Add a service of the import; return the rules that it breaks, and add it only without any."""
        before = self._stored.get(values["id"])
        values = {**values, "type": self._catalogue.service_named(values["type"]) or values["type"]}
        begun = before or Service(self.company.id, values["id"], values["type"], values["label"])
        after = with_values(begun, values)
        keeps = before is not None and before.type == after.type
        violations = check_service(after, self._catalogue, keeps_type=keeps)
        violations += check_tier_key(self._tiers, None if before is None else before.tier, after.tier)
        if "fields" in values:
            had = {} if before is None else before.fields
            fields, wrong = await own_fields.values_after(
                tx, actor, RecordKind.SERVICE, self.company.id, had, values["fields"]
            )
            after, violations = replace(after, fields=fields), [*violations, *wrong]
        if not violations:
            self.services[after.id] = after
        return violations

    def result(self, service: Service) -> RowResult:
        """Return what a service is to what was stored before."""
        if service.id not in self._stored:
            return RowResult.CREATED
        return RowResult.UNCHANGED if self._stored[service.id] == service else RowResult.UPDATED

    def _own_changes(self, service: Service) -> dict[str, Any]:
        stored = self._stored.get(service.id)
        return changed_fields({} if stored is None else stored.fields, service.fields)

    async def store(self, tx: Tx, actor: Actor, *, dry_run: bool, now: datetime) -> ImportReport:
        """Store what is new or changed, and the event of the import; in a dry run only count it."""
        results = {service.id: self.result(service) for service in self.services.values()}
        created, updated, unchanged = (list(results.values()).count(result) for result in RowResult)
        changed = [each for each in self.services.values() if results[each.id] is not RowResult.UNCHANGED]
        if changed and not dry_run:
            await service_store.save_all(tx, changed, {each.id: self._own_changes(each) for each in changed}, now=now)
            changes = [Change("created", None, created), Change("updated", None, updated)]
            fact = RecordChanged(KIND, "imported", str(self.company.id), self.company.name, changes)
            await event_store.append(tx, actor, self.company.id, fact, now=now)
        return ImportReport(created, updated, unchanged, [])


async def _inventory(tx: Tx, actor: Actor, company: Company) -> _Inventory:
    services = await visible_services(tx, actor, await service_store.of_company(tx, company.id))
    stored = {service.id: service for service in services}
    return _Inventory(
        company, stored, {tier.key: tier for tier in await tier_store.all_tiers(tx)}, await stored_catalogue(tx)
    )


async def import_text(
    tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, dry_run: bool, now: datetime
) -> tuple[ImportReport, list[ImportedService]]:
    """Bring a company's inventory up to a text that somebody sends: what ``import_file`` reads.

    Return the report, and what became of each service.
    """
    company = await company_to_manage(tx, actor, company_ref)
    if is_workbook(text):
        return ImportReport(0, 0, 0, [LineError(1, f"is {A_WORKBOOK}")]), []
    if (bad := text.find("\ufffd")) >= 0:
        line = text.count("\n", 0, bad) + 1
        return ImportReport(0, 0, 0, [LineError(line, "has a character that is not UTF-8: save the file as UTF-8")]), []
    return await _import(tx, actor, company, text, dry_run=dry_run, now=now)


async def import_file(
    tx: Tx, actor: Actor, company_ref: UUID | str, text: str, *, dry_run: bool, now: datetime
) -> ImportReport:
    """Bring a company's inventory up to a file: CSV with a heading, a JSON list, or an object on each line (NDJSON).

    Services that are not in the file stay, and so do the facts whose columns or members it lacks. A dry run stores
    nothing, and neither does a file with an error. The line of an error in a JSON list is the place of its object.
    """
    company = await company_to_manage(tx, actor, company_ref)
    report, _services = await _import(tx, actor, company, text, dry_run=dry_run, now=now)
    return report


async def _import(
    tx: Tx, actor: Actor, company: Company, text: str, *, dry_run: bool, now: datetime
) -> tuple[ImportReport, list[ImportedService]]:
    try:
        rows = read_rows(text)
    except NotAFile as refused:
        return ImportReport(0, 0, 0, [refused.error]), []
    inventory = await _inventory(tx, actor, company)
    errors: list[LineError] = []
    ids: set[str] = set()
    for row in rows:
        rules = list(row.rules)
        if row.values:
            rules += [f"{violation.field} {violation.rule}" for violation in await inventory.add(tx, actor, row.values)]
            if row.values["id"] in ids:
                rules.append(f"id {row.values['id']} stands in an earlier line too")
            ids.add(row.values["id"])
        if rules:
            errors.append(LineError(row.line, "; ".join(rules)))
    if errors:
        return ImportReport(0, 0, 0, errors), []
    report = await inventory.store(tx, actor, dry_run=dry_run, now=now)
    return report, [ImportedService(service, inventory.result(service)) for service in inventory.services.values()]


async def import_list(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    rows: Sequence[Mapping[str, Any]],
    *,
    dry_run: bool,
    now: datetime,
) -> ImportReport:
    """Bring a company's inventory up to a list of at most ``IMPORT_MAX`` services: the values of each, by field.

    Services that are not in the list stay, and so do facts that a row does not name. A dry run stores nothing. The
    violation ``services.3.id`` is about the fourth row.
    """
    company = await company_to_manage(tx, actor, company_ref)
    violations = []
    if len(rows) > IMPORT_MAX:
        violations.append(Violation("services", f"must have at most {IMPORT_MAX} items", RuleCode.COUNT))
    inventory = await _inventory(tx, actor, company)
    ids: set[str] = set()
    for index, row in enumerate(rows[:IMPORT_MAX]):
        broken = await inventory.add(tx, actor, row)
        if row["id"] in ids:
            broken.append(Violation("id", "is in the list twice", RuleCode.DUPLICATE))
        ids.add(row["id"])
        violations += [
            Violation(f"services.{index}.{violation.field}", violation.rule, violation.code) for violation in broken
        ]
    require_valid(violations)
    return await inventory.store(tx, actor, dry_run=dry_run, now=now)
