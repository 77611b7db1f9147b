"""Queues, and who gets a ticket."""

from typing import Any

import click

from clearline.accounts import usecases as accounts
from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import AUTOMATIC, Assignment
from clearline.queues.store import QueueDetails
from clearline.routing import usecases as routing
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import TicketView, ticket_number

_MODES = click.Choice([one.value for one in Assignment])


@click.group()
def queue() -> None:
    """Queues: where tickets wait, and how they find their agent."""


@queue.command("add")
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option("--team", metavar="NAME", help="Who works it.")
@click.option(
    "--assignment", type=_MODES, default="manual", show_default=True, help="How its tickets find their agent."
)
@as_json
def queue_add(name: str, description: str, team: str | None, assignment: str, *, as_json: bool) -> None:
    """Make a queue."""

    async def work(tx: Tx) -> QueueDetails:
        found = None if team is None else await teams.team_named(tx, OPERATOR, team)
        return await queues.add_queue(
            tx,
            OPERATOR,
            name=name,
            description=description,
            team_id=None if found is None else found.team.id,
            assignment=Assignment(assignment),
            now=now(),
        )

    added = within(work)
    emit(_described(added)) if as_json else click.echo(f"Queue {added.queue.name} added.")


@queue.command("list")
@click.option("--after", metavar="NAME", help="Go on behind this name.")
@limit_option
@as_json
def queue_list(after: str | None, limit: int, *, as_json: bool) -> None:
    """Queues by name, with how many open tickets each has."""
    found = within(lambda tx: queues.list_queues(tx, OPERATOR, after=after, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("NAME", "TEAM", "ASSIGNMENT", "OPEN", "UNASSIGNED", "DESCRIPTION"),
        [
            (one.queue.name, one.team_name, one.queue.assignment, one.open, one.unassigned, one.queue.description)
            for one in found
        ],
    )


@queue.command("change")
@click.argument("name")
@click.option("--name", "new_name", help="Another name.")
@click.option("--description", help="What it is for.")
@click.option("--team", metavar="NAME", help="Who works it.")
@click.option("--no-team", is_flag=True, help="Nobody in particular works it.")
@click.option("--assignment", type=_MODES, help="How its tickets find their agent.")
@as_json
def queue_change(
    name: str,
    new_name: str | None,
    description: str | None,
    team: str | None,
    assignment: str | None,
    *,
    no_team: bool,
    as_json: bool,
) -> None:
    """Change a queue; what is not named stays as it is."""
    if no_team and team is not None:
        raise click.UsageError("--team and --no-team exclude each other")

    async def work(tx: Tx) -> QueueDetails:
        given = {"name": new_name, "description": description, "assignment": assignment and Assignment(assignment)}
        values: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if team is not None:
            values["team_id"] = (await teams.team_named(tx, OPERATOR, team)).team.id
        if no_team:
            values["team_id"] = None
        found = await queues.queue_named(tx, OPERATOR, name)
        return await queues.change_queue(tx, OPERATOR, found.id, values, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"Queue {changed.queue.name} is as it should be.")


@queue.command("delete")
@click.argument("name")
@as_json
def queue_delete(name: str, *, as_json: bool) -> None:
    """Delete a queue that no ticket and no routing rule refers to."""

    async def work(tx: Tx) -> QueueDetails:
        found = await queues.queue_named(tx, OPERATOR, name)
        details = await queues.get_queue(tx, OPERATOR, found.id)
        await queues.delete_queue(tx, OPERATOR, found.id, now=now())
        return details

    gone = within(work)
    emit(_described(gone)) if as_json else click.echo(f"Queue {gone.queue.name} deleted.")


@click.command("assign")
@click.argument("number")
@click.option("--to", metavar="EMAIL", help="Give it to this agent.")
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@click.option(
    "--mode",
    type=click.Choice([one.value for one in AUTOMATIC]),
    help="Give it to whoever of the queue's team is next.",
)
@as_json
def ticket_assign(number: str, to: str | None, mode: str | None, *, nobody: bool, as_json: bool) -> None:
    """Give a ticket to an agent, to whoever is next, or to nobody."""
    if [to is not None, mode is not None, nobody].count(True) != 1:
        raise click.UsageError("give one of --to, --mode and --nobody")

    async def work(tx: Tx) -> TicketView:
        known = access.check_number(number)
        if mode is not None:
            return await routing.assign_by_turns(tx, OPERATOR, known, Assignment(mode), now=now())
        person = None if to is None else await accounts.get_user(tx, OPERATOR, PROVIDER_ID, to)
        return await ticket_changes.assign(tx, OPERATOR, known, None if person is None else person.id, now=now())

    tell_place(within(work), as_json=as_json)


def tell_place(found: TicketView, *, as_json: bool) -> None:
    """Print where a ticket is, and whose."""
    number, queue_name, assignee = ticket_number(found.ticket.number), found.queue_name, found.assignee_name
    if as_json:
        emit({"number": number, "queue": queue_name, "assignee": assignee})
    else:
        click.echo(f"{number} is in {queue_name or 'no queue'}, and {assignee or 'nobody'} has it.")


def _described(found: QueueDetails) -> dict[str, object]:
    return {
        "id": found.queue.id,
        "name": found.queue.name,
        "description": found.queue.description,
        "team": found.team_name,
        "assignment": found.queue.assignment,
        "openTickets": found.open,
        "unassignedTickets": found.unassigned,
        "createdAt": found.queue.created_at,
    }
