"""Export tickets: one JSON object on each line, or a table for spreadsheets.

The members and columns are those that an import reads, and some that it ignores.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from clearline.accounts import permissions
from clearline.bulk import export_store
from clearline.bulk.export_store import Batch
from clearline.bulk.import_file import NO, OWN_FIELD, OWN_NAME, YES, Format
from clearline.fields import usecases as own_fields
from clearline.fields.domain import Field, RecordKind
from clearline.fields.reference_usecases import NO_NAMES, NamesInList, names_in_list
from clearline.fields.type_domain import file_text
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Transactions, Tx
from clearline.reminders.domain import Reminder
from clearline.tables import BOM, write_table
from clearline.tickets import access
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.contact import Person
from clearline.tickets.domain import Closure, TicketView, Waiting, ticket_number
from clearline.tickets.faults.domain import FACTS, SiteAccess
from clearline.tickets.links import merged_note_store
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import NOTES_MAX, Note, worklog_id
from clearline.tickets.status_domain import State
from clearline.tickets.third_parties.domain import Case

BATCH = 500
"""The number of tickets in memory at a time."""

_IS_OPEN: dict[State, bool | None] = {"open": True, "finished": False, "all": None}

_COLUMNS: tuple[str, ...] = (
    "number", "company", "company_name", "title", "description", "issue_type", "service_type", "service_id",
    "service_label", "contact_name", "contact_phone", "contact_email", "status", "severity", "impact", "priority",
    "asked_severity", "asked_priority", "channel", "created_at", "updated_at", "status_changed_at", "resolved_at",
    "version", "merged_into", "external_ids", "occurred_at", "detected_by", "intermittent", "observed_impact",
    "service_end", "path_state", "testing_consent", "testing_hours", "dispatch_allowed", "site_access_contact",
    "site_access_hours", "site_access_hazards", "contacts", "cc", "sub_status", "waiting_reason", "closure_resolution",
)  # fmt: skip
_REMINDER_COLUMNS = tuple(f"reminder_{name}" for name in Reminder.__struct_fields__)
_STAFF_COLUMNS = (
    "queue", "assignee", "tags", *_REMINDER_COLUMNS, "is_chronic", "cases", "waiting_text", "waiting_case",
    "closure_cause", "closure_action",
    "closure_responsibility", "closure_fault_found", "closure_root_cause",
)  # fmt: skip

_encode = msgspec.json.Encoder().encode


class Export(Struct, frozen=True):
    """What an export has: the tickets of some companies or of all, in one state or all, with what the actor may see.

    The ``companies`` are exported one after the other; None is all companies at once. ``selected`` has the other
    filters, of which its company and state are no part. ``delimiter`` separates the cells of a table.
    """

    actor: Actor
    companies: tuple[UUID | None, ...]
    is_open: bool | None
    created_since: datetime | None
    visibilities: list[str]
    for_staff: bool
    selected: Filter | None = None
    delimiter: str = ","
    fields: tuple[Field, ...] = ()
    """The own fields that have columns in a table; a reference has one more, with the name of what it refers to."""


async def prepare(
    tx: Tx,
    actor: Actor,
    *,
    state: State,
    company: str | None = None,
    created_since: datetime | None = None,
    selected: Filter | None = None,
) -> Export:
    """Return the export that an actor may have. ``company`` is a name, code or id.

    A customer gets its own tickets and those of its children.

    Raises:
        Forbidden: a customer filters by queue, team, assignee or tag.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if selected is not None or actor.limits is not None or actor.children:
        selected = ticket_lists.visible_filter(actor, selected or Filter(state=state))
    companies: tuple[UUID | None, ...] = (permissions.company_filter(actor),)
    if company is not None:
        companies = ((await permissions.ticket_company_typed(tx, actor, company)).id,)
    elif actor.children and selected is not None:
        companies = selected.within_companies or (selected.company_id,)
        selected = selected._replace(within_companies=())
    visibilities = access.visible_visibilities(actor)
    known = (await own_fields.definitions(tx)).shown(RecordKind.TICKET, for_staff=actor.is_staff)
    return Export(
        actor, companies, _IS_OPEN[state], created_since, visibilities, actor.is_staff, selected, fields=tuple(known)
    )  # fmt: skip


