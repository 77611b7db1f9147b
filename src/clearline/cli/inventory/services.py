"""Commands for services."""

import click

from clearline.catalogue import usecases as catalogue
from clearline.cli.accounts.options import changed_values, company_option
from clearline.cli.context import transact
from clearline.cli.exit_status import REFUSED
from clearline.cli.fields.values import field_option, given_fields
from clearline.cli.inventory.facts import fact_options, given_facts
from clearline.cli.output import json_option, print_json, print_members, show, show_done, show_list
from clearline.cli.parameters.files import TEXT_FILE, read_text
from clearline.cli.progress import spinner
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import rate_text
from clearline.inventory.import_domain import ImportReport
from clearline.platform.database.transactions import Tx
from clearline.wires.house.inventory.mapping import import_out, service_out


@click.group()
def service() -> None:
    """Manage the services that a company's tickets can be about."""


@service.command("add")
@company_option
@click.option("--id", "service_id", required=True, help="Id of the service; unique within the company.")
@click.option("--type", "kind", required=True, metavar="TYPE", help="Type of the service: its key or name.")
@click.option("--label", required=True, help="Name that people use.")
@fact_options
@field_option
@json_option
def service_add(
    company: str,
    service_id: str,
    kind: str,
    label: str,
    *,
    facts: dict[str, str | None],
    fields: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a service to a company."""
    given = given_facts(facts) | given_fields(fields)

    async def work(tx: Tx) -> Service:
        [key] = await catalogue.service_keys(tx, [kind], "--type")
        return await inventory.add_service(tx, OPERATOR, company, service_id, key, label, facts=given, now=now())

    added = transact(work)
    show(service_out(added), f"{added.type} {added.id} ({added.label}) added.", as_json=as_json)


@service.command("list")
@company_option
@json_option
def service_list(company: str, *, as_json: bool) -> None:
    """List the services of a company by type and label."""
    show_list(
        transact(lambda tx: inventory.services_of(tx, OPERATOR, company)),
        service_out,
        ("TYPE", "ID", "LABEL", "STATE", "RATE"),
        lambda service: (
            service.type,
            service.id,
            service.label,
            service.state,
            "" if service.rate is None else rate_text(service.rate),
        ),
        noun="services",
        as_json=as_json,
    )


@service.command("show")
@company_option
@click.argument("service_id")
@json_option
def service_show(company: str, service_id: str, *, as_json: bool) -> None:
    """Show a service with its facts and own fields."""
    shown = service_out(transact(lambda tx: inventory.get_service(tx, OPERATOR, company, service_id)))
    if as_json:
        print_json(shown)
    else:
        print_members(shown)


@service.command("change")
@company_option
@click.argument("service_id")
@click.option("--type", "kind", metavar="TYPE", help="New type: its key or name.")
@click.option("--label", help="New label.")
@fact_options
@field_option
@json_option
def service_change(
    company: str,
    service_id: str,
    kind: str | None,
    label: str | None,
    *,
    facts: dict[str, str | None],
    fields: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change a service. Tickets keep the type and the label that they were raised with.

    An empty value clears a fact: --carrier "".
    """
    changed_values(type=kind, label=label, field=fields or None, **facts)
    given = given_facts(facts) | given_fields(fields) | ({} if label is None else {"label": label})

    async def work(tx: Tx) -> tuple[Service, Service]:
        keys = () if kind is None else await catalogue.service_keys(tx, [kind], "--type")
        values = {**given, **({"type": keys[0]} if keys else {})}
        before = await inventory.lock_service(tx, OPERATOR, company, service_id)
        return before, await inventory.change_service(tx, OPERATOR, company, service_id, values, now=now())

    before, after = map(service_out, transact(work))
    show(after, change_text(f"{after.type} {after.id} ({after.label})", before, after), as_json=as_json)


@service.command("delete")
@company_option
@click.argument("service_id")
@yes_option
@json_option
def service_delete(company: str, service_id: str, *, yes: bool, as_json: bool) -> None:
    """Delete a service. Tickets keep the id and the label that they were raised with."""
    confirm(f"Delete service {service_id} of {company}?", yes=yes)

    async def work(tx: Tx) -> Service:
        return await inventory.delete_service(tx, OPERATOR, company, service_id, now=now())

    deleted = transact(work)
    show_done(f"{deleted.type} {deleted.id} ({deleted.label}) deleted.", as_json=as_json)


@service.command("import")
@company_option
@click.argument("file", type=TEXT_FILE)
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@json_option
def service_import(company: str, file: str, *, dry_run: bool, as_json: bool) -> None:
    """Import services from a file (- for standard input): CSV, or NDJSON as the house API writes services.

    CSV has the columns id, type and label, and may have state, rate, tier, is_protected, installed_on, customer_label,
    carrier, carrier_circuit_id, a_site, a_device, a_port, a_vlan, the same of z, and fields_KEY for an own
    field. Services that exist get what the
    file says; services and columns that are not in it stay. When a line is wrong, nothing is stored, every wrong line
    is named on standard error, and the exit status is 1.
    """
    table = read_text(file)

    async def work(tx: Tx) -> ImportReport:
        return await imports.import_file(tx, OPERATOR, company, table, dry_run=dry_run, now=now())

    with spinner(f"Importing services of {company} ..."):
        report = transact(work)
    if report.errors:
        for error in report.errors:
            echo(f"line {error.line}: {error.message}", err=True)
        echo(f"Nothing imported: {len(report.errors)} wrong lines.", err=True)
        click.get_current_context().exit(REFUSED)
    verb = "would be" if dry_run else "were"
    text = f"{report.created} {verb} added, {report.updated} changed; {report.unchanged} are as in the file."
    show(import_out(report, dry_run=dry_run), text, as_json=as_json)
