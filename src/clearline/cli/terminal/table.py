"""Tables for people: whole lines for other programs, and as many columns as fit for a terminal."""

import shutil
import sys
from collections.abc import Sequence

import click

from clearline.controls import visible_line

WHOLE = frozenset(
    {
        "ID",
        "NUMBER",
        "TICKET",
        "ITEM",
        "ADDRESS",
        "EMAIL",
        "TO",
        "FROM",
        "URL",
        "CODE",
        "PREFIX",
        "POSITION",
        "CHECK",
        "SERVICE",
        "MERGED INTO",
    }
)
"""Headings of columns that people copy from: they are never broken, and never left out."""
FREE = frozenset(
    {"TITLE", "SUBJECT", "NAME", "LABEL", "QUERY", "DESCRIPTION", "DETAIL", "DETAILS", "REASON", "TEXT", "CONDITIONS",
     "RESULT", "ANSWER", "ERROR", "LAST ERROR", "DISABLED BECAUSE", "WHAT", "RULE", "ABOUT", "SCOPES", "TYPES",
     "QUEUES", "COMPANY", "ASSIGNEE", "WHO", "ISSUE", "QUEUE", "TEAM", "ASKED", "TAGS"}
)  # fmt: skip
"""Headings of columns whose text is broken between words where the terminal is narrow."""
LAST = ("STATUS", "STATE", "TITLE", "SUBJECT")
"""Headings of the columns that are left out last, in this order."""
_FREE_MIN = 16
_GAP = "  "


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings, each row in a line; in a terminal in as many columns and lines as it needs."""
    cells = [[visible_line(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(headings, *cells, strict=True)]
    kept = list(range(len(headings)))
    if sys.stdout.isatty():
        kept, widths = _fit(headings, widths, shutil.get_terminal_size().columns)
    for text in _lines([headings[index] for index in kept], [widths[index] for index in kept]):
        click.secho(text, bold=True)
    for row in cells:
        for text in _lines([row[index] for index in kept], [widths[index] for index in kept]):
            click.echo(text)
    if hidden := [heading for index, heading in enumerate(headings) if index not in kept]:
        click.echo(f"Hidden for lack of width: {', '.join(hidden)}. See them with --json, or in a pipe.", err=True)


def _fit(headings: Sequence[str], widths: list[int], space: int) -> tuple[list[int], list[int]]:
    """Return the columns that fit into a number of characters, and the widths of all columns.

    Columns of free text shrink first, to 16 characters. Then columns are left out, from the right: those of free text
    after the others, and those of ``LAST`` after these. Columns of ``WHOLE`` and the first column always stay.
    """
    least = [
        min(width, _FREE_MIN) if heading in FREE else width for heading, width in zip(headings, widths, strict=True)
    ]
    kept = list(range(len(headings)))
    optional = [index for index in kept[1:] if headings[index] not in WHOLE]
    leave = sorted(optional, key=lambda index: (_rank(headings[index]), -index))
    while leave and _total(kept, least) > space:
        kept.remove(leave.pop(0))
    spare = space - _total(kept, least)
    fitted = list(least)
    for index in kept:
        more = max(0, min(spare, widths[index] - least[index]))
        fitted[index] += more
        spare -= more
    return kept, fitted


def _rank(heading: str) -> int:
    return LAST.index(heading) + 2 if heading in LAST else int(heading in FREE)


def _total(kept: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[index] for index in kept) + len(_GAP) * (len(kept) - 1)


def _lines(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return the lines of a row: a cell that is wider than its column is broken."""
    broken = [_broken(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, broken))
    padded = [parts + [""] * (height - len(parts)) for parts in broken]
    return [
        _GAP.join(part + " " * (width - _width(part)) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip(*padded, strict=True)
    ]


def _broken(cell: str, width: int) -> list[str]:
    """Return the lines of a cell, broken between words, and within a word that is wider than a line."""
    lines = [""]
    for word in cell.split(" "):
        for part in _parts(word, width):
            joined = f"{lines[-1]} {part}" if lines[-1] else part
            if _width(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(part)
    return lines


def _parts(word: str, width: int) -> list[str]:
    if _width(word) <= width:
        return [word]
    if word.isascii():
        return [word[at : at + width] for at in range(0, len(word), width)]
    from rich.cells import chop_cells  # noqa: PLC0415 - slow to import

    return chop_cells(word, width)


def _width(text: str) -> int:
    """Return the number of columns that text takes in a terminal (Unicode TR11: some characters take two, or none)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - slow to import

    return cell_len(text)
