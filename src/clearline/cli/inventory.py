"""The services that tickets can be about."""

from typing import IO

import click
from rich.console import Console

from clearline.cli.accounts import company_option
from clearline.cli.context import REFUSED, as_json, emit, run, table, within
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import INVENTORY_TYPES, Service, ServiceType
from clearline.inventory.import_usecases import ImportReport
from clearline.platform.database.transactions import Database, Tx

_TYPES = click.Choice([one.value for one in INVENTORY_TYPES])


@click.group()
def service() -> None:
    """The inventory: what a company's tickets can be about."""


@service.command("add")
@company_option
@click.option("--id", "service_id", required=True, help="Unique within the company.")
@click.option("--type", "kind", required=True, type=_TYPES, help="What it is.")
@click.option("--label", required=True, help="What people call it.")
@as_json
def service_add(company: str, service_id: str, kind: str, label: str, *, as_json: bool) -> None:
    """Put a service into a company's inventory."""

    async def work(tx: Tx) -> Service:
        return await inventory.add_service(tx, OPERATOR, company, service_id, kind, label, now=now())

    added = within(work)
    emit(added) if as_json else click.echo(f"{added.type} {added.id} ({added.label}) added.")


@service.command("list")
@company_option
@as_json
def service_list(company: str, *, as_json: bool) -> None:
    """A company's services, by type and label."""
    found = within(lambda tx: inventory.services_of(tx, OPERATOR, company))
    emit(found) if as_json else table(("TYPE", "ID", "LABEL"), [(one.type, one.id, one.label) for one in found])


@service.command("change")
@company_option
@click.argument("service_id")
@click.option("--type", "kind", type=_TYPES, help="What it is from now on.")
@click.option("--label", help="What people call it from now on.")
@as_json
def service_change(company: str, service_id: str, kind: str | None, label: str | None, *, as_json: bool) -> None:
    """Change a service; tickets keep what they were raised with."""
    values = {
        name: value for name, value in (("type", kind and ServiceType(kind)), ("label", label)) if value is not None
    }
    if not values:
        raise click.UsageError("Say what to change: --type, --label")

    async def work(tx: Tx) -> Service:
        return await inventory.change_service(tx, OPERATOR, company, service_id, values, now=now())

    changed = within(work)
    emit(changed) if as_json else click.echo(f"{changed.type} {changed.id} ({changed.label}) changed.")


@service.command("delete")
@company_option
@click.argument("service_id")
@as_json
def service_delete(company: str, service_id: str, *, as_json: bool) -> None:
    """Take a service out of the inventory; tickets keep the id and label that they were raised with."""

    async def work(tx: Tx) -> Service:
        return await inventory.delete_service(tx, OPERATOR, company, service_id, now=now())

    gone = within(work)
    emit(gone) if as_json else click.echo(f"{gone.type} {gone.id} ({gone.label}) deleted.")


@service.command("import")
@company_option
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@as_json
def service_import(company: str, file: IO[str], *, dry_run: bool, as_json: bool) -> None:
    """Bring the inventory up to a CSV file (- for standard input) with the columns id, type and label.

    Services that exist get the file's type and label; services that are not in the file stay. When any line is
    wrong, nothing is stored, every wrong line is named, and the exit status is 1.
    """

    async def work(database: Database) -> ImportReport:
        async with database.transaction() as tx:
            return await imports.import_csv(tx, OPERATOR, company, file, dry_run=dry_run, now=now())

    with Console(stderr=True).status(f"Importing services of {company} ..."):
        report = run(work)
    if as_json:
        emit(report)
    elif report.errors:
        for error in report.errors:
            click.echo(f"line {error.line}: {error.message}", err=True)
        click.echo(f"Nothing imported: {len(report.errors)} wrong lines.", err=True)
    else:
        verb = "would be" if dry_run else "were"
        click.echo(f"{report.created} {verb} added, {report.updated} changed; {report.unchanged} are as in the file.")
    if report.errors:
        click.get_current_context().exit(REFUSED)
