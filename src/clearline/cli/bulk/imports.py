"""Commands that bring a desk in by file: companies, people, services, tickets, files."""

from pathlib import Path

import click

from clearline.bulk.domain import ImportSubject
from clearline.bulk.import_file import Format
from clearline.cli.bulk.execution import dry_run_option
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.output import json_option
from clearline.cli.tickets.transfer import FILE, format_option, import_lines

_COMMANDS = {
    "files": LazyCommand("bulk.file_imports", "import_files", "Attach files to tickets, as a list of them says."),
}


@click.group("import", cls=LazyGroup, lazy=_COMMANDS)
def import_group() -> None:
    """Import companies, people, services, tickets and files from another desk, in this order.

    Each line of a file is stored by itself: wrong lines are named with the reason, and make the exit status 1. The same
    file can be imported again.
    """


@import_group.command("companies")
@click.argument("file", type=FILE)
@format_option
@dry_run_option
@json_option
def import_companies(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Import customers from a file (- for standard input); one whose code there is already gets what its line says."""
    import_lines(ImportSubject.COMPANIES, file, kind, dry_run=dry_run, as_json=as_json)


@import_group.command("people")
@click.argument("file", type=FILE)
@format_option
@dry_run_option
@json_option
def import_people(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Import people from a file (- for standard input); one whose address its company has gets what the line says.

    Nobody is invited or notified: clearline user invite sends an invitation when the desk is ready.
    """
    import_lines(ImportSubject.PEOPLE, file, kind, dry_run=dry_run, as_json=as_json)


@import_group.command("services")
@click.argument("file", type=FILE)
@format_option
@dry_run_option
@json_option
def import_services(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Import services of all companies from a file (- for standard input), which says the company of each."""
    import_lines(ImportSubject.SERVICES, file, kind, dry_run=dry_run, as_json=as_json)


@import_group.command("tickets")
@click.argument("file", type=FILE)
@format_option
@dry_run_option
@json_option
def import_tickets(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Import tickets with their notes from a file (- for standard input); as clearline ticket import."""
    import_lines(ImportSubject.TICKETS, file, kind, dry_run=dry_run, as_json=as_json)
