"""The command that carries the embedded database over to a newer major version of PostgreSQL."""

from pathlib import Path

import click

from clearline.cli.context import current_settings
from clearline.cli.output import json_option, show
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.platform.postgres.upgrade import size, upgrade


@click.command("upgrade-database")
@click.option(
    "--old-bin",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder of the programs of the database's present major version, such as /usr/lib/postgresql/17/bin.",
)
@json_option
def upgrade_database(*, old_bin: Path, as_json: bool) -> None:
    """Carry the embedded database over to a newer PostgreSQL.

    The server must be stopped, and the disk needs room for a copy. The old directory stays beside the new one until you
    delete it. Minor versions need no command.
    """
    settings = current_settings()
    if settings.database_url is not None:
        raise EmbeddedPostgresError("CLEARLINE_DATABASE_URL names a server of your own: upgrade it by its own means")
    done = upgrade(settings.data_dir, old_bin.absolute(), settings.postgres_user, settings.postgres_bin)
    if done.kept is None:
        text = f"Nothing to do: the database is of PostgreSQL {done.from_major}, and the programs are {done.version}."
    else:
        text = (
            f"Carried the database over from PostgreSQL {done.from_major} to {done.version}. The old directory is\n"
            f"{done.kept} ({size(done.kept) // 1024**2} MiB).\n"
            "Start the server, and delete the old directory when you no longer need it. Settings that you changed in "
            "its postgresql.conf are not carried over."
        )
    kept = None if done.kept is None else str(done.kept)
    show({"from_major": done.from_major, "version": done.version, "kept": kept}, text, as_json=as_json)
