"""The commands of retention: what is kept for how long, and delete what is older."""

from collections.abc import Sequence

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.output import json_option, print_json, print_table
from clearline.cli.terminal.text import echo
from clearline.cli.tickets.blobs import writable_blobs
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.retention import usecases as retentions
from clearline.retention.domain import Kept, Kind
from clearline.retention.worker import WORKED, Retention


@click.group()
def retention() -> None:
    """See how long data is kept, and delete what is older."""


@retention.command("show")
@json_option
def retention_show(*, as_json: bool) -> None:
    """Show for each kind of data how long it is kept, how much there is, and what the last run deleted.

    Rows and sizes are estimates from the statistics of PostgreSQL: nothing is counted.
    """
    settings = current_settings()

    async def work(tx: Tx) -> list[Kept]:
        return await retentions.overview(tx, OPERATOR, settings)

    kept = transact(work)
    if as_json:
        print_json([_facts(one) for one in kept])
        return
    print_table(
        ("KIND", "DAYS", "ROWS", "KB", "KB A TICKET", "OLDEST", "LAST RUN", "DELETED"), [_row(one) for one in kept]
    )


def _row(kept: Kept) -> Sequence[object]:
    last = kept.last_run
    return (
        kept.kind.value,
        kept.days or "for good",
        kept.rows,
        None if kept.size is None else kept.size // 1024,
        None if kept.per_ticket is None else f"{kept.per_ticket / 1024:.1f}",
        kept.oldest,
        None if last is None else last.started_at,
        None if last is None else last.removed,
    )


def _facts(kept: Kept) -> dict[str, object]:
    last = kept.last_run
    return {
        "kind": kept.kind.value, "setting": kept.kind.variable, "days": kept.days or None, "rows": kept.rows,
        "bytes": kept.size, "bytes_per_ticket": kept.per_ticket, "oldest": kept.oldest,
        "last_run": None if last is None else {
            "started_at": last.started_at, "finished_at": last.finished_at, "deleted": last.removed,
            "deleted_by_all_runs": last.removed_total,
        },
    }  # fmt: skip


@retention.command("run")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in WORKED]),
    multiple=True,
    help="Only this kind; may be repeated. Without it all.",
)
@click.option("--dry-run", is_flag=True, help="Delete nothing, and say how much would be deleted.")
@json_option
def retention_run(*, kinds: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Delete what is older than its setting allows, now, in small batches.

    The server does so by itself every hour, orphaned files every six hours. A kind that another process deletes is left
    to it. Interrupted, nothing is lost: the next run goes on.
    """
    chosen = [Kind(kind) for kind in kinds] or list(WORKED)
    results = _count(chosen) if dry_run else _delete(chosen)
    if as_json:
        member = "due" if dry_run else "deleted"
        print_json([{"kind": kind.value, member: count} for kind, count in results.items()])
        return
    for kind, count in results.items():
        echo(f"{kind.value}: {_in_words(count, dry_run=dry_run)}")


def _in_words(count: int | None, *, dry_run: bool) -> str:
    if dry_run and count is None:
        return "a look at every file says how many are orphans: run it without --dry-run"
    if count is None:
        return "another process is about it"
    if dry_run:
        more = " or more" if count == retentions.DUE_MAX else ""
        return f"{count}{more} would be deleted"
    return f"{count} deleted"


def _count(kinds: Sequence[Kind]) -> dict[Kind, int | None]:
    settings = current_settings()

    async def work(tx: Tx) -> dict[Kind, int | None]:
        return {kind: await retentions.count_due(tx, OPERATOR, kind, settings, now=now()) for kind in kinds}

    return transact(work)


def _delete(kinds: Sequence[Kind]) -> dict[Kind, int | None]:
    settings = current_settings()

    async def work(database: Database) -> dict[Kind, int | None]:
        worker = Retention(database, writable_blobs(settings), settings, now)
        return {kind: await worker.run(kind) for kind in kinds}

    return run(work)
