"""Commands for the priority matrix."""

import click

from clearline.bulk import usecases as jobs
from clearline.bulk.domain import BULK_MAX, ApplyMatrix, Job
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import Cell, Matrix
from clearline.cli.bulk.execution import dry_run_option, execute
from clearline.cli.catalogue.matrix_file import COLUMNS, cells_of, csv_of
from clearline.cli.context import current_settings, transact
from clearline.cli.output import json_option, limit_option, print_json, print_table, show
from clearline.cli.parameters.files import TEXT_FILE, read_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted, echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.tickets.matrix.domain import COUNT_MAX, Difference, MatrixPreview
from clearline.wires.house.catalogue.matrix_wire import matrix_out, preview_out

_NONE = "none"

_file_argument = click.argument("file", type=TEXT_FILE, required=False)


def _choice(*words: str) -> click.Choice[str]:
    return click.Choice([str(word) for word in words])


@click.group()
def priority_matrix() -> None:
    """Manage the priority matrix: what a new ticket begins with, by impact, urgency as asked, and tier.

    A FILE (- for standard input) has the whole matrix: JSON as the house API has it, or a table (CSV) with the columns
    tier, impact, urgency, priority and severity, of which the first and the last three can be empty.
    """


@priority_matrix.command("show")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table that priority-matrix set reads.")
@json_option
def matrix_show(*, as_csv: bool, as_json: bool) -> None:
    """Print the cells of the matrix."""
    stored = transact(lambda tx: matrix.get_matrix(tx, OPERATOR))
    if as_json:
        print_json(matrix_out(stored))
    elif as_csv:
        click.echo(csv_of(stored), nl=False)
    elif cells := stored.cells:
        print_table([name.upper() for name in COLUMNS], [[*map(cell.__getattribute__, COLUMNS)] for cell in cells])
    else:
        echo("There is no matrix: the issue type says what a new ticket begins with.", err=True)


@priority_matrix.command("set")
@_file_argument
@click.option("--impact", type=_choice(*Impact), help="Instead of a file: the impact of one cell to set.")
@click.option("--urgency", type=_choice(*Priority, _NONE), default=_NONE, help="Priority that the customer asked for.")
@click.option("--tier", metavar="KEY", help="Tier of the company; by default those without a cell of their own.")
@click.option("--priority", type=_choice(*Priority, _NONE), default=_NONE, help="Priority that follows.")
@click.option("--severity", type=_choice(*Severity, _NONE), default=_NONE, help="Severity that follows.")
@json_option
def matrix_set(file: str | None, impact: str | None, *, as_json: bool, **cell: str | None) -> None:
    """Replace the matrix by that of a FILE, or set one cell; without priority and severity the cell is removed.

    Tickets that exist keep what they have: see priority-matrix preview and apply.
    """
    if (file is None) == (impact is None):
        raise click.UsageError("give a FILE, or --impact for one cell")
    cells = None if file is None else cells_of(read_text(file))

    async def work(tx: Tx) -> Matrix:
        before = await matrix.lock_matrix(tx, OPERATOR)
        after = _with_cell(before, str(impact), cell) if cells is None else cells
        return await matrix.replace_matrix(tx, OPERATOR, after, now=now())

    stored = transact(work)
    show(matrix_out(stored), f"The priority matrix has {counted(len(stored.cells), 'cell')}.", as_json=as_json)


def _with_cell(before: Matrix, impact: str, values: dict[str, str | None]) -> list[Cell]:
    """Return the cells of a matrix with another one at its place, or none there."""
    given = {name: value for name, value in values.items() if value is not None and value != _NONE}
    cell = Cell(
        values["tier"],
        Impact(impact),
        Priority(given["urgency"]) if "urgency" in given else None,
        Priority(given["priority"]) if "priority" in given else None,
        Severity(given["severity"]) if "severity" in given else None,
    )
    others = [other for other in before.cells if other.place != cell.place]
    return others if cell.priority is None and cell.severity is None else [*others, cell]


@priority_matrix.command("preview")
@_file_argument
@limit_option
@json_option
def matrix_preview(file: str | None, limit: int, *, as_json: bool) -> None:
    """List the open tickets that a matrix would change: that of a FILE, or the stored one. Nothing is changed."""
    cells = None if file is None else cells_of(read_text(file))
    preview = transact(lambda tx: ticket_matrix.preview_matrix(tx, OPERATOR, cells, limit=limit))
    if as_json:
        print_json(preview_out(preview))
        return
    if preview.tickets:
        columns = ("TICKET", "COMPANY", "TIER", "IMPACT", "ASKED", "PRIORITY", "SEVERITY")
        print_table(columns, [*map(_row, preview.tickets)])
    echo(f"{_counted(preview)} would change.", err=True)


def _row(ticket: Difference) -> tuple[object, ...]:
    return (
        ticket_number(ticket.number), ticket.company.name, ticket.tier, ticket.impact, ticket.urgency,
        _values(ticket.priority, ticket.new_priority), _values(ticket.severity, ticket.new_severity),
    )  # fmt: skip


def _values(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _counted(preview: MatrixPreview) -> str:
    text = counted(preview.count, "open ticket")
    return f"At least {text}" if preview.count >= COUNT_MAX else text


@priority_matrix.command("apply")
@dry_run_option
@yes_option
@json_option
def matrix_apply(*, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Apply the stored matrix to the open tickets that it would change, as a job. See priority-matrix preview.

    A job has at most 1,000 tickets, those with the lowest numbers: run it again for more.
    """
    preview = transact(lambda tx: ticket_matrix.preview_matrix(tx, OPERATOR, limit=BULK_MAX))
    if not preview.tickets:
        echo("No open ticket would change.", err=True)
        return
    if not dry_run:
        confirm(f"Change the priority or severity of {counted(len(preview.tickets), 'ticket')}?", yes=yes)

    async def create(tx: Tx) -> Job:
        numbers = [ticket_number(ticket.number) for ticket in preview.tickets]
        most = current_settings().company_jobs_max
        return await jobs.create_bulk_job(
            tx, OPERATOR, numbers, ApplyMatrix(), channel=Channel.CONSOLE, dry_run=dry_run, most=most, now=now()
        )

    execute(create, as_json=as_json)
