"""Commands for macros."""

from collections.abc import Callable
from typing import Any

import click
from msgspec.structs import replace

from clearline.catalogue.assessment import Priority
from clearline.cli.context import current_settings, transact
from clearline.cli.fields.values import field_option, given_fields
from clearline.cli.output import json_option, limit_option, print_json, show, show_done, show_list
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.cli.tickets.progress import facts_of, progress_options, taken
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.tickets import access
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import TRANSITIONS
from clearline.wires.house.workspace.mapping import macro_out, macro_use_out
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroReminder, MacroUse

_STATUSES = [status.value for status in Status if any(status in moves for moves in TRANSITIONS.values())]
_NONE = "none"


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set what a macro does."""
    for option in (
        progress_options,
        field_option,
        click.option(
            "--remind-answer/--no-remind-answer", default=None, help="Whether an answer of the customer removes it."
        ),
        click.option("--remind-reason", metavar="TEXT", help="Why the ticket comes back, for the provider's people."),
        click.option(
            "--remind-in",
            metavar="WAIT",
            help='Reminder, from the use of the macro on: 90m, 4h, 2d, "tomorrow 09:00", "next working day 09:00", '
            '"3d 09:00", in the time zone of who uses it; none for none.',
        ),
        click.option("--tag", "tags", multiple=True, help="Tag to add to the ticket; repeat for several."),
        click.option(
            "--priority",
            type=click.Choice([*(priority.value for priority in Priority), _NONE]),
            help="New priority of the ticket; none leaves it.",
        ),
        click.option("--queue", metavar="NAME", help="New queue of the ticket; none leaves it."),
        click.option(
            "--status", type=click.Choice([*_STATUSES, _NONE]), help="New status of the ticket; none leaves it."
        ),
        click.option("--internal/--public", default=None, help="Who may read the note; by default public."),
        click.option("--text", help="Text of the note, with placeholders such as {{contact.name}}; empty for no note."),
    ):
        command = option(command)
    return command


@click.group()
def macro() -> None:
    """Manage macros: saved replies, and what else they do to a ticket."""


@macro.command("add")
@click.argument("name")
@_value_options
@json_option
def macro_add(name: str, *, as_json: bool, **options: Any) -> None:
    """Add a macro.

    Placeholders: {{ticket.number}} {{ticket.title}} {{service.id}} {{service.label}} {{contact.name}}
    {{company.name}} {{agent.name}}.
    """

    async def work(tx: Tx) -> Macro:
        return await macros.add_macro(tx, OPERATOR, {"name": name, **await _values(tx, options)}, now=now())

    added = transact(work)
    show(macro_out(added), f"Macro {added.name} added.", as_json=as_json)


async def _values(tx: Tx, options: dict[str, Any], present: MacroReminder | None = None) -> dict[str, Any]:
    """Return the fields of a macro that the options set; ``present`` is the reminder that it has."""
    values: dict[str, Any] = {}
    if options["text"] is not None:
        values["text"] = options["text"]
    if options["internal"] is not None:
        values["visibility"] = Visibility.INTERNAL if options["internal"] else Visibility.PUBLIC
    if (status := options["status"]) is not None:
        values["status"] = None if status == _NONE else Status(status)
    if (priority := options["priority"]) is not None:
        values["priority"] = None if priority == _NONE else Priority(priority)
    if (queue := options["queue"]) is not None:
        values["queue_id"] = None if queue == _NONE else (await queues.queue_named(tx, OPERATOR, queue)).id
    if options["tags"]:
        values["add_tags"] = options["tags"]
    values |= given_fields(options["fields"])
    values |= _reminder(options, present)
    facts = facts_of(taken(options))
    given = {name: value for name in facts.__struct_fields__ if (value := getattr(facts, name)) is not None}
    return {**values, "facts": given} if given else values


def _reminder(options: dict[str, Any], present: MacroReminder | None) -> dict[str, Any]:
    """Return the reminder that the options set, with what they leave of the present one.

    Raises:
        click.UsageError: there is a reason and no moment.
    """
    wait = options["remind_in"]
    rest = {"reason": options["remind_reason"], "cancelled_by_answer": options["remind_answer"]}
    given = {name: value for name, value in rest.items() if value is not None}
    if wait == _NONE:
        return {"reminder": None}
    if wait is None and not given:
        return {}
    if wait is not None:
        given["wait"] = wait
    elif present is None:
        raise click.UsageError("--remind-reason and --remind-answer need --remind-in.")
    return {"reminder": replace(present or MacroReminder(""), **given)}


@macro.command("list")
@limit_option
@json_option
def macro_list(limit: int, *, as_json: bool) -> None:
    """List macros by name."""
    show_list(
        transact(lambda tx: macros.list_macros(tx, OPERATOR, after=None, limit=limit + 1)),
        macro_out,
        ("NAME", "NOTE", "STATUS", "PRIORITY", "TAGS", "TEXT"),
        lambda macro: (
            macro.name,
            macro.visibility,
            macro.status,
            macro.priority,
            " ".join(macro.add_tags) or None,
            _first_line(macro.text),
        ),
        noun="macros",
        as_json=as_json,
        limit=limit,
    )


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0][:60]


@macro.command("change")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="New name.")
@click.option("--no-tags", is_flag=True, help="Add no tags to the ticket.")
@click.option("--no-fields", is_flag=True, help="Set no own fields of the ticket.")
@_value_options
@json_option
def macro_change(
    name: str, new_name: str | None, *, no_tags: bool, no_fields: bool, as_json: bool, **options: Any
) -> None:
    """Change a macro. Options that are not given change nothing."""

    async def work(tx: Tx) -> tuple[Macro, Macro]:
        macro = await macros.macro_named(tx, OPERATOR, name)
        values = await _values(tx, options, macro.reminder)
        if new_name is not None:
            values["name"] = new_name
        if no_tags:
            values["add_tags"] = ()
        if no_fields:
            values["fields"] = {}
        return macro, await macros.change_macro(tx, OPERATOR, macro.id, values, now=now())

    before, after = map(macro_out, transact(work))
    show(after, change_text(f"Macro {after.name}", before, after), as_json=as_json)


@macro.command("apply")
@click.argument("name")
@click.argument("number", type=TICKET)
@click.option("--dry-run", is_flag=True, help="Print what the macro would write, and do nothing.")
@json_option
def macro_apply(name: str, number: str, *, dry_run: bool, as_json: bool) -> None:
    """Apply a macro to a ticket. When a part of it is refused, nothing is changed."""

    async def work(tx: Tx) -> MacroUse:
        ticket = access.parse_number(number)
        macro = await macros.macro_named(tx, OPERATOR, name)
        if dry_run:
            return await macros.preview(tx, OPERATOR, ticket, macro.id)
        notes_max = current_settings().ticket_notes_max
        return await macros.apply_macro(tx, OPERATOR, ticket, macro.id, notes_max=notes_max, now=now())

    used = transact(work)
    if as_json:
        print_json(macro_use_out(used, OPERATOR))
        return
    if used.text:
        echo(f"{used.text}\n")
    echo("Nothing was changed." if dry_run else f"Macro applied; {number} is {used.ticket.ticket.status}.")


@macro.command("delete")
@click.argument("name")
@yes_option
@json_option
def macro_delete(name: str, *, yes: bool, as_json: bool) -> None:
    """Delete a macro. Tickets that it was applied to stay as they are."""
    confirm(f"Delete macro {name}?", yes=yes)

    async def work(tx: Tx) -> str:
        macro = await macros.macro_named(tx, OPERATOR, name)
        await macros.delete_macro(tx, OPERATOR, macro.id, now=now())
        return macro.name

    deleted = transact(work)
    show_done(f"Macro {deleted} deleted.", as_json=as_json)