async def read(database: Transactions, export: Export, kind: Format, *, bom: bool = False) -> AsyncIterator[bytes]:
    """Yield the file in pieces, each from a transaction of its own: none may last as long as a client reads.

    With ``bom`` a table begins with a byte order mark, by which Excel takes it for UTF-8.

    Each ticket is consistent, but not the whole file: a ticket that is raised during the export may be in it or not.

    Raises:
        DatabaseUnavailable: the database is unavailable; the file is incomplete.
    """
    heading = table([], export, bom=bom) if kind == "csv" else b""
    for company_id in export.companies:
        async for batch, merged, names in _batches(database, export, company_id, has_notes=kind != "csv"):
            if kind == "csv":
                yield heading + _rows((view for view, *_ in batch.tickets), export, names)
                heading = b""
            else:
                yield b"".join(
                    _encode(
                        {
                            **_members(view, export),
                            "notes": [_note(note) for note in notes],
                            "merged_notes": [_merged_note(entry) for entry in merged.get(view.ticket.number, [])],
                        }
                    )
                    + b"\n"
                    for view, notes, _has_merged in batch.tickets
                )
    if heading:
        yield heading


async def _batches(
    database: Transactions, export: Export, company_id: UUID | None, *, has_notes: bool
) -> AsyncIterator[tuple[Batch, dict[int, list[TicketNote]], NamesInList]]:
    """Yield the tickets of one company or of all in batches.

    Each is with the notes of what was merged into them, or for a table with the names of what own fields refer to.
    """
    after: int | None = 0
    while after is not None:
        async with database.statement() as tx:
            batch = await export_store.batch(
                tx,
                company_id,
                is_open=export.is_open,
                created_since=export.created_since,
                visibilities=export.visibilities,
                for_staff=export.for_staff,
                after=after,
                limit=BATCH,
                selected=export.selected,
            )
            merged = await _merged_notes(tx, batch, export) if has_notes else {}
            names = NO_NAMES if has_notes else await names_of(tx, export, [view for view, *_ in batch.tickets])
        after = batch.after
        if batch.tickets:
            yield batch, merged, names


async def names_of(tx: Tx, export: Export, views: Sequence[TicketView]) -> NamesInList:
    """Return the names of what the own fields of tickets refer to, for their table."""
    values = [(view.ticket.company_id, view.ticket.fields) for view in views]
    return await names_in_list(tx, export.actor, export.fields, values)


def table(views: Iterable[TicketView], export: Export, names: NamesInList = NO_NAMES, *, bom: bool = False) -> bytes:
    """Return the table of some tickets, as ``read`` yields that of an export."""
    heading = (BOM if bom else "") + write_table([_columns(export)], export.delimiter)
    return heading.encode() + _rows(views, export, names)


def _columns(export: Export) -> tuple[str, ...]:
    own = [f"{OWN_FIELD}{field.key}" for field in export.fields]
    names = [f"{OWN_NAME}{field.key}" for field in export.fields if field.refers_to is not None]
    return (*_COLUMNS, *(_STAFF_COLUMNS if export.for_staff else ()), *own, *names)


def _rows(views: Iterable[TicketView], export: Export, names: NamesInList) -> bytes:
    columns = _columns(export)
    rows = (_row(_members(view, export) | _named(view, export, names), columns) for view in views)
    return write_table(rows, export.delimiter).encode()


def _named(view: TicketView, export: Export, names: NamesInList) -> dict[str, str]:
    """Return the names of what the own fields of a ticket refer to, by their columns."""
    return {
        f"{OWN_NAME}{field.key}": names.of(view.ticket.company_id, field.refers_to, value) or ""
        for field in export.fields
        if field.refers_to is not None and (value := view.ticket.fields.get(field.key)) is not None
    }


