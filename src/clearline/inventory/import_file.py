"""Files of services: read CSV, a JSON list or NDJSON into rows."""

from collections.abc import Iterator
from typing import Any

import msgspec

from clearline.errors import InvalidInput
from clearline.inventory.import_domain import COLUMNS, OWN_FIELD, REQUIRED, LineError, Row, cell_values, json_values
from clearline.tables import NotATable, cell_text, read_table


class NotAFile(Exception):
    """A file has no rows that could be read: its line says what is wrong."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.error = LineError(line, message)


def read_rows(text: str) -> list[Row]:
    """Return the rows of a file: CSV with a heading, a list of JSON, or one JSON object on each line.

    Raises:
        NotAFile: it is none of these, or its heading lacks a column.
    """
    beginning = text.lstrip()[:1]
    if beginning == "[":
        return list(_json_rows(text))
    return list(_ndjson_rows(text) if beginning == "{" else _table_rows(text))


def _row(line: int, read: Any, value: Any) -> Row:
    try:
        return Row(line, read(value))
    except InvalidInput as error:
        return Row(line, {}, [f"{violation.field} {violation.rule}" for violation in error.violations])


def _json_rows(text: str) -> Iterator[Row]:
    try:
        values = msgspec.json.decode(text, type=list[Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise NotAFile(1, f"is no JSON list of objects with id, type and label: {error}") from None
    for place, value in enumerate(values, 1):
        yield _row(place, json_values, value)


def _ndjson_rows(text: str) -> Iterator[Row]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            value = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            yield Row(line, {}, [f"is no JSON: {error}"])
            continue
        yield _row(line, json_values, value)


def _table_rows(text: str) -> Iterator[Row]:
    try:
        table = read_table(text, COLUMNS)
        _require_heading(table.heading)
        places = {
            name: place for place, name in enumerate(table.heading) if name in COLUMNS or name.startswith(OWN_FIELD)
        }
        for line, cells in table.rows:
            row = _row(line, cell_values, {name: cell_text(cells[place]).strip() for name, place in places.items()})
            if len(cells) > len(table.heading):
                row = msgspec.structs.replace(
                    row, rules=[*row.rules, "there are more values than columns in the heading"]
                )
            yield row
    except NotATable as error:
        yield Row(error.line, {}, [f"is no CSV: {error.reason}"])


def _is_known(name: str) -> bool:
    return name in COLUMNS or name.startswith(OWN_FIELD)


def _require_heading(heading: list[str]) -> None:
    if missing := [name for name in REQUIRED if name not in heading]:
        lacks, names = ", ".join(missing), ", ".join(REQUIRED)
        raise NotAFile(1, f"the heading lacks {lacks}; it must name {names}, separated by commas, semicolons or tabs")
    known = sorted(filter(_is_known, set(heading)))
    if twice := [name for name in known if heading.count(name) > 1]:
        raise NotAFile(1, f"the heading names {', '.join(twice)} more than once")
