"""Commands that link tickets. Part of ``clearline ticket``."""

from uuid import UUID

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.parameters.numbers import TICKET
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.tickets.links import usecases as links
from clearline.tickets.links.domain import MANUAL_LINK_TYPES, LinkedTicket, LinkType
from clearline.wires.house.tickets.links.mapping import link_out

_MOST = 10_000
"""More links than a ticket can have."""


@click.command("link")
@click.argument("number", type=TICKET)
@click.argument("kind", metavar="TYPE", type=click.Choice([link_type.value for link_type in MANUAL_LINK_TYPES]))
@click.argument("other", type=TICKET)
@json_option
def ticket_link(number: str, kind: str, other: str, *, as_json: bool) -> None:
    """Link ticket NUMBER to ticket OTHER. TYPE says what NUMBER is to OTHER."""

    async def work(tx: Tx) -> LinkedTicket:
        ticket, other_ticket = access.parse_number(number), access.parse_number(other)
        return await links.add_link(tx, OPERATOR, ticket, LinkType(kind), other_ticket, now=now())

    linked = transact(work)
    show(link_out(linked), f"{number} {linked.link.type} {other}: link {linked.link.id} added.", as_json=as_json)


@click.command("links")
@click.argument("number", type=TICKET)
@limit_option
@json_option
def ticket_links(number: str, limit: int, *, as_json: bool) -> None:
    """List the links of a ticket and of the tickets merged into it, oldest first."""

    async def work(tx: Tx) -> list[LinkedTicket]:
        return await links.list_links(tx, OPERATOR, access.parse_number(number), after=None, limit=limit + 1)

    show_list(
        transact(work),
        link_out,
        ("ID", "TYPE", "TICKET", "STATUS", "TITLE", "MERGED FROM"),
        lambda linked: (
            linked.link.id,
            linked.link.type,
            ticket_number(linked.link.other_number),
            linked.status,
            linked.title,
            None if linked.merged_from is None else ticket_number(linked.merged_from),
        ),
        noun="links",
        as_json=as_json,
        limit=limit,
    )


@click.command("unlink")
@click.argument("number", type=TICKET)
@click.argument("link_id", metavar="ID", type=ID)
@json_option
def ticket_unlink(number: str, link_id: str, *, as_json: bool) -> None:
    """Remove a link from both tickets."""

    async def work(tx: Tx) -> UUID:
        ticket = access.parse_number(number)

        async def ids() -> list[UUID]:
            return [linked.link.id for linked in await links.list_links(tx, OPERATOR, ticket, after=None, limit=_MOST)]

        known = await resolve_among(link_id, "link", ids)
        await links.remove_link(tx, OPERATOR, ticket, known, now=now())
        return known

    removed = transact(work)
    show_done(f"Link {removed} removed.", as_json=as_json)
