"""Files of imports: read them into lines, and check each line by itself."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import datetime
from json import JSONDecoder
from typing import Any, Literal

import msgspec

from clearline.bulk.domain import DETAIL_MAX, IMPORT_MAX, NewItem
from clearline.bulk.import_domain import (
    MEMBERS,
    WRITTEN_BY_EXPORT,
    ImportedReminder,
    ImportedSiteAccess,
    ImportedTicket,
    Subject,
    check_imported,
    read_ticket,
)
from clearline.errors import DeskError, InvalidInput, RuleCode, Violation, require_valid
from clearline.fields.domain import FIELDS_MAX
from clearline.tables import NotATable, cell_text, decode_file, read_table
from clearline.text import repeated
from clearline.tickets.domain import Closure

Format = Literal["ndjson", "csv"]
"""The format of a file: one JSON object on each line, or a table with a heading."""

_WHOLE_LINE = {"line", "row"}
"""The fields of violations that are about no member."""

_NESTED = {
    "service_id": ("service", "id"),
    "service_type": ("service", "type"),
    "service_label": ("service", "label"),
    "contact_name": ("contact", "name"),
    "contact_phone": ("contact", "phone"),
    "contact_email": ("contact", "email"),
    "external_system": ("external", "system"),
    "external_id": ("external", "id"),
    **{f"site_access_{name}": ("site_access", name) for name in ImportedSiteAccess.__struct_fields__},
    **{f"reminder_{name}": ("reminder", name) for name in ImportedReminder.__struct_fields__},
    "waiting_reason": ("waiting", "reason"),
    "waiting_text": ("waiting", "text"),
    "waiting_case": ("waiting", "case"),
    **{f"closure_{name}": ("closure", name) for name in Closure.__struct_fields__},
}
YES, NO = "yes", "no"
"""How a table says whether something is so."""
_OBJECTS = {"service", "contact", "external", "fields", "notes", "reminder", "site_access", "waiting", "closure"}
COLUMNS = (*sorted(MEMBERS - _OBJECTS), *_NESTED)
"""The columns of a table that an import reads, with ``OWN_FIELD`` and the key of each own field.

