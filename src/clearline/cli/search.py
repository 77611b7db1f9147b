"""Find tickets of every company, and make what they are found by anew."""

import sys

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from clearline.cli.context import as_json, emit, run, table
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.search import usecases as searching
from clearline.search.usecases import SearchCursor, SearchResult
from clearline.tickets.domain import TicketView, ticket_number

_PAGE = 200
_AT_ONCE = 200
_MOST = 100_000


class _Search(click.Group):
    """A query needs no command in front of it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take whatever is no command for a query."""
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = ["find", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Search)
def search() -> None:
    """Find tickets: `clearline search QUERY` is short for `clearline search find QUERY`."""


@search.command("find")
@click.argument("query", nargs=-1)
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="Print at most so many tickets."
)
@click.option("--count", is_flag=True, help="Count more than 1000 matches too.")
@as_json
def search_find(query: tuple[str, ...], limit: int, *, count: bool, as_json: bool) -> None:
    """Tickets that match QUERY: words, "phrases", -exclusions and filters such as status:open or company:ALD001.

    Put -- before a query that begins with a minus.
    """
    found, tickets = run(lambda database: _find(database, " ".join(query), limit, count=count))
    if as_json:
        emit(
            {"total": {"count": found.count, "exact": found.is_exact}, "tickets": [_described(one) for one in tickets]}
        )
        return
    table(("NUMBER", "STATUS", "PRIORITY", "COMPANY", "SERVICE", "CREATED", "TITLE"), [_row(one) for one in tickets])
    least = "" if found.is_exact else "at least "
    click.echo(f"{least}{found.count} found, {len(tickets)} shown", err=True)


async def _find(database: Database, query: str, limit: int, *, count: bool) -> tuple[SearchResult, list[TicketView]]:
    tickets: list[TicketView] = []
    after: SearchCursor | None = None
    while True:
        async with database.transaction() as tx:
            page = min(_PAGE, limit - len(tickets))
            found = await searching.find_tickets(tx, OPERATOR, query, after=after, limit=page, count=count)
        tickets += found.tickets
        after = found.next
        if after is None or len(tickets) >= limit:
            return found, tickets


@search.command("rebuild")
@click.option("--empty", is_flag=True, help="Forget everything first: smaller and quicker, but until it is done not "
              "every ticket is found.")  # fmt: skip
@as_json
def search_rebuild(*, empty: bool, as_json: bool) -> None:
    """Make what tickets are found by anew, newest first. A server may run meanwhile; safe to cut off and repeat."""
    done = run(lambda database: _rebuild(database, empty=empty))
    emit({"tickets": done}) if as_json else click.echo(f"{done} tickets can be found.")


async def _rebuild(database: Database, *, empty: bool) -> int:
    async with database.transaction() as tx:
        start = await searching.start_rebuild(tx, OPERATOR, empty=empty)
    done, below = 0, None
    with Progress(
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task("Reading tickets", total=start.tickets)
        while True:
            async with database.transaction() as tx:
                made, below = await searching.rebuild_batch(tx, OPERATOR, below=below, limit=_AT_ONCE)
            done += made
            progress.update(task, completed=done, total=max(done, start.tickets))
            if below is None:
                break
    after: int | None = 0
    while after is not None:
        async with database.transaction() as tx:
            after = await searching.remove_orphans(tx, OPERATOR, after=after, limit=_MOST)
    async with database.transaction() as tx:
        await searching.finish_rebuild(tx, OPERATOR, start)
    return done


def _row(one: TicketView) -> tuple[object, ...]:
    ticket = one.ticket
    return (
        ticket_number(ticket.number),
        ticket.status,
        ticket.priority,
        one.company.code,
        ticket.service_id,
        ticket.created_at,
        ticket.title,
    )


def _described(one: TicketView) -> dict[str, object]:
    ticket = one.ticket
    return {
        "number": ticket_number(ticket.number),
        "company": {"code": one.company.code, "name": one.company.name},
        "title": ticket.title,
        "status": ticket.status,
        "priority": ticket.priority,
        "severity": ticket.severity,
        "issueType": ticket.issue_type,
        "service": {"id": ticket.service_id, "type": ticket.service_type, "label": ticket.service_label},
        "queue": one.queue_name,
        "assignee": one.assignee_name,
        "tags": one.ticket.tags,
        "createdAt": ticket.created_at,
        "updatedAt": ticket.updated_at,
    }
