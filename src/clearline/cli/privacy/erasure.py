"""Commands that erase people, and show what was done. Part of ``clearline person``."""

from uuid import UUID

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.output import json_option, limit_option, print_json, print_table, show_list
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.privacy import erasure_usecases as erasures
from clearline.privacy.erasure_domain import Erasure
from clearline.privacy.worker import work_on
from clearline.tickets.attachments.blobs import open_blobs
from clearline.wires.house.privacy.mapping import erasure_out

_MOST = 1000
"""How many erasures an abbreviated id is looked for among."""


@click.command("erase")
@click.argument("address", metavar="ADDRESS")
@click.option("--reason", required=True, help="Why, for the certificate. It must not name the person.")
@click.option("--also", multiple=True, metavar="WORDS",
              help="Further words of the person, such as an earlier name; repeat for several.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Count what would be rewritten by table, and change nothing.")
@yes_option
@json_option
def person_erase(address: str, reason: str, also: tuple[str, ...], *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase the person with an e-mail ADDRESS: put a pseudonym in its place, everywhere. It cannot be undone.

    Its accounts end at once, with their sessions and keys. The workers rewrite everything else; clearline person
    erasures says how far they are, clearline person certificate what was done. A dry run is done at once.
    """
    settings = current_settings()
    if not dry_run:
        confirm(f"Erase {address} for good? Try it with --dry-run first.", yes=yes)

    async def work(database: Database) -> Erasure:
        async with database.transaction() as tx:
            erasure = await erasures.erase(
                tx, OPERATOR, address, reason=reason, others=also, is_dry_run=dry_run, secret_key=settings.secret_key,
                now=now(),
            )  # fmt: skip
        if dry_run:
            blobs = open_blobs(settings)
            while await work_on(database, blobs, now, secret_key=settings.secret_key, only=erasure.id):
                pass
        async with database.transaction() as tx:
            return await erasures.get_erasure(tx, OPERATOR, erasure.id)

    erasure = run(work)
    if as_json:
        print_json(erasure_out(erasure))
        return
    if dry_run:
        print_table(("TABLE", "ROWS"), sorted(erasure.rows.items()))
    for hint in erasure.hints:
        echo(hint, err=True)
    _say_files(erasure)
    if not dry_run:
        echo(f"Erased as {erasure.pseudonym.name}; the workers go on with everything else. Id: {erasure.id}.")


def _say_files(erasure: Erasure) -> None:
    for file in erasure.files:
        echo(f"Look at file {file.id} of {file.ticket}: the content of files is not rewritten.", err=True)


@click.command("erasures")
@limit_option
@json_option
def person_erasures(limit: int, *, as_json: bool) -> None:
    """List erasures of people and dry runs, newest first."""
    show_list(
        transact(lambda tx: erasures.list_erasures(tx, OPERATOR, limit=limit + 1)),
        erasure_out,
        ("ID", "AT", "BY", "PSEUDONYM", "DRY RUN", "ROWS", "DONE", "REASON"),
        lambda erasure: (
            erasure.id,
            erasure.created_at,
            erasure.user_name,
            erasure.pseudonym.name,
            erasure.is_dry_run,
            sum(erasure.rows.values()),
            f"{erasure.progress:.0%}",
            erasure.reason,
        ),
        noun="erasures",
        as_json=as_json,
        limit=limit,
    )


@click.command("certificate")
@click.argument("erasure_id", metavar="ID", type=ID)
def person_certificate(erasure_id: str) -> None:
    """Print the certificate of the erasure with an ID as JSON.

    It says what was done, when and by whom, with the SHA-256 of that. It does not hold the words.
    """

    async def work(tx: Tx) -> str:
        async def ids() -> list[UUID]:
            return [erasure.id for erasure in await erasures.list_erasures(tx, OPERATOR, limit=_MOST)]

        return await erasures.get_certificate(tx, OPERATOR, await resolve_among(erasure_id, "erasure", ids))

    echo(transact(work))