Tags are in one of them, separated by spaces.
"""
OWN_FIELD = "fields_"
OWN_NAME = "name_of_"
"""Begins a column that an export writes beside that of a reference, with the name of what it refers to."""
_encode = msgspec.json.Encoder().encode


def format_of(body: bytes) -> Format:
    """Return the format of a file whose name nobody knows: a heading begins with no bracket."""
    return "ndjson" if body.removeprefix(BOM_UTF8).lstrip()[:1] in {b"{", b"["} else "csv"


def read_file(body: bytes, kind: Format, *, now: datetime, subject: Subject | None = None) -> list[NewItem]:
    """Return the items of a file's lines, in order. An invalid line has a refusal, and the others stay valid.

    Without a ``subject`` the lines are tickets.

    The lines of a table are its rows after the heading.

    Raises:
        InvalidInput: the file is not UTF-8, has no line or more than 10,000, or is no table with known columns.
    """
    text = decode_file(body)
    about = subject or _TICKETS
    rows = _rows(text, about) if kind == "csv" else _lines(text)
    items: list[NewItem] = []
    for row in rows:
        if len(items) == IMPORT_MAX:
            raise InvalidInput([Violation("file", f"must have at most {IMPORT_MAX} lines", RuleCode.COUNT)])
        items.append(_item(row, kind, subject, now))
    if not items:
        raise InvalidInput([Violation("file", "must have a line", RuleCode.REQUIRED)])
    return items


def _item(row: Any, kind: Format, subject: Subject | None, now: datetime) -> NewItem:
    try:
        if isinstance(row, DeskError):
            raise row
        line = read_ticket(row) if subject is None else subject.read(row)
        if isinstance(line, ImportedTicket):
            require_valid(check_imported(line, now=now))
    except DeskError as error:
        return NewItem(refusal=refusal_text(error, kind))
    return NewItem(_encode(line).decode())


def refusal_text(error: DeskError, kind: str) -> str:
    """Return why a line is refused. Its members are named as in the file: columns, or JSON Pointers (RFC 6901)."""
    if not isinstance(error, InvalidInput):
        return str(error)
    parts = []
    for violation in error.violations:
        field = violation.field
        name = field.replace(".", "_") if kind == "csv" else "/" + field.replace(".", "/")
        parts.append(f"{field if field in _WHOLE_LINE else name} {violation.rule}")
    return "; ".join(parts).encode(errors="replace").decode().replace("\0", "?")[:DETAIL_MAX]


def _value(name: str, cell: str) -> Any:
    if name == "tags":
        return cell.split()
    if name in {"reminder_cancelled_by_answer", "dispatch_allowed", "closure_fault_found"}:
        return {YES: True, NO: False}.get(cell.strip().lower(), cell)  # anything else is refused by its type
    if name in {"external_ids", "contacts", "cc", "cases", "waiting_case"}:
        try:
            return msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError):
            return cell  # refused by its type
    return cell


_TICKETS = Subject(COLUMNS, read_ticket, _NESTED, _value, WRITTEN_BY_EXPORT, OWN_FIELD)


def columns_of(subject: Subject | None) -> tuple[str, ...]:
    """Return the columns that a table of a subject may have; ``KEY`` stands for the key of an own field."""
    about = subject or _TICKETS
    return (*about.columns, f"{about.own_field}KEY") if about.own_field else about.columns


def _lines(text: str) -> Iterator[Any]:
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    for line in lines:
        try:
            members = msgspec.json.decode(line)
            _names_each_once(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            rule = "nests too deep" if isinstance(error, RecursionError) else f"is no JSON: {error}"
            yield InvalidInput([Violation("line", rule if line.strip() else "is empty", RuleCode.FORMAT)])
        except InvalidInput as error:
            yield error
        else:
            yield members


_names_each_once = JSONDecoder(object_pairs_hook=lambda pairs: _once([name for name, _value in pairs])).decode


def _once(names: list[str]) -> None:
    """Refuse an object that names a member twice: which of the values is meant?"""
    if twice := repeated(names):
        raise InvalidInput([Violation("line", f"names {', '.join(twice)[:100]} more than once", RuleCode.FORMAT)])


def _rows(text: str, subject: Subject) -> Iterator[Any]:
    try:
        table = read_table(text, subject.ignored.union(subject.columns))
        _check_heading(table.heading, subject)
        for _line, cells in table.rows:
            yield _members(table.heading, cells, subject)
    except NotATable as error:
        raise InvalidInput([Violation("file", str(error), RuleCode.FORMAT)]) from None


def _check_heading(heading: list[str], subject: Subject) -> None:
    known = subject.ignored.union(subject.columns)
    own = bool(subject.own_field)
    if len(heading) > (most := len(known) + own * 2 * FIELDS_MAX):
        raise InvalidInput([Violation("file", f"must have at most {most} columns", RuleCode.COUNT)])
    unknown = [
        name for name in heading if name not in known and not (own and name.startswith((subject.own_field, OWN_NAME)))
    ]
    twice = repeated(heading)
    violations = [
        Violation(
            "file",
            f"has a heading with {what} {', '.join(names)[:200]}; the columns are "
            f"{', '.join([*subject.columns, *([f'{subject.own_field}KEY'] if own else [])])}, "
            "separated by commas, semicolons or tabs",
            RuleCode.UNKNOWN,
        )
        for what, names in (("the unknown", unknown), ("more than one", twice))
        if names
    ]
    if not heading:
        violations.append(Violation("file", "must have a heading", RuleCode.REQUIRED))
    require_valid(violations)


def _members(heading: list[str], cells: list[str], subject: Subject) -> Any:
    """Return a row as the object of a line of JSON. Empty cells are left out."""
    if len(cells) != len(heading):
        return InvalidInput([Violation("row", f"has {len(cells)} values for {len(heading)} columns", RuleCode.COUNT)])
    members: dict[str, Any] = {}
    for name, raw in zip(heading, cells, strict=True):
        cell = cell_text(raw)
        if not cell.strip() or name in subject.ignored or (subject.own_field and name.startswith(OWN_NAME)):
            continue
        value = subject.value_of(name, cell)
        if subject.own_field and name.startswith(subject.own_field):
            members.setdefault("fields", {})[name.removeprefix(subject.own_field)] = cell
        elif name in subject.nested:
            outer, inner = subject.nested[name]
            members.setdefault(outer, {})[inner] = value
        else:
            members[name] = value
    return members
