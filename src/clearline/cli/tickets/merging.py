"""Commands that merge and split tickets. Part of ``clearline ticket``."""

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, show
from clearline.cli.parameters.numbers import NOTE, TICKET
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import Channel, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import parse_worklog_id
from clearline.wires.house.tickets.mapping import ticket_out

_reason_option = click.option("--reason", default="", help="Reason, for the history.")


@click.command("merge")
@click.argument("number", type=TICKET)
@click.argument("into", type=TICKET)
@_reason_option
@json_option
def ticket_merge(number: str, into: str, reason: str, *, as_json: bool) -> None:
    """Merge a ticket into another of the same company, and close it."""

    async def work(tx: Tx) -> TicketView:
        source, target = access.parse_number(number), access.parse_number(into)
        return await merging.merge_ticket(tx, OPERATOR, source, target, reason=reason, now=now())

    merged = transact(work)
    show(ticket_out(merged, OPERATOR), f"{number} merged into {into} and closed.", as_json=as_json)


@click.command("unmerge")
@click.argument("number", type=TICKET)
@_reason_option
@json_option
def ticket_unmerge(number: str, reason: str, *, as_json: bool) -> None:
    """Undo a merge, and restore the status that the ticket had before."""

    async def work(tx: Tx) -> TicketView:
        return await merging.unmerge_ticket(tx, OPERATOR, access.parse_number(number), reason=reason, now=now())

    unmerged = transact(work)
    text = f"Merge of {number} undone; its status is {unmerged.ticket.status}."
    show(ticket_out(unmerged, OPERATOR), text, as_json=as_json)


@click.command("split")
@click.argument("number", type=TICKET)
@click.option("--title", required=True, help="Title of the new ticket.")
@click.option("--description", required=True, help="Description of the new ticket.")
@click.option("--note", "notes", type=NOTE, multiple=True, metavar="WLG...", help="Note to copy; repeat for several.")
@json_option
def ticket_split(number: str, title: str, description: str, notes: tuple[str, ...], *, as_json: bool) -> None:
    """Create a ticket from a part of another, with the same company, service and contact."""

    async def work(tx: Tx) -> TicketView:
        return await merging.split_ticket(
            tx,
            OPERATOR,
            access.parse_number(number),
            title=title,
            description=description,
            notes=tuple(map(_note_number, notes)),
            channel=Channel.CONSOLE,
            now=now(),
        )

    created = transact(work)
    text = f"{ticket_number(created.ticket.number)} split off from {number}."
    show(ticket_out(created, OPERATOR), text, as_json=as_json)


def _note_number(text: str) -> int:
    number = parse_worklog_id(text)
    if number is None:
        raise NotFound("note", text)
    return number
