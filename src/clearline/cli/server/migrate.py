"""The command that migrates the database."""

from collections.abc import Sequence

import click

from clearline.cli.context import run_unmigrated
from clearline.cli.output import json_option, show
from clearline.cli.terminal.text import echo
from clearline.events import store as event_store
from clearline.platform.database import migrate as migrations
from clearline.platform.database.migrate import Announcement, Migration
from clearline.platform.database.transactions import Database

_UP_TO_DATE = "The database is up to date."


@click.command()
@click.option(
    "--dry-run", is_flag=True, help="Print the missing migrations, and which of them are breaking; apply none."
)
@json_option
def migrate(*, dry_run: bool, as_json: bool) -> None:
    """Apply missing migrations to the database. Safe while a server runs, and when two run at once.

    Servers of the version before work with compatible migrations, so that servers can be upgraded one after the other.
    With breaking ones they are not ready any more: this is said before and after.
    """
    if dry_run:
        _print_missing(as_json=as_json)
        return
    told: list[Migration] = []

    def announce(announcement: Announcement) -> None:
        echo(f"{announcement.text[0].upper()}{announcement.text[1:]}.", err=True)
        told[:] = announcement.migrations

    async def work(database: Database) -> list[Migration]:
        return await migrations.migrate(database, afterwards=event_store.renumber, announce=announce)

    applied = _labels(run_unmigrated(work))
    show({"applied": applied, "breaking": _labels(told)}, "\n".join(applied) or _UP_TO_DATE, as_json=as_json)


def _print_missing(*, as_json: bool) -> None:
    async def work(database: Database) -> tuple[int, list[Migration]]:
        return await migrations.applied(database), await migrations.pending(database)

    newest, missing = run_unmigrated(work, may_create=False)
    breaking = migrations.breaking(missing, newest)
    lines = [f"{item.label}: {'breaking' if item in breaking else 'compatible'}" for item in missing]
    if breaking:
        lines.append("Servers of older versions will not be ready any more: stop them before.")
    elif missing and newest:
        lines.append("Servers of the version before work with the migrated database: upgrade them one after the other.")
    show(
        {"pending": _labels(missing), "breaking": _labels(breaking)},
        "\n".join(lines) or _UP_TO_DATE,
        as_json=as_json,
    )


def _labels(items: Sequence[Migration]) -> list[str]:
    return [migration.label for migration in items]
