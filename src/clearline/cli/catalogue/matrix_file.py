"""The priority matrix as a file: JSON as the house API has it, or a table."""

import csv
import io
from typing import Any

import msgspec

from clearline.catalogue.matrix.domain import Cell, Matrix
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.tables import NotATable, read_table
from clearline.wires.house.catalogue.matrix_wire import CellIn, MatrixIn, cells_in

COLUMNS = Cell.__struct_fields__
_decode = msgspec.json.Decoder(MatrixIn).decode


def csv_of(matrix: Matrix) -> str:
    """Return a matrix as a table, which ``cells_of`` reads. An empty cell is null."""
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([getattr(cell, name) or "" for name in COLUMNS] for cell in matrix.cells)
    return written.getvalue()


def cells_of(text: str) -> list[Cell]:
    """Return the cells in a file: JSON if it begins with a brace, otherwise a table.

    Raises:
        InvalidInput: it is neither, or a value is invalid; lines of a table count from the headings, line 1.
    """
    if not text.lstrip().startswith("{"):
        return _cells_of_table(text)
    try:
        return cells_in(_decode(text).cells)
    except msgspec.DecodeError as error:
        raise _invalid(str(error)) from None


def _cells_of_table(text: str) -> list[Cell]:
    cells: list[CellIn] = []
    try:
        table = read_table(text, COLUMNS)
        if missing := {"impact"} - set(table.heading):
            raise _invalid(f"must have the column {missing.pop()}")
        if unknown := set(table.heading) - set(COLUMNS):
            raise _invalid(f"has no column {min(unknown)}: its columns are {', '.join(COLUMNS)}")
        for line, values in table.rows:
            pairs = zip(table.heading, (value.strip() for value in values), strict=True)
            cells.append(_cell(line, {name: value for name, value in pairs if value}))
    except NotATable as error:
        raise _invalid(str(error)) from None
    return cells_in(cells)


def _cell(line: int, values: dict[str, Any]) -> CellIn:
    try:
        return msgspec.convert(values, CellIn)
    except msgspec.ValidationError as error:
        raise _invalid(f"{error} (line {line})") from None


def _invalid(rule: str) -> InvalidInput:
    return InvalidInput([Violation("file", rule, RuleCode.FORMAT)])
