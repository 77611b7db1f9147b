"""Commands that change many tickets at once."""

import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, get_args

import click
from msgspec import UNSET

from clearline.accounts import usecases as accounts
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import (
    Action,
    AddNote,
    ApplyMatrix,
    Assign,
    ChangeStatus,
    ChangeTags,
    ChangeValues,
    Job,
    UseMacro,
)
from clearline.catalogue.assessment import Priority, Severity
from clearline.cli.bulk.execution import dry_run_option, execute
from clearline.cli.context import current_settings
from clearline.cli.fields.values import field_option, field_values
from clearline.cli.output import json_option
from clearline.cli.parameters.files import TEXT_FILE, read_text
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.tickets.filters import filter_of, filter_options, has_filter
from clearline.cli.tickets.progress import facts_of, progress_options, taken
from clearline.cli.tickets.reminders import reminder_of, reminder_options
from clearline.clock import now
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.tables import NotATable, cell_text, read_table
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import State
from clearline.workspace import macro_usecases as macros

_NOBODY = "nobody"
_NONE = "none"
_HEADING = "number"

_tickets_argument = click.argument("tickets", type=TICKET, nargs=-1, metavar="[NUMBER]...")
_from_option = click.option(
    "--from",
    "file",
    type=TEXT_FILE,
    help="File (- for standard input) with a ticket number per line, or a table with a column number.",
)
_state_option = click.option(
    "--state",
    type=click.Choice(get_args(State)),
    help="Only open, finished or all tickets. Default: the state of --status, or open.",
)
Command = TypeVar("Command", bound=Callable[..., object])


