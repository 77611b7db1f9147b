"""What ties tickets together: links, merges, splits, and who follows them. Part of ``clearline ticket``."""

from uuid import UUID

import click

from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import Channel, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import BY_HAND, LinkedTicket, LinkType, Watcher
from clearline.tickets.note_domain import parse_worklog_id

_reason = click.option("--reason", default="", help="Why, for the history.")
_user = click.option(
    "--user", "email", required=True, metavar="EMAIL", help="A user of the company, or of the provider."
)


@click.command("link")
@click.argument("number")
@click.argument("kind", metavar="TYPE", type=click.Choice([one.value for one in BY_HAND]))
@click.argument("other")
@as_json
def link_ticket(number: str, kind: str, other: str, *, as_json: bool) -> None:
    """Link a ticket to another: NUMBER is what TYPE says to OTHER."""

    async def work(tx: Tx) -> LinkedTicket:
        here, there = access.check_number(number), access.check_number(other)
        return await links.add_link(tx, OPERATOR, here, LinkType(kind), there, now=now())

    made = within(work)
    emit(_described_link(made)) if as_json else click.echo(f"{number} {made.link.type} {other}: link {made.link.id}.")


@click.command("links")
@click.argument("number")
@limit_option
@as_json
def list_links(number: str, limit: int, *, as_json: bool) -> None:
    """The links of a ticket."""

    async def work(tx: Tx) -> list[LinkedTicket]:
        return await links.list_links(tx, OPERATOR, access.check_number(number), after=None, limit=limit)

    found = within(work)
    if as_json:
        emit([_described_link(one) for one in found])
        return
    rows = [(one.link.id, one.link.type, ticket_number(one.link.other_number), one.status, one.title) for one in found]
    table(("ID", "TYPE", "TICKET", "STATUS", "TITLE"), rows)


@click.command("unlink")
@click.argument("number")
@click.argument("link_id", metavar="ID", type=click.UUID)
@as_json
def unlink_ticket(number: str, link_id: UUID, *, as_json: bool) -> None:
    """Take a link away, at both ends."""

    async def work(tx: Tx) -> None:
        await links.remove_link(tx, OPERATOR, access.check_number(number), link_id, now=now())

    within(work)
    emit({"id": link_id, "deleted": True}) if as_json else click.echo(f"Link {link_id} taken away.")


@click.command("merge")
@click.argument("number")
@click.argument("into")
@_reason
@as_json
def merge_ticket(number: str, into: str, reason: str, *, as_json: bool) -> None:
    """Merge a ticket into another of the same company, and close it."""

    async def work(tx: Tx) -> TicketView:
        here, there = access.check_number(number), access.check_number(into)
        return await merging.merge_ticket(tx, OPERATOR, here, there, reason=reason, now=now())

    merged = within(work)
    emit(_described(merged)) if as_json else click.echo(f"{number} was merged into {into} and is closed.")


@click.command("unmerge")
@click.argument("number")
@_reason
@as_json
def unmerge_ticket(number: str, reason: str, *, as_json: bool) -> None:
    """Undo a merge: the ticket gets the status back that it had before."""

    async def work(tx: Tx) -> TicketView:
        return await merging.unmerge_ticket(tx, OPERATOR, access.check_number(number), reason=reason, now=now())

    back = within(work)
    emit(_described(back)) if as_json else click.echo(f"{number} is {back.ticket.status} again.")


@click.command("split")
@click.argument("number")
@click.option("--title", required=True, help="The new ticket's title.")
@click.option("--description", required=True, help="The new ticket's description.")
@click.option("--note", "notes", multiple=True, metavar="WLG...", help="A note to copy; may be given again.")
@as_json
def split_ticket(number: str, title: str, description: str, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Make a new ticket of a part of another, for the same company, service and contact."""

    async def work(tx: Tx) -> TicketView:
        return await merging.split_ticket(
            tx,
            OPERATOR,
            access.check_number(number),
            title=title,
            description=description,
            notes=tuple(_note_number(one) for one in notes),
            channel=Channel.CONSOLE,
            now=now(),
        )

    made = within(work)
    new = ticket_number(made.ticket.number)
    emit(_described(made)) if as_json else click.echo(f"{new} was split off from {number}.")


def _note_number(text: str) -> int:
    number = parse_worklog_id(text)
    if number is None:
        raise NotFound("note", text)
    return number


@click.command("watch")
@click.argument("number")
@_user
@as_json
def watch_ticket(number: str, email: str, *, as_json: bool) -> None:
    """Have a user follow a ticket."""

    async def work(tx: Tx) -> Watcher:
        return await watchers.watch(tx, OPERATOR, access.check_number(number), email, now=now())

    found = within(work)
    emit(_described_watcher(found)) if as_json else click.echo(f"{found.user.name} follows {number}.")


@click.command("unwatch")
@click.argument("number")
@_user
@as_json
def unwatch_ticket(number: str, email: str, *, as_json: bool) -> None:
    """Have a user follow a ticket no more."""

    async def work(tx: Tx) -> bool:
        return await watchers.unwatch(tx, OPERATOR, access.check_number(number), email, now=now())

    stopped = within(work)
    if as_json:
        emit({"stopped": stopped})
    else:
        click.echo(f"{email} follows {number} no more." if stopped else f"{email} did not follow {number}.")


@click.command("watchers")
@click.argument("number")
@limit_option
@as_json
def list_watchers(number: str, limit: int, *, as_json: bool) -> None:
    """Who follows a ticket."""

    async def work(tx: Tx) -> list[Watcher]:
        return await watchers.list_watchers(tx, OPERATOR, access.check_number(number), after=None, limit=limit)

    found = within(work)
    if as_json:
        emit([_described_watcher(one) for one in found])
        return
    table(("NAME", "EMAIL", "SINCE"), [(one.user.name, one.user.email, one.since) for one in found])


def _described(one: TicketView) -> dict[str, object]:
    return {
        "number": ticket_number(one.ticket.number),
        "title": one.ticket.title,
        "status": one.ticket.status,
        "mergedInto": None if one.merged_into is None else ticket_number(one.merged_into),
        "version": one.ticket.version,
    }


def _described_link(one: LinkedTicket) -> dict[str, object]:
    return {
        "id": one.link.id,
        "type": one.link.type,
        "ticket": ticket_number(one.link.other_number),
        "title": one.title,
        "status": one.status,
        "createdAt": one.link.created_at,
    }


def _described_watcher(one: Watcher) -> dict[str, object]:
    return {"id": one.user.id, "name": one.user.name, "email": one.user.email, "since": one.since}
