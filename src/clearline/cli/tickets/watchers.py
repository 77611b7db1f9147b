"""Commands for the watchers of tickets. Part of ``clearline ticket``."""

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.parameters.numbers import TICKET
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import Watcher
from clearline.wires.house.tickets.links.mapping import watcher_out

_user_option = click.option(
    "--user", "email", required=True, metavar="EMAIL", help="User of the ticket's company, or of the provider."
)


@click.command("watch")
@click.argument("number", type=TICKET)
@_user_option
@json_option
def ticket_watch(number: str, email: str, *, as_json: bool) -> None:
    """Add a watcher to a ticket."""

    async def work(tx: Tx) -> Watcher:
        return await watchers.watch(tx, OPERATOR, access.parse_number(number), email, now=now())

    watcher = transact(work)
    show(watcher_out(watcher), f"{watcher.user.name} watches {number}.", as_json=as_json)


@click.command("unwatch")
@click.argument("number", type=TICKET)
@_user_option
@json_option
def ticket_unwatch(number: str, email: str, *, as_json: bool) -> None:
    """Remove a watcher from a ticket."""

    async def work(tx: Tx) -> bool:
        return await watchers.unwatch(tx, OPERATOR, access.parse_number(number), email, now=now())

    removed = transact(work)
    show_done(f"{email} {'no longer watches' if removed else 'did not watch'} {number}.", as_json=as_json)


@click.command("watchers")
@click.argument("number", type=TICKET)
@limit_option
@json_option
def ticket_watchers(number: str, limit: int, *, as_json: bool) -> None:
    """List the watchers of a ticket."""

    async def work(tx: Tx) -> list[Watcher]:
        return await watchers.list_watchers(tx, OPERATOR, access.parse_number(number), after=None, limit=limit + 1)

    show_list(
        transact(work),
        watcher_out,
        ("NAME", "EMAIL", "SINCE"),
        lambda watcher: (watcher.user.name, watcher.user.email, watcher.since),
        noun="watchers",
        as_json=as_json,
        limit=limit,
    )
