"""All tickets, out of the desk: one JSON object a line, or a table for spreadsheets.

The members and columns are those that an import takes, and some that it leaves out.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.accounts import permissions
from clearline.bulk import export_store
from clearline.bulk.import_usecases import FORMULA, Format
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import access
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.note_domain import Note, worklog_id

BATCH = 500
"""How many tickets are in memory at a time."""

State = Literal["open", "finished", "all"]
_IS_OPEN: dict[State, bool | None] = {"open": True, "finished": False, "all": None}

_FOR_ALL = (
    "number", "company", "company_name", "title", "description", "issue_type", "service_type", "service_id",
    "service_label", "contact_name", "contact_phone", "contact_email", "status", "severity", "impact", "priority",
    "asked_severity", "asked_priority", "channel", "created_at", "updated_at", "status_changed_at", "resolved_at",
    "version", "merged_into", "external_ids",
)  # fmt: skip
_FOR_STAFF = ("queue", "assignee", "tags")

_encode = msgspec.json.Encoder().encode


class Export(Struct, frozen=True):
    """What is to be read: one company's tickets or everybody's, in one state or all, as one reader may see them."""

    company_id: UUID | None
    is_open: bool | None
    created_since: datetime | None
    visibilities: list[str]
    for_staff: bool


async def prepare(
    tx: Tx, actor: Actor, *, state: State, company: str | None = None, created_since: datetime | None = None
) -> Export:
    """What an actor may have of what it asks for: ``company`` is a name, code or id, and a customer's always its own.

    Raises:
        NotFound: no such company for this actor.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = permissions.company_filter(actor)
    if company is not None:
        company_id = (await permissions.company_typed(tx, actor, company)).id
    return Export(company_id, _IS_OPEN[state], created_since, access.readable(actor), actor.is_staff)


async def read(database: Database, export: Export, kind: Format) -> AsyncIterator[bytes]:
    """The file, piece by piece. Takes the database, since no transaction may last as long as a reader takes.

    So each ticket is whole, but not all of them are of one moment: one raised meanwhile may be in it or not.

    Raises:
        DatabaseUnavailable: the database went away; the file is not whole.
    """
    columns = (*_FOR_ALL, *_FOR_STAFF) if export.for_staff else _FOR_ALL
    heading = _csv([columns]) if kind == "csv" else b""
    after: int | None = 0
    while after is not None:
        async with database.statement() as tx:
            found = await export_store.batch(
                tx,
                export.company_id,
                is_open=export.is_open,
                created_since=export.created_since,
                visibilities=export.visibilities,
                after=after,
                limit=BATCH,
            )
        after = found.after
        if not found.tickets:
            continue
        whole = (_members(one, export) for one, _notes in found.tickets)
        if kind == "csv":
            yield heading + _csv(_row(members, columns) for members in whole)
            heading = b""
        else:
            notes = (list(map(_note, notes)) for _one, notes in found.tickets)
            yield b"".join(
                _encode({**members, "notes": said}) + b"\n" for members, said in zip(whole, notes, strict=True)
            )
    if heading:
        yield heading


def _members(found: TicketView, export: Export) -> dict[str, Any]:
    one = found.ticket
    members = {
        "number": ticket_number(one.number),
        "company": found.company.code,
        "company_name": found.company.name,
        "title": one.title,
        "description": one.description,
        "issue_type": one.issue_type,
        "service": {"type": one.service_type, "id": one.service_id, "label": one.service_label},
        "contact": one.contact,
        "status": one.status,
        "severity": one.severity,
        "impact": one.impact,
        "priority": one.priority,
        "asked_severity": one.asked_severity,
        "asked_priority": one.asked_priority,
        "channel": one.channel,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "status_changed_at": one.status_changed_at,
        "resolved_at": one.resolved_at,
        "version": one.version,
        "merged_into": None if found.merged_into is None else ticket_number(found.merged_into),
        "external_ids": one.external_ids,
    }
    if export.for_staff:
        members |= {"queue": found.queue_name, "assignee": found.assignee_name, "tags": one.tags}
    return members


def _note(note: Note) -> dict[str, Any]:
    return {
        "number": worklog_id(note.number),
        "text": note.text,
        "visibility": note.visibility,
        "source": note.source,
        "channel": note.channel,
        "author": note.author,
        "created_at": note.created_at,
    }


def _row(members: dict[str, Any], columns: Sequence[str]) -> list[str]:
    members = msgspec.to_builtins(members)
    for name in ("service", "contact"):
        members |= {f"{name}_{inner}": value for inner, value in members[name].items()}
    members["tags"] = " ".join(members.get("tags", ()))
    members["external_ids"] = _encode(members["external_ids"]).decode() if members["external_ids"] else ""
    return [_cell(members[name]) for name in columns]


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows in CSV (RFC 4180), in UTF-8."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
