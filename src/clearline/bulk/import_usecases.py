"""Tickets from another desk: a file is read into lines, and each line becomes a ticket by itself."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from clearline.accounts import permissions
from clearline.bulk import import_store
from clearline.bulk.domain import DETAIL_MAX, IMPORT_MAX, ItemOutcome, ItemResult, NewItem
from clearline.bulk.import_domain import (
    MEMBERS,
    WRITTEN_BY_EXPORT,
    ImportedTicket,
    check_imported,
    imported_notes,
    imported_state,
    read_ticket,
)
from clearline.errors import DeskError, InvalidInput, Violation
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets

Format = Literal["ndjson", "csv"]
"""How a file writes tickets: one JSON object a line, or a table with a heading."""

_WHOLE = {"line", "row"}
"""What is wrong when no member is."""

_NESTED = {
    "service_id": ("service", "id"),
    "service_type": ("service", "type"),
    "service_label": ("service", "label"),
    "contact_name": ("contact", "name"),
    "contact_phone": ("contact", "phone"),
    "contact_email": ("contact", "email"),
    "external_system": ("external", "system"),
    "external_id": ("external", "id"),
}
COLUMNS = (*sorted(MEMBERS - {"service", "contact", "external", "notes"}), *_NESTED)
"""The columns of a table that an import takes; tags stand in one of them, apart by spaces."""
_KNOWN = WRITTEN_BY_EXPORT.union(COLUMNS)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet would run as a formula; an export puts an apostrophe before it."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ImportedTicket).decode


def read_file(body: bytes, kind: Format, *, now: datetime) -> list[NewItem]:
    """The lines of a file in their order; one that is wrong says why, and the others do not suffer for it.

    A table's lines are its rows, counted after the heading.

    Raises:
        InvalidInput: the file is not UTF-8, holds no line or more than 10,000, or is no table with known columns.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput([Violation("file", "must be in UTF-8")]) from None
    rows = _rows(text) if kind == "csv" else _lines(text)
    found: list[NewItem] = []
    for row in rows:
        if len(found) == IMPORT_MAX:
            raise InvalidInput([Violation("file", f"must have at most {IMPORT_MAX} lines")])
        found.append(_item(row, kind, now))
    if not found:
        raise InvalidInput([Violation("file", "must have a line")])
    return found


def _item(row: Any, kind: Format, now: datetime) -> NewItem:
    try:
        if isinstance(row, DeskError):
            raise row
        ticket = read_ticket(row)
        if violations := check_imported(ticket, now=now):
            raise InvalidInput(violations)
    except DeskError as error:
        return NewItem(refusal=refusal_text(error, kind))
    return NewItem(_encode(ticket).decode())


def refusal_text(error: DeskError, kind: str) -> str:
    """What is wrong with a line, its members named as the file names them: columns, or JSON pointers (RFC 6901)."""
    if not isinstance(error, InvalidInput):
        return str(error)
    parts = []
    for one in error.violations:
        name = one.field.replace(".", "_") if kind == "csv" else "/" + one.field.replace(".", "/")
        name = one.field if one.field in _WHOLE else name
        parts.append(f"{name} {one.rule}")
    return "; ".join(parts).encode(errors="replace").decode().replace("\0", "?")[:DETAIL_MAX]


def _lines(text: str) -> Iterator[Any]:
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    for line in lines:
        try:
            yield msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            rule = "nests too deep" if isinstance(error, RecursionError) else f"is no JSON: {error}"
            yield InvalidInput([Violation("line", rule)])


def _rows(text: str) -> Iterator[Any]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = [name.strip().lower() for name in next(reader, [])]
        _check_heading(heading)
        for cells in reader:
            if cells:
                yield _members(heading, cells)
    except csv.Error as error:
        raise InvalidInput([Violation("file", f"is no CSV: {error} in line {reader.line_num}")]) from None


def _check_heading(heading: list[str]) -> None:
    if len(heading) > (most := len(_KNOWN)):
        raise InvalidInput([Violation("file", f"must have at most {most} columns")])
    unknown = [name for name in heading if name not in _KNOWN]
    twice = sorted(name for name, count in Counter(heading).items() if count > 1)
    violations = [
        Violation("file", f"has a heading with {what} {', '.join(names)[:200]}; the columns are {', '.join(COLUMNS)}")
        for what, names in (("the unknown", unknown), ("more than one", twice))
        if names
    ]
    if not heading:
        violations.append(Violation("file", "must have a heading"))
    if violations:
        raise InvalidInput(violations)


def _members(heading: list[str], cells: list[str]) -> Any:
    """A row as the object that a line of JSON would be; empty cells say nothing."""
    if len(cells) != len(heading):
        return InvalidInput([Violation("row", f"has {len(cells)} values for {len(heading)} columns")])
    members: dict[str, Any] = {}
    for name, raw in zip(heading, cells, strict=True):
        cell = raw[1:] if raw[:1] == "'" and raw[1:].startswith(FORMULA) else raw
        if not cell.strip() or name in WRITTEN_BY_EXPORT:
            continue
        if name in _NESTED:
            outer, inner = _NESTED[name]
            members.setdefault(outer, {})[inner] = cell
        else:
            members[name] = cell.split() if name == "tags" else cell
    return members


def require_import(actor: Actor) -> None:
    """Refuse unless the actor may bring tickets in.

    Raises:
        Forbidden: the actor does not run the desk.
        ScopeMissing: its key may not write tickets.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.TICKETS_WRITE)


async def import_ticket(tx: Tx, actor: Actor, line: str, *, now: datetime) -> ItemResult:
    """Store the ticket of one line, with its history; one that the desk has already stays as it is.

    Raises:
        NotFound: no such company.
        InvalidInput: a value breaks a rule, or the company has no such service.
        Forbidden: the actor does not run the desk.
    """
    require_import(actor)
    imported = _decode(line)
    company = await permissions.company_named(tx, actor, imported.company)
    if company.id == PROVIDER_ID:
        raise InvalidInput([Violation("company", "must be a customer")])
    if imported.external is not None:
        await import_store.lock(tx, company.id, imported.external)
        known = await import_store.find(tx, company.id, imported.external)
        if known is not None:
            return ItemResult(ItemOutcome.UNCHANGED, known)
    ticket = imported_state(company.id, imported)
    stored = await ticket_store.insert(tx, actor, ticket, notes=imported_notes(imported), now=now)
    if stored is None:
        raise InvalidInput(await tickets.check_service(tx, company.id, ticket.service_id, ticket.service_type))
    return ItemResult(ItemOutcome.DONE, stored.number)
