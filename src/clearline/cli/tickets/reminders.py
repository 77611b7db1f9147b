"""The command for the reminders of tickets. Part of ``clearline ticket``."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click
from msgspec import UNSET

from clearline.cli.context import transact
from clearline.cli.output import cell, json_option, show
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.parameters.times import TIME
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import ReminderChange, span_of
from clearline.tickets import access
from clearline.tickets import change_usecases as changes
from clearline.tickets.domain import TicketView
from clearline.wires.house.tickets.mapping import ticket_out


class _Wait(click.ParamType[timedelta]):
    """Minutes, hours or days: 90m, 4h, 2d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time that a number with its unit stands for."""
        wait = span_of(str(value))
        if wait is None:
            self.fail(f"{value!r} is not a time such as 90m, 4h or 2d.", param, ctx)
        return wait


Command = TypeVar("Command", bound=Callable[..., object])


def reminder_options(command: Command) -> Command:
    """Add the options of a reminder to a command."""
    for option in (
        click.option("--clear", is_flag=True, help="Remove the reminder."),
        click.option(
            "--cancelled-by-answer/--not-cancelled-by-answer",
            default=None,
            help="Whether an answer of the customer removes it.",
        ),
        click.option("--reason", help="Why the ticket comes back."),
        click.option("--in", "wait", type=_Wait(), metavar="SPAN", help="The moment from now on: 90m, 4h, 2d."),
        click.option("--at", type=TIME, metavar="TIME", help="The moment (UTC)."),
    ):
        command = option(command)
    return command


def reminder_of(options: dict[str, Any]) -> ReminderChange | None:
    """Take the options of a reminder out of those of a command; return what they set, None to remove it."""
    names = ("at", "wait", "reason", "cancelled_by_answer", "clear")
    at, wait, reason, is_cancelled, clear = (options.pop(name) for name in names)
    if [at is not None, wait is not None, clear].count(True) > 1:
        raise click.UsageError("Give only one of --at, --in and --clear.")
    moment = at if wait is None else now() + wait
    if clear:
        return None
    return ReminderChange(*(UNSET if value is None else value for value in (moment, reason, is_cancelled)))


@click.command("remind")
@click.argument("number", type=TICKET)
@reminder_options
@json_option
def ticket_remind(number: str, *, as_json: bool, **options: Any) -> None:
    """Set the reminder of a ticket, change it, or remove it.

    At its moment the ticket comes back: a pending or held one is in progress again.
    """
    change = reminder_of(options)

    async def work(tx: Tx) -> TicketView:
        return await changes.change_ticket(tx, OPERATOR, access.parse_number(number), {"reminder": change}, now=now())

    view = transact(work)
    reminder = view.ticket.reminder
    text = f"{number} has no reminder." if reminder is None else f"{number} comes back at {cell(reminder.at)}."
    show(ticket_out(view, OPERATOR), text, as_json=as_json)
