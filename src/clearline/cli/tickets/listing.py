"""The command that lists tickets. Part of ``clearline ticket``."""

from typing import Any

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, show_list
from clearline.cli.parameters.orders import Sort
from clearline.cli.tickets.filters import filter_of, filter_options
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView, ticket_number
from clearline.wires.house.tickets.mapping import summary_mapper


@click.command("list")
@filter_options()
@click.option("--closed", is_flag=True, help="Finished tickets instead of open ones.")
@click.option(
    "--sort",
    type=Sort(),
    default="-number",
    show_default=True,
    help="Order; a minus reverses it. By priority, the critical tickets come first. field.KEY is an own field.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Print at most this many."
)
@json_option
def ticket_list(limit: int, sort: str, *, closed: bool, as_json: bool, **options: Any) -> None:
    """List open tickets, newest first."""

    async def work(tx: Tx) -> list[TicketView]:
        order, newest_first = await ticket_lists.order_named(tx, OPERATOR, sort)
        return await ticket_lists.list_many_tickets(
            tx,
            OPERATOR,
            await filter_of(tx, "finished" if closed else "open", options),
            limit=limit + 1,
            newest_first=newest_first,
            order=order,
        )

    show_list(
        transact(work),
        summary_mapper(OPERATOR),
        ("NUMBER", "STATUS", "PRIORITY", "QUEUE", "ASSIGNEE", "SERVICE", "CREATED", "TITLE"),
        lambda view: (
            ticket_number(view.ticket.number),
            view.ticket.status,
            view.ticket.priority,
            view.queue_name,
            view.assignee_name,
            view.ticket.service_id,
            view.ticket.created_at,
            view.ticket.title,
        ),
        noun="tickets",
        as_json=as_json,
        limit=limit,
    )
