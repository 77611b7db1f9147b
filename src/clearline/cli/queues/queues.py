"""Commands for queues."""

from typing import Any

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.queues.store import QueueDetails
from clearline.wires.house.queues.mapping import queue_out, queue_summary_out

_MODES = click.Choice([mode.value for mode in Assignment])


@click.group()
def queue() -> None:
    """Manage the queues that tickets wait in."""


@queue.command("add")
@click.argument("name")
@click.option("--description", default="", help="What the queue is for.")
@click.option("--team", metavar="NAME", help="Team that works the queue.")
@click.option("--assignment", type=_MODES, default="manual", show_default=True, help="How tickets are assigned.")
@click.option("--sender-name", default="", help="Name in From of mail about its tickets; the desk's if empty.")
@click.option("--sender-address", default="", help="Address in From of that mail; the desk's if empty.")
@json_option
def queue_add(
    name: str,
    description: str,
    team: str | None,
    assignment: str,
    sender_name: str,
    sender_address: str,
    *,
    as_json: bool,
) -> None:
    """Add a queue."""

    async def work(tx: Tx) -> QueueDetails:
        details = None if team is None else await teams.team_named(tx, OPERATOR, team)
        return await queues.add_queue(
            tx,
            OPERATOR,
            name=name,
            description=description,
            team_id=None if details is None else details.team.id,
            assignment=Assignment(assignment),
            sender_name=sender_name,
            sender_address=sender_address,
            now=now(),
        )

    added = transact(work)
    show(queue_out(added), f"Queue {added.queue.name} added.", as_json=as_json)


@queue.command("list")
@click.option("--after", metavar="NAME", help="Start after this name.")
@limit_option
@json_option
def queue_list(after: str | None, limit: int, *, as_json: bool) -> None:
    """List queues by name, with the number of their open tickets.

    UNREACHABLE are those whose assignee gets no mail: inactive, a viewer, or with a suppressed address.
    """
    show_list(
        transact(lambda tx: queues.list_queues(tx, OPERATOR, after=after, limit=limit + 1)),
        queue_summary_out,
        ("NAME", "TEAM", "ASSIGNMENT", "OPEN", "UNASSIGNED", "UNREACHABLE", "DESCRIPTION"),
        lambda details: (
            details.queue.name,
            details.team_name,
            details.queue.assignment,
            details.open,
            details.unassigned,
            details.unreachable,
            details.queue.description,
        ),
        noun="queues",
        as_json=as_json,
        limit=limit,
    )


@queue.command("change")
@click.argument("name")
@click.option("--name", "new_name", help="New name.")
@click.option("--description", help="What the queue is for.")
@click.option("--team", metavar="NAME", help="Team that works the queue.")
@click.option("--no-team", is_flag=True, help="Remove the team.")
@click.option("--assignment", type=_MODES, help="How tickets are assigned.")
@click.option("--sender-name", help="Name in From of mail about its tickets; the desk's if empty.")
@click.option("--sender-address", help="Address in From of that mail; the desk's if empty.")
@json_option
def queue_change(
    name: str,
    new_name: str | None,
    description: str | None,
    team: str | None,
    assignment: str | None,
    sender_name: str | None,
    sender_address: str | None,
    *,
    no_team: bool,
    as_json: bool,
) -> None:
    """Change a queue. Options that are not given change nothing."""
    if no_team and team is not None:
        raise click.UsageError("--team and --no-team cannot be given together.")

    async def work(tx: Tx) -> tuple[QueueDetails, QueueDetails]:
        changes = {
            "name": new_name,
            "description": description,
            "assignment": assignment and Assignment(assignment),
            "sender_name": sender_name,
            "sender_address": sender_address,
        }
        values: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
        if team is not None:
            values["team_id"] = (await teams.team_named(tx, OPERATOR, team)).team.id
        if no_team:
            values["team_id"] = None
        queue = await queues.queue_named(tx, OPERATOR, name)
        before = await queues.get_queue(tx, OPERATOR, queue.id)
        return before, await queues.change_queue(tx, OPERATOR, queue.id, values, now=now())

    before, after = map(queue_out, transact(work))
    show(after, change_text(f"Queue {after.name}", before, after), as_json=as_json)


@queue.command("delete")
@click.argument("name")
@yes_option
@json_option
def queue_delete(name: str, *, yes: bool, as_json: bool) -> None:
    """Delete a queue that no ticket and no routing rule refers to."""
    confirm(f"Delete queue {name}?", yes=yes)

    async def work(tx: Tx) -> str:
        queue = await queues.queue_named(tx, OPERATOR, name)
        await queues.delete_queue(tx, OPERATOR, queue.id, now=now())
        return queue.name

    deleted = transact(work)
    show_done(f"Queue {deleted} deleted.", as_json=as_json)
