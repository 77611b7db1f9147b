"""Tables in text files (CSV, RFC 4180) as spreadsheets write and read them."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from clearline.errors import InvalidInput, RuleCode, Violation

DELIMITERS = (",", ";", "\t")
"""What separates cells: spreadsheets take the semicolon where the comma is the decimal sign."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of cells that a spreadsheet may run as a formula, also full-width (OWASP, CSV injection)."""
BOM = "\ufeff"
"""Begins a file that Excel is to read as UTF-8."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_WORKBOOKS = ("PK\x03\x04", "\xd0\xcf\x11\xe0")
"""Begin the files that Excel, LibreOffice and Numbers save by themselves, and those of Excel until 2003, in Latin-1."""
_SEP = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)

_EMPTY = "".join(DELIMITERS) + '" \n'
"""What a line without a word has."""
A_WORKBOOK = "a workbook of a spreadsheet program: save it as CSV in UTF-8"


class NotATable(Exception):
    """A line is no row of a table: a quote is not closed, or text follows one that is."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"is no CSV: {reason} in line {line}")
        self.line, self.reason = line, reason


class Table(NamedTuple):
    """A heading in lower case, and the rows with the number of their last line; each row is as long as the heading.

    A row with more cells than the heading has them all.
    """

    heading: list[str]
    rows: Iterator[tuple[int, list[str]]]


def decode_file(body: bytes) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        InvalidInput: it is in another encoding, or a workbook; the text says which it may be.
    """
    if is_workbook(body[:4].decode("latin-1")):
        raise InvalidInput([Violation("file", f"is {A_WORKBOOK}", RuleCode.FORMAT)])
    if body.startswith(_UTF_32):
        raise _not_utf_8("it is UTF-32")
    if body.startswith(_UTF_16) or b"\0" in body[:2]:
        raise _not_utf_8("it is UTF-16")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise _not_utf_8(f"line {line} is not; it may be Windows-1252") from None


def is_workbook(text: str) -> bool:
    """Return whether a text begins as the file of a workbook does, read in any encoding that has ASCII."""
    return text.startswith((*_WORKBOOKS, "\ufffd\ufffd\x11"))


def _not_utf_8(why: str) -> InvalidInput:
    return InvalidInput([Violation("file", f"must be UTF-8 ({why}): save it as UTF-8", RuleCode.CHARACTERS)])


def read_table(text: str, known: Collection[str]) -> Table:
    """Return the table in a text whose cells are separated by commas, semicolons or tabs.

    The separator is the one that gives the heading the most names of ``known``; a first line ``sep=;`` names it.
    Empty rows, also before the heading, and empty cells beyond it are left out: spreadsheets write them.

    Raises:
        NotATable: from the rows as well.
    """
    lines_before = 0
    named = _SEP.match(text)
    if named is not None:
        text, lines_before = text[named.end() :], 1
    delimiter = _delimiter(text, known) if named is None else named[1]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)

    def lines() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            is_long = str(error).startswith("field larger")
            reason = f"a cell has more than {csv.field_size_limit()} characters" if is_long else str(error)
            raise NotATable(reader.line_num + lines_before, reason) from None

    cells_of_lines = lines()
    first = next((cells for cells in cells_of_lines if any(cell.strip() for cell in cells)), [])
    heading = [name.strip().lower() for name in first]
    while heading and not heading[-1]:
        heading.pop()

    def rows() -> Iterator[tuple[int, list[str]]]:
        for cells in cells_of_lines:
            if not any(cell.strip() for cell in cells):
                continue
            while len(cells) > len(heading) and not cells[-1].strip():
                cells.pop()
            yield reader.line_num + lines_before, cells + [""] * (len(heading) - len(cells))

    return Table(heading, rows())


def _delimiter(text: str, known: Collection[str]) -> str:
    lines = io.StringIO(text, newline=None)
    line = next((line.rstrip("\n") for line in lines if line.strip(_EMPTY)), "")

    def names(delimiter: str) -> list[str]:
        try:
            return [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            return []

    def score(delimiter: str) -> tuple[int, int]:
        cells = names(delimiter)
        return sum(name in known for name in cells), len(cells)

    return max(DELIMITERS, key=score)


def write_table(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Return rows as CSV (RFC 4180), with no cell that a spreadsheet runs as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([[_defused(cell) for cell in row] for row in rows])
    return text.getvalue()


def _defused(cell: str) -> str:
    """Return a cell that is text for a spreadsheet: an apostrophe stands before a formula, and before an apostrophe."""
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def cell_text(cell: str) -> str:
    """Return the text of a cell that ``write_table`` wrote, or that somebody defused in the same way."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
