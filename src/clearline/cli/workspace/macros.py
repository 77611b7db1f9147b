"""Replies kept for use again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.tickets import access
from clearline.tickets.domain import Priority, Status, ticket_number
from clearline.tickets.note_domain import Visibility, worklog_id
from clearline.tickets.status_domain import TRANSITIONS
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroUse

_STATUSES = [one.value for one in Status if any(one in moves for moves in TRANSITIONS.values())]
_NOTHING = "none"


def _values(command: Callable[..., None]) -> Callable[..., None]:
    """The options that both making and changing a macro take."""
    for option in (
        click.option("--tag", "tags", multiple=True, help="A tag to put on; may be given again."),
        click.option(
            "--priority",
            type=click.Choice([*(one.value for one in Priority), _NOTHING]),
            help="The priority to set; none leaves it.",
        ),
        click.option("--queue", metavar="NAME", help="The queue to move the ticket to; none leaves it."),
        click.option(
            "--status", type=click.Choice([*_STATUSES, _NOTHING]), help="The status to move to; none leaves it."
        ),
        click.option("--internal/--public", default=None, help="Who may read the note; public unless given."),
        click.option("--text", help="The note, with placeholders such as {{contact.name}}; empty for no note."),
    ):
        command = option(command)
    return command


@click.group()
def macro() -> None:
    """Replies kept for use again, with what else they do."""


@macro.command("add")
@click.argument("name")
@_values
@as_json
def macro_add(name: str, *, as_json: bool, **options: Any) -> None:
    """Keep a reply.

    Placeholders: {{ticket.number}} {{ticket.title}} {{service.id}} {{service.label}} {{contact.name}}
    {{company.name}} {{agent.name}}.
    """

    async def work(tx: Tx) -> Macro:
        return await macros.add_macro(tx, OPERATOR, {"name": name, **await _given(tx, options)}, now=now())

    made = within(work)
    emit(_described(made)) if as_json else click.echo(f"Macro {made.name} kept.")


async def _given(tx: Tx, options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a macro that the options name."""
    values: dict[str, Any] = {}
    if options["text"] is not None:
        values["text"] = options["text"]
    if options["internal"] is not None:
        values["visibility"] = Visibility.INTERNAL if options["internal"] else Visibility.PUBLIC
    if (status := options["status"]) is not None:
        values["status"] = None if status == _NOTHING else Status(status)
    if (priority := options["priority"]) is not None:
        values["priority"] = None if priority == _NOTHING else Priority(priority)
    if (queue := options["queue"]) is not None:
        values["queue_id"] = None if queue == _NOTHING else (await queues.queue_named(tx, OPERATOR, queue)).id
    if options["tags"]:
        values["add_tags"] = options["tags"]
    return values


@macro.command("list")
@limit_option
@as_json
def macro_list(limit: int, *, as_json: bool) -> None:
    """Every macro, by name."""
    found = within(lambda tx: macros.list_macros(tx, OPERATOR, after=None, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("NAME", "NOTE", "STATUS", "PRIORITY", "TAGS", "TEXT"),
        [
            (one.name, one.visibility, one.status, one.priority, " ".join(one.add_tags) or None, _first_line(one.text))
            for one in found
        ],
    )


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0][:60]


@macro.command("change")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="What to call it from now on.")
@click.option("--no-tags", is_flag=True, help="It puts no tags on any more.")
@_values
@as_json
def macro_change(name: str, new_name: str | None, *, no_tags: bool, as_json: bool, **options: Any) -> None:
    """Change a macro: what is not named stays."""

    async def work(tx: Tx) -> Macro:
        found = await macros.macro_named(tx, OPERATOR, name)
        values = await _given(tx, options)
        if new_name is not None:
            values["name"] = new_name
        if no_tags:
            values["add_tags"] = ()
        return await macros.change_macro(tx, OPERATOR, found.id, values, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"Macro {changed.name} is as you said.")


@macro.command("apply")
@click.argument("name")
@click.argument("number")
@click.option("--dry-run", is_flag=True, help="Say what it would write, and do nothing.")
@as_json
def macro_apply(name: str, number: str, *, dry_run: bool, as_json: bool) -> None:
    """Use a macro on a ticket: all that it says or, when any part is refused, nothing."""

    async def work(tx: Tx) -> MacroUse:
        known = access.check_number(number)
        found = await macros.macro_named(tx, OPERATOR, name)
        if dry_run:
            return await macros.preview(tx, OPERATOR, known, found.id)
        return await macros.apply_macro(tx, OPERATOR, known, found.id, now=now())

    used = within(work)
    if as_json:
        note = None if used.note_number is None else worklog_id(used.note_number)
        ticket = {"number": ticket_number(used.ticket.ticket.number), "status": used.ticket.ticket.status}
        emit({"macro": used.macro.name, "text": used.text, "note": note, "ticket": ticket, "applied": not dry_run})
        return
    if used.text:
        click.echo(f"{used.text}\n")
    click.echo("Nothing was done." if dry_run else f"{number} is {used.ticket.ticket.status}.")


@macro.command("delete")
@click.argument("name")
@as_json
def macro_delete(name: str, *, as_json: bool) -> None:
    """Forget a macro; what it did stays."""

    async def work(tx: Tx) -> UUID:
        found = await macros.macro_named(tx, OPERATOR, name)
        await macros.delete_macro(tx, OPERATOR, found.id, now=now())
        return found.id

    gone = within(work)
    emit({"id": gone, "deleted": True}) if as_json else click.echo(f"Macro {name} deleted.")


def _described(one: Macro) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "text": one.text,
        "visibility": one.visibility,
        "status": one.status,
        "queueId": one.queue_id,
        "priority": one.priority,
        "addTags": one.add_tags,
    }