async def _merged_notes(tx: Tx, batch: Batch, export: Export) -> dict[int, list[TicketNote]]:
    """Return the notes of what was merged into the tickets of a batch, by the numbers of these."""
    numbers: dict[UUID, list[int]] = {}
    for view, _notes, has_merged in batch.tickets:
        if has_merged:
            numbers.setdefault(view.company.id, []).append(view.ticket.number)
    merged: dict[int, list[TicketNote]] = {}
    for company_id, targets in numbers.items():
        merged |= await merged_note_store.merged_notes(tx, company_id, targets, export.visibilities, limit=NOTES_MAX)
    return merged


def _members(view: TicketView, export: Export) -> dict[str, Any]:
    ticket, people = view.ticket, view.people
    members = {
        "number": ticket_number(ticket.number),
        "company": view.company.code,
        "company_name": view.company.name,
        "title": ticket.title,
        "description": ticket.description,
        "issue_type": ticket.issue_type,
        "service": {"type": ticket.service_type, "id": ticket.service_id, "label": ticket.service_label},
        "contact": ticket.contact,
        "contacts": [_contact(person) for person in people.contacts],
        "cc": [{"email": person.email, "name": person.name} for person in people.cc],
        "status": ticket.status,
        "severity": ticket.severity,
        "impact": ticket.impact,
        "priority": ticket.priority,
        "asked_severity": ticket.asked_severity,
        "asked_priority": ticket.asked_priority,
        "channel": ticket.channel,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "status_changed_at": ticket.status_changed_at,
        "resolved_at": ticket.resolved_at,
        "version": ticket.version,
        "merged_into": None if view.merged_into is None else ticket_number(view.merged_into),
        "external_ids": ticket.external_ids,
        **{name: getattr(ticket if name == "occurred_at" else ticket.fault, name) for name in FACTS},
        "sub_status": ticket.sub_status,
        "waiting": ticket.waiting,
        "closure": ticket.closure,
        "fields": ticket.fields,
    }
    if export.for_staff:
        members |= {
            "queue": view.queue_name,
            "assignee": view.assignee_name,
            "tags": ticket.tags,
            "reminder": ticket.reminder,
            "is_chronic": ticket.is_chronic,
            "cases": [_case(case) for case in view.cases],
        }
    return members


def _contact(person: Person) -> dict[str, Any]:
    return {"name": person.name, "email": person.email, "phone": person.phone, "roles": person.roles}


def _case(case: Case) -> dict[str, Any]:
    members = asdict(case)
    return members | {"contact": {name: members.pop(f"contact_{name}") for name in ("name", "phone", "email")}}


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


def _merged_note(entry: TicketNote) -> dict[str, Any]:
    return {"ticket": ticket_number(entry.ticket_number), **_note(entry.note)}


def _row(members: dict[str, Any], columns: Sequence[str]) -> list[str]:
    members = msgspec.to_builtins(members)
    for name in ("service", "contact"):
        members |= {f"{name}_{inner}": value for inner, value in members[name].items()}
    nested = {"waiting": Waiting, "closure": Closure, "reminder": Reminder, "site_access": SiteAccess}
    for name, kind in nested.items():
        known = members.get(name) or {}
        members |= {f"{name}_{inner}": known.get(inner) for inner in kind.__struct_fields__}
    members["tags"] = " ".join(members.get("tags", ()))
    for name in ("external_ids", "contacts", "cc", "cases", "waiting_case"):
        members[name] = _encode(members[name]).decode() if members.get(name) else ""
    members |= {f"{OWN_FIELD}{key}": file_text(value) for key, value in members.pop("fields").items()}
    return [_cell(members.get(name)) for name in columns]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return "" if value is None else str(value)
