"""What the routing rules would do to a ticket, and having them do it again."""

from typing import Any

import click

from clearline.accounts import permissions
from clearline.cli.context import as_json, emit, table, within
from clearline.cli.queues.queues import tell_place
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.routing import usecases as routing
from clearline.routing.usecases import RoutingPreview
from clearline.tickets import access
from clearline.tickets.domain import IssueType, Priority, TicketView

ISSUE = click.Choice([one.value for one in IssueType])
SERVICE = click.Choice([one.value for one in ServiceType])
PRIORITY = click.Choice([one.value for one in Priority])
CALLED = {
    "issue_types": "issue",
    "service_types": "service",
    "company_ids": "company",
    "priorities": "priority",
    "keywords": "keyword",
    "is_active": "active",
}
"""What the command line calls the conditions of a rule."""


@click.command("test")
@click.option("--ticket", metavar="NUMBER", help="A ticket to try; the other options take the place of what it says.")
@click.option("--issue", type=ISSUE, help="The issue type; required without --ticket.")
@click.option("--service", type=SERVICE, help="The service type; required without --ticket.")
@click.option("--company", metavar="NAME", help="Whose it is; by default any company's.")
@click.option("--priority", type=PRIORITY, help="By default what a ticket of the issue type gets.")
@click.option("--title", help="The title.")
@click.option("--description", help="The description.")
@as_json
def route_test(ticket: str | None, *, as_json: bool, **said: str | None) -> None:
    """Say what would happen to a ticket now, and why. Nothing is changed."""
    if ticket is None and (said["issue"] is None or said["service"] is None):
        raise click.UsageError("give --ticket, or --issue and --service")

    async def work(tx: Tx) -> RoutingPreview:
        number = None if ticket is None else access.check_number(ticket)
        facts = await routing.facts_of(tx, OPERATOR, number, await _facts(tx, said))
        return await routing.preview(tx, OPERATOR, facts)

    _tell(within(work), as_json=as_json)


async def _facts(tx: Tx, said: dict[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {name: said[name] for name in ("title", "description") if said[name] is not None}
    for option, name, kind in (
        ("issue", "issue_type", IssueType),
        ("service", "service_type", ServiceType),
        ("priority", "priority", Priority),
    ):
        if (text := said[option]) is not None:
            values[name] = kind(text)
    if (company := said["company"]) is not None:
        values["company_id"] = (await permissions.company_named(tx, OPERATOR, company)).id
    return values


def _tell(found: RoutingPreview, *, as_json: bool) -> None:
    queue, agent = found.queue, found.choice.agent
    told: list[dict[str, object]] = [
        {
            "position": one.rule.position,
            "name": one.rule.name,
            "matched": not one.failed,
            "failed": [CALLED[name] for name in one.failed],
        }
        for one in found.results
    ]
    if as_json:
        emit(
            {
                "rules": told,
                "queue": None if queue is None else queue.name,
                "assignee": None if agent is None else agent.name,
                "why": found.choice.why,
            }
        )
        return
    rows = [
        (
            one.rule.position,
            one.rule.name,
            "matches" if not one.failed else "fails by " + ", ".join(CALLED[name] for name in one.failed),
        )
        for one in found.results
    ]
    table(("POSITION", "RULE", "VERDICT"), rows)
    click.echo(f"\nQueue: {queue.name if queue else 'none'}\nAgent: {agent.name if agent else 'none'}", nl=False)
    click.echo(f" ({found.choice.why})")


@click.command("ticket")
@click.argument("number")
@as_json
def route_ticket(number: str, *, as_json: bool) -> None:
    """Route a ticket again now, as the rules are today."""

    async def work(tx: Tx) -> TicketView:
        return await routing.route_ticket(tx, OPERATOR, access.check_number(number), now=now())

    tell_place(within(work), as_json=as_json)
