"""Commands for the search."""

import click

from clearline.cli.context import run
from clearline.cli.output import json_option, show, show_list
from clearline.cli.parameters.orders import Sort
from clearline.cli.progress import progress_bar
from clearline.cli.terminal.text import echo
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.search import index_usecases
from clearline.search import usecases as searching
from clearline.search.list_usecases import SortedCursor, SortedResult, find_sorted
from clearline.search.usecases import SearchCursor, SearchResult
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.list_usecases import order_named
from clearline.wires.house.tickets.mapping import summary_mapper

_PAGE = 200
_BATCH = 200
_LIMIT_MAX = 100_000


class _Search(click.Group):
    """A group whose arguments may be a query without a command before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``find`` before a query."""
        if args and args[0] != "--help" and args[0] not in self.commands:
            args = ["find", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Search)
def search() -> None:
    """Search tickets, and rebuild the search index.

    `clearline search QUERY` is short for `clearline search find QUERY`.
    """


@search.command("find")
@click.argument("query", nargs=-1)
@click.option(
    "--limit", type=click.IntRange(1, _LIMIT_MAX), default=50, show_default=True, help="Print at most this many."
)
@click.option("--count", is_flag=True, help="Count more than 100 matches exactly.")
@click.option(
    "--sort",
    type=Sort(),
    help="Order, of up to 2,000 matches or any list of open tickets by filters; a minus reverses it. field.KEY is an "
    "own field.",
)
@json_option
def search_find(query: tuple[str, ...], limit: int, sort: str | None, *, count: bool, as_json: bool) -> None:
    """Find tickets that match QUERY: words, "phrases", -exclusions and filters such as status:open or company:ALD001.

    Put -- before a query that begins with a minus. The number of matches is printed on standard error.
    """
    text = " ".join(query)
    result: SearchResult | SortedResult
    if sort is None:
        result, tickets = run(lambda database: find_tickets(database, text, limit, count=count))
    else:
        result, tickets = run(lambda database: _find_sorted(database, text, limit, sort))
    show_list(
        tickets,
        summary_mapper(OPERATOR),
        ("NUMBER", "STATUS", "PRIORITY", "COMPANY", "SERVICE", "CREATED", "TITLE"),
        _row,
        noun="tickets",
        as_json=as_json,
    )
    at_least = "" if result.is_exact else "at least "
    if tickets:
        echo(f"{at_least}{result.count} found, {len(tickets)} shown", err=True)


async def find_tickets(
    database: Database, query: str, limit: int, *, count: bool = False, page_size: int = _PAGE
) -> tuple[SearchResult, list[TicketView]]:
    """Return up to ``limit`` tickets that match a query, read page by page, and the last page."""
    tickets: list[TicketView] = []
    after: SearchCursor | None = None
    while True:
        async with database.transaction() as tx:
            page = min(page_size, limit - len(tickets))
            result = await searching.find_tickets(tx, OPERATOR, query, after=after, limit=page, count=count)
        tickets += result.tickets
        after = result.next
        if after is None or len(tickets) >= limit:
            return result, tickets


async def _find_sorted(database: Database, query: str, limit: int, sort: str) -> tuple[SortedResult, list[TicketView]]:
    """Return up to ``limit`` tickets that match a query, sorted, read page by page, and the last page."""
    tickets: list[TicketView] = []
    after: SortedCursor | None = None
    while True:
        async with database.transaction() as tx:
            page = min(_PAGE, limit - len(tickets))
            order, newest_first = await order_named(tx, OPERATOR, sort)
            result = await find_sorted(tx, OPERATOR, query, order, newest_first=newest_first, after=after, limit=page)
        tickets += result.tickets
        after = result.next
        if after is None or len(tickets) >= limit:
            return result, tickets


@search.command("rebuild")
@click.option("--empty", is_flag=True, help="Empty the index first: smaller and faster, but until it is rebuilt not "
              "every ticket is found.")  # fmt: skip
@json_option
def search_rebuild(*, empty: bool, as_json: bool) -> None:
    """Rebuild the search index, newest tickets first. Safe while a server runs, and to interrupt and repeat."""
    count = run(lambda database: _rebuild(database, empty=empty))
    show({"tickets": count}, f"{count} tickets indexed.", as_json=as_json)


async def _rebuild(database: Database, *, empty: bool) -> int:
    async with database.transaction() as tx:
        start = await index_usecases.start_rebuild(tx, OPERATOR, empty=empty)
    count, below = 0, None
    with progress_bar("Indexing tickets", start.tickets) as show_progress:
        while True:
            async with database.transaction() as tx:
                indexed, below = await index_usecases.rebuild_batch(tx, OPERATOR, below=below, limit=_BATCH)
            count += indexed
            show_progress(count, max(count, start.tickets))
            if below is None:
                break
    after: int | None = 0
    while after is not None:
        async with database.transaction() as tx:
            after = await index_usecases.remove_orphans(tx, OPERATOR, after=after, limit=_LIMIT_MAX)
    async with database.transaction() as tx:
        await index_usecases.finish_rebuild(tx, OPERATOR, start)
    return count


def _row(view: TicketView) -> tuple[object, ...]:
    ticket = view.ticket
    return (
        ticket_number(ticket.number),
        ticket.status,
        ticket.priority,
        view.company.code,
        ticket.service_id,
        ticket.created_at,
        ticket.title,
    )
