"""Commands for the cases of a ticket at third parties: carriers, vendors."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, show, show_done, show_list
from clearline.cli.parameters.ids import resolve_among
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.parameters.times import TIME
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.cases import usecases as cases
from clearline.tickets.third_parties.domain import Case, CaseKind, CaseState
from clearline.wires.house.tickets.cases.mapping import case_out

Command = TypeVar("Command", bound=Callable[..., object])
CASE_COLUMNS = ("PARTY", "NUMBER", "KIND", "STATE", "OPENED", "EXPECTED", "ID")


def case_row(case: Case) -> tuple[object, ...]:
    """Return the cells of a case in a table. A state whose expected time has passed says so."""
    state = f"{case.state}, overdue" if case.is_overdue(now()) else case.state
    return case.party, case.number or None, case.kind, state, case.opened_at, case.expected_at, str(case.id)[:8]


def _case_options(command: Command) -> Command:
    """Add the options of the values of a case, besides its party, to a command."""
    for option in (
        click.option("--notes", help="What was said, and what comes next."),
        click.option("--contact-email", metavar="EMAIL", help="E-mail address of the contact there."),
        click.option("--contact-phone", metavar="PHONE", help="Phone number of the contact there."),
        click.option("--contact-name", metavar="NAME", help="Name of the contact there."),
        click.option("--expected", "expected_at", metavar="TIME", help="When it should have finished (UTC)."),
        click.option("--opened", "opened_at", type=TIME, metavar="TIME", help="When it was opened (UTC)."),
        click.option("--state", type=click.Choice([state.value for state in CaseState]), help="State of the case."),
        click.option("--kind", type=click.Choice([kind.value for kind in CaseKind]), help="What the third party is."),
        click.option("--number", "case_number", help="Number of the case there."),
    ):
        command = option(command)
    return command


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values that options give; without a time, nothing is expected."""
    values = {name: value for name, value in options.items() if value is not None}
    if "case_number" in values:
        values["number"] = values.pop("case_number")
    if "kind" in values:
        values["kind"] = CaseKind(values["kind"])
    if "state" in values:
        values["state"] = CaseState(values["state"])
    if "expected_at" in values:
        values["expected_at"] = _time(values["expected_at"])
    return values


def _time(text: str) -> datetime | None:
    return TIME.convert(text, None, click.get_current_context()) if text else None


async def find_case(tx: Tx, number: int, text: str) -> UUID:
    """Return the id of the case of a ticket that a text names: its number there, or the beginning of its id.

    Raises:
        NotFound: there is no such ticket, or none of its cases has the number or an id that begins so.
    """
    known = await cases.list_cases(tx, OPERATOR, number)
    for case in known:
        if case.number and case.number.lower() == text.lower():
            return case.id

    async def ids() -> list[UUID]:
        return [case.id for case in known]

    return await resolve_among(text, cases.KIND, ids)


@click.group("case")
def case_group() -> None:
    """Manage the cases of tickets at carriers and vendors."""


@case_group.command("list")
@click.argument("ticket", type=TICKET)
@json_option
def case_list(ticket: str, *, as_json: bool) -> None:
    """List the cases of a ticket, that of the earliest opening first."""
    listed = transact(lambda tx: cases.list_cases(tx, OPERATOR, access.parse_number(ticket)))
    show_list(listed, case_out, CASE_COLUMNS, case_row, noun="cases", as_json=as_json)


@case_group.command("add")
@click.argument("ticket", type=TICKET)
@click.argument("party")
@_case_options
@json_option
def case_add(ticket: str, party: str, *, as_json: bool, **options: Any) -> None:
    """Add a case at the third party PARTY to a ticket; without more an open case of a carrier, opened now."""
    values = {"party": party, **_values(options)}
    case = transact(lambda tx: cases.add_case(tx, OPERATOR, access.parse_number(ticket), values, now=now()))
    show(case_out(case), f"Case {case.name} added to {ticket}. Id: {case.id}.", as_json=as_json)


@case_group.command("change")
@click.argument("ticket", type=TICKET)
@click.argument("case_text", metavar="CASE")
@click.option("--party", help="New name of the third party.")
@_case_options
@json_option
def case_change(ticket: str, case_text: str, *, as_json: bool, **options: Any) -> None:
    """Change a case of a ticket: CASE is its number, or the beginning of its id.

    Options that are not given change nothing; an empty text removes a value.
    """
    values = _values(options)

    async def work(tx: Tx) -> Case:
        number = access.parse_number(ticket)
        case_id = await find_case(tx, number, case_text)
        return await cases.change_case(tx, OPERATOR, number, case_id, values, now=now())

    case = transact(work)
    show(case_out(case), f"Case {case.name} of {ticket} changed.", as_json=as_json)


@case_group.command("remove")
@click.argument("ticket", type=TICKET)
@click.argument("case_text", metavar="CASE")
@json_option
def case_remove(ticket: str, case_text: str, *, as_json: bool) -> None:
    """Remove a case from a ticket: CASE is its number, or the beginning of its id. The history keeps what it was."""

    async def work(tx: Tx) -> Case:
        number = access.parse_number(ticket)
        return await cases.remove_case(tx, OPERATOR, number, await find_case(tx, number, case_text), now=now())

    case = transact(work)
    show_done(f"Case {case.name} removed from {ticket}.", as_json=as_json)
