"""The command for the audit."""

from datetime import datetime
from uuid import UUID

import click

from clearline.accounts import usecases as accounts
from clearline.audit import usecases as audit_events
from clearline.cli.context import transact
from clearline.cli.event_text import details, subject
from clearline.cli.output import json_option, show_list
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.parameters.times import span_options
from clearline.events.store import Event
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.wires.house.audit.mapping import event_out


@click.command()
@span_options("events")
@click.option("--company", metavar="NAME", help="Only events of the company with this name or customer code.")
@click.option("--actor", metavar="EMAIL", help="Only events caused by this user of --company, by default the provider.")
@click.option("--type", "kind", metavar="TYPE", help="Only events of this type; a prefix ends with a dot: user.")
@click.option("--ticket", type=TICKET, metavar="NUMBER", help="Only events of this ticket.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Print at most this many.")
@json_option
def audit(
    *,
    since: datetime | None,
    until: datetime | None,
    company: str | None,
    actor: str | None,
    kind: str | None,
    ticket: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List audit events, newest first."""

    async def work(tx: Tx) -> list[Event]:
        return await audit_events.list_events(
            tx,
            OPERATOR,
            since=since,
            until=until,
            user_id=await _user_id(tx, company, actor),
            kind=kind,
            ticket=None if ticket is None else access.parse_number(ticket),
            company=company,
            limit=limit + 1,
        )

    show_list(
        transact(work),
        event_out,
        ("WHEN", "WHO", "WHAT", "ABOUT", "DETAILS"),
        lambda event: (event.at, event.actor_name, event.type, subject(event), details(event)),
        noun="events",
        as_json=as_json,
        limit=limit,
    )


async def _user_id(tx: Tx, company: str | None, email: str | None) -> UUID | None:
    if email is None:
        return None
    return (await accounts.get_user(tx, OPERATOR, company or PROVIDER_ID, email)).id
