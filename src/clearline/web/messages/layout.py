"""Which lines have a layout of their own: output of devices, columns, diagrams, differences."""

import re
from collections.abc import Sequence

_COLUMNS = re.compile(r"\S {3,}\S|\S *\t")
_NARROW_COLUMNS = re.compile(r"[^\s.!?:;] {2}\S")
"""Columns two spaces apart, and not the end of a sentence."""
_ENOUGH = 2
"""One such line may be a slip; two are a table."""
_DRAWN = re.compile(
    r"[\u2500-\u259f]"  # characters made for boxes
    r"|^\s*\+[-=]{2,}"  # the border of a table of a database, or of a box
    r"|^[-=]{3,}(?: +[-=]{2,})+\s*$"  # a rule below the heads of columns
    r"|^[|/\\^v ]+$"  # strokes between two boxes
)
_ROUTE = re.compile(r"\*[>=|~]|\* ?[a-z]? ?\d+\.\d+\.\d+")
"""A row of a BGP table, whose star is not the mark of a list."""
_ITEM = re.compile(r" *(?:[-*]|\d{1,3}\.) ")
_ADDED = re.compile(r"\+(?!\d)")
_PARTS = re.compile(r"(?<!\\)\|")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")


def is_laid_out(lines: Sequence[str], *, is_next: bool = False) -> bool:
    """Return whether lines that are not empty have to be shown as they are, in a font of fixed width.

    They do when one is indented and continues no item of a list, has columns, or is drawn. Where the columns are narrow
    there must be two lines of them, unless what stands before is laid out (``is_next``).
    """
    narrow, in_list, is_added, is_removed = 0, False, False, False
    for line in lines:
        if _COLUMNS.search(line) or _DRAWN.search(line) or _ROUTE.match(line):
            return True
        is_indented = line.startswith((" ", "\t"))
        if is_indented and not in_list:
            return True
        in_list = in_list if is_indented else _ITEM.match(line) is not None
        narrow += _NARROW_COLUMNS.search(line) is not None
        is_added |= _ADDED.match(line) is not None
        is_removed |= line.startswith("-")
    return narrow >= (1 if is_next else _ENOUGH) or (is_added and is_removed)


def is_table_head(line: str, below: str) -> bool:
    """Return whether two lines begin a table: the heads of its columns, and the rule below them."""
    return "|" in line and "|" in below and _TABLE_RULE.fullmatch(below) is not None


def is_whole_table(lines: Sequence[str]) -> bool:
    """Return whether lines are a table that loses nothing when it is shown: no row has more cells than the head."""
    most = _cells(lines[0])
    return all(_cells(line) <= most for line in lines)


def _cells(line: str) -> int:
    line = line.strip().removeprefix("|")
    return len(_PARTS.split(line.removesuffix("|")))
