"""The command that migrates the database."""

import click

from clearline.cli.context import run_unmigrated
from clearline.cli.output import json_option, show
from clearline.events import store as event_store
from clearline.platform.database import migrate as migrations
from clearline.platform.database.transactions import Database


@click.command()
@json_option
def migrate(*, as_json: bool) -> None:
    """Apply missing migrations to the database. Safe while a server runs, and when two run at once."""

    async def work(database: Database) -> list[str]:
        applied = await migrations.migrate(database, afterwards=event_store.renumber)
        return [f"{migration.number:04d}_{migration.name}" for migration in applied]

    applied = run_unmigrated(work)
    show({"applied": applied}, "\n".join(applied) or "The database is up to date.", as_json=as_json)