def _selection(*, current: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Return a decorator that adds what selects the tickets: numbers, a file or filters. See ``filter_options``."""

    def add(command: Command) -> Command:
        command = _state_option(filter_options(current=current)(command))
        return _tickets_argument(_from_option(command))

    return add


@click.group()
def bulk() -> None:
    """Change many tickets at once: those with the given numbers, or those that match filters.

    Each ticket is changed by itself. Refused tickets are named with the reason, and make the exit status 1.
    """


@bulk.command("status")
@click.argument("status", type=click.Choice([status.value for status in Status]))
@_selection()
@click.option("--reason", default="", help="Reason, for the history.")
@progress_options
@dry_run_option
@json_option
def bulk_status(status: str, reason: str, **selection: Any) -> None:
    """Move tickets to another status."""
    facts = facts_of(taken(selection))
    _execute(_constant(ChangeStatus(Status(status), reason, facts)), **selection)


@bulk.command("assign")
@click.argument("to", metavar="EMAIL|nobody")
@_selection()
@dry_run_option
@json_option
def bulk_assign(to: str, **selection: Any) -> None:
    """Assign tickets to an agent, or to nobody."""

    async def action(tx: Tx) -> Action:
        return Assign(None if to == _NOBODY else (await accounts.get_user(tx, OPERATOR, PROVIDER_ID, to)).id)

    _execute(action, **selection)


@bulk.command("change")
@_selection(current=("--queue", "--priority", "--severity"))
@click.option("--priority", "new_priority", type=click.Choice([*map(str, Priority)]), help="New priority.")
@click.option("--severity", "new_severity", type=click.Choice([*map(str, Severity)]), help="New severity.")
@click.option("--queue", "new_queue", help="New queue; none removes the tickets from their queues.")
@field_option
@dry_run_option
@json_option
def bulk_change(
    new_priority: str | None,
    new_severity: str | None,
    new_queue: str | None,
    fields: tuple[str, ...],
    **selection: Any,
) -> None:
    """Change values of tickets. Options that are not given change nothing."""

    async def action(tx: Tx) -> Action:
        is_none = new_queue in {None, _NONE}
        queue_id = None if is_none else (await queues.queue_named(tx, OPERATOR, str(new_queue))).id
        return ChangeValues(
            UNSET if new_priority is None else Priority(new_priority),
            UNSET if new_severity is None else Severity(new_severity),
            UNSET if new_queue is None else queue_id,
            fields=field_values(fields) if fields else UNSET,
        )

    _execute(action, **selection)


@bulk.command("remind")
@_selection()
@reminder_options
@dry_run_option
@json_option
def bulk_remind(**options: Any) -> None:
    """Set the reminders of tickets, change them, or remove them."""
    change = reminder_of(options)
    _execute(_constant(ChangeValues(reminder=change)), **options)


@bulk.command("tag")
@_selection()
@click.option("--add", multiple=True, metavar="TAG", help="Tag to add; repeat for several.")
@click.option("--remove", multiple=True, metavar="TAG", help="Tag to remove; repeat for several.")
@dry_run_option
@json_option
def bulk_tag(add: tuple[str, ...], remove: tuple[str, ...], **selection: Any) -> None:
    """Add tags to tickets, and remove tags."""
    _execute(_constant(ChangeTags(add, remove)), **selection)


@bulk.command("note")
@click.argument("text")
@_selection()
@click.option("--internal", is_flag=True, help="Show the note to the provider's people only.")
@dry_run_option
@json_option
def bulk_note(text: str, *, internal: bool, **selection: Any) -> None:
    """Add the same note to tickets."""
    _execute(_constant(AddNote(text, Visibility.INTERNAL if internal else Visibility.PUBLIC)), **selection)


@bulk.command("macro")
@click.argument("name")
@_selection()
@dry_run_option
@json_option
def bulk_macro(name: str, **selection: Any) -> None:
    """Use a macro on tickets: its text is added to each, and its values and status are set."""

    async def action(tx: Tx) -> Action:
        return UseMacro((await macros.macro_named(tx, OPERATOR, name)).id)

    _execute(action, **selection)


@bulk.command("priority-matrix")
@_selection()
@dry_run_option
@json_option
def bulk_matrix(**selection: Any) -> None:
    """Give tickets the priority and severity that the priority matrix says."""
    _execute(_constant(ApplyMatrix()), **selection)


def _constant(action: Action) -> Callable[[Tx], Coroutine[Any, Any, Action]]:
    async def constant(_tx: Tx) -> Action:
        return action

    return constant


def _execute(
    action: Callable[[Tx], Coroutine[Any, Any, Action]],
    *,
    tickets: Sequence[str],
    file: str | None,
    state: State | None,
    dry_run: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    is_filtered = state is not None or has_filter(filters)
    if is_filtered and (tickets or file):
        raise click.UsageError("Give ticket numbers, or filters, but not both.")
    numbers = [*tickets, *_numbers(file)]
    if not (numbers or is_filtered):
        raise click.UsageError("Give ticket numbers, a file of them with --from, or filters such as --company.")

    async def create(tx: Tx) -> Job:
        selected = numbers
        if is_filtered:
            selected = await jobs.select_tickets(tx, OPERATOR, await filter_of(tx, state, filters))
        return await jobs.create_bulk_job(
            tx,
            OPERATOR,
            selected,
            await action(tx),
            channel=Channel.CONSOLE,
            dry_run=dry_run,
            most=current_settings().company_jobs_max,
            now=now(),
        )

    execute(create, as_json=as_json)


def _numbers(file: str | None) -> list[str]:
    """Return the numbers in a file: of a table, such as an export, those of its column ``number``; else of each line.

    Raises:
        InvalidInput: the file is not UTF-8, or no table.
    """
    text = "" if file is None else read_text(file)
    try:
        table = read_table(text, (_HEADING,))
        if _HEADING in table.heading:
            place = table.heading.index(_HEADING)
            words = [cell_text(cells[place]).strip() for _line, cells in table.rows]
        else:
            words = [word for line in text.splitlines() for word in _numbers_of_line(line)]
    except NotATable as error:
        raise InvalidInput([Violation("file", str(error), RuleCode.FORMAT)]) from None
    return [TICKET.convert(word, None, None) for word in words if word]


def _numbers_of_line(line: str) -> list[str]:
    """Return all words of a line of ticket numbers; of another only the first, as in what ``ticket list`` prints."""
    words = [word for word in re.split(r'[\s,;"]+', line) if word]
    if words and words[0].lower() == _HEADING:
        return []
    return words if all(map(TICKET.is_number, words)) else words[:1]
