"""Commands for what is stored about a person."""

from typing import IO

import click

from clearline.cli.context import current_settings, run
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.terminal.text import write
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.privacy import export_usecases as person_exports
from clearline.tickets.attachments.blobs import open_blobs

_COMMANDS = {
    "certificate": LazyCommand(
        "privacy.erasure", "person_certificate", "Print the certificate of the erasure with an ID as JSON."
    ),
    "erase": LazyCommand(
        "privacy.erasure",
        "person_erase",
        "Erase the person with an e-mail ADDRESS: put a pseudonym in its place, everywhere.",
    ),
    "erasures": LazyCommand("privacy.erasure", "person_erasures", "List erasures of people and dry runs."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def person() -> None:
    """Export what is stored about a person, or erase it."""


@person.command("export")
@click.argument("address", metavar="ADDRESS")
@click.option("--output", type=click.File("wb", lazy=True, atomic=True), required=True,
              help="ZIP file to write (- for standard output); it appears once it is complete.")  # fmt: skip
def person_export(address: str, output: IO[bytes]) -> None:
    """Export all that is stored about the person with an e-mail ADDRESS, with or without an account.

    The ZIP file has accounts, sessions and keys without their secrets, tickets, notes, contacts, mail, notifications,
    events, and the files that the person attached. Its person.json says what is in it, and what is not.
    """
    blobs = open_blobs(current_settings())

    async def work(database: Database) -> None:
        async with database.transaction() as tx:
            export = await person_exports.prepare_export(tx, OPERATOR, address, now=now())
        async for part in person_exports.read(database, blobs, export):
            write(part, output)

    run(work)
