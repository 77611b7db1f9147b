"""The command for the reminders of tickets. Part of ``clearline ticket``."""

import re
from datetime import datetime, timedelta

import click
from msgspec import UNSET

from clearline.cli.context import transact
from clearline.cli.output import cell, json_option, show
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.parameters.times import TIME
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import ReminderChange
from clearline.tickets import access
from clearline.tickets import change_usecases as changes
from clearline.tickets.domain import TicketView
from clearline.wires.house.tickets.mapping import ticket_out

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SPAN = re.compile("([1-9][0-9]{0,4})([mhd])")


class _Wait(click.ParamType[timedelta]):
    """Minutes, hours or days: 90m, 4h, 2d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time that a number with its unit stands for."""
        match = _SPAN.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not a time such as 90m, 4h or 2d.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


@click.command("remind")
@click.argument("number", type=TICKET)
@click.option("--at", type=TIME, metavar="TIME", help="The moment (UTC).")
@click.option("--in", "wait", type=_Wait(), metavar="SPAN", help="The moment from now on: 90m, 4h, 2d.")
@click.option("--reason", help="Why the ticket comes back.")
@click.option(
    "--cancelled-by-answer/--not-cancelled-by-answer",
    default=None,
    help="Whether an answer of the customer removes it.",
)
@click.option("--clear", is_flag=True, help="Remove the reminder.")
@json_option
def ticket_remind(
    number: str,
    at: datetime | None,
    wait: timedelta | None,
    reason: str | None,
    cancelled_by_answer: bool | None,  # noqa: FBT001 - an option of three values
    *,
    clear: bool,
    as_json: bool,
) -> None:
    """Set the reminder of a ticket, change it, or remove it.

    At its moment the ticket comes back: a pending or held one is in progress again.
    """
    if [at is not None, wait is not None, clear].count(True) > 1:
        raise click.UsageError("Give only one of --at, --in and --clear.")
    moment = at if wait is None else now() + wait
    change = ReminderChange(
        UNSET if moment is None else moment,
        UNSET if reason is None else reason,
        UNSET if cancelled_by_answer is None else cancelled_by_answer,
    )

    async def work(tx: Tx) -> TicketView:
        values = {"reminder": None if clear else change}
        return await changes.change_ticket(tx, OPERATOR, access.parse_number(number), values, now=now())

    view = transact(work)
    reminder = view.ticket.reminder
    text = f"{number} has no reminder." if reminder is None else f"{number} comes back at {cell(reminder.at)}."
    show(ticket_out(view, OPERATOR), text, as_json=as_json)
