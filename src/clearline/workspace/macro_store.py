"""Macros."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from clearline.catalogue.assessment import Priority
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.workspace.domain import Macro, MacroReminder

_COLUMNS = """m.id, m.name, m.text, m.visibility, m.status, m.queue_id, m.priority, m.add_tags, m.status_facts,
    m.fields, m.reminder"""
_decode_facts = msgspec.json.Decoder(StatusFacts).decode
_decode_reminder = msgspec.json.Decoder(MacroReminder).decode


def _macro(row: Record) -> Macro:
    status = None if row[4] is None else Status(row[4])
    priority = None if row[6] is None else Priority(row[6])
    facts = NO_FACTS if row[8] is None else _decode_facts(row[8])
    fields = {} if row[9] is None else msgspec.json.decode(row[9])
    reminder = None if row[10] is None else _decode_reminder(row[10])
    return Macro(
        row[0], row[1], row[2], Visibility(row[3]), status, row[5], priority, tuple(row[7]), facts, fields, reminder
    )


async def page(tx: Tx, *, after: str | None, limit: int) -> list[Macro]:
    """Return the macros after the name ``after``, by name in any case. Served by ``macro_name``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from macro m where lower(m.name) > lower($1)
             order by lower(m.name) limit $2""",
        after or "",
        limit,
    )
    return [_macro(row) for row in rows]


async def get(tx: Tx, macro_id: UUID) -> Macro | None:
    """Return a macro, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from macro m where m.id = $1", macro_id)
    return None if row is None else _macro(row)


async def find(tx: Tx, name: str) -> Macro | None:
    """Return the macro of this name, in any case, or None. Served by ``macro_name``."""
    row = await tx.fetchrow(f"select {_COLUMNS} from macro m where lower(m.name) = lower($1)", name)
    return None if row is None else _macro(row)


async def is_name_taken(tx: Tx, macro: Macro) -> bool:
    """Return whether another macro has the macro's name, in any case. Served by ``macro_name``."""
    is_taken: bool = await tx.fetchval(
        "select exists (select from macro where lower(name) = lower($1) and id <> $2)", macro.name, macro.id
    )
    return is_taken


async def save(tx: Tx, macro: Macro, *, now: datetime) -> None:
    """Store a macro, new or changed, whose name is free."""
    await tx.write(
        """
        insert into macro (id, name, text, visibility, status, queue_id, priority, add_tags, status_facts,
                           fields, reminder, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11::jsonb, $12)
        on conflict (id) do update set name = $2, text = $3, visibility = $4, status = $5, queue_id = $6,
               priority = $7, add_tags = $8, status_facts = $9::jsonb, fields = $10::jsonb, reminder = $11::jsonb
        """,
        *astuple(macro)[:-3],
        None if macro.facts == NO_FACTS else msgspec.json.encode(macro.facts).decode(),
        msgspec.json.encode(macro.fields).decode() if macro.fields else None,
        None if macro.reminder is None else msgspec.json.encode(macro.reminder).decode(),
        now,
    )


async def delete(tx: Tx, macro_id: UUID) -> None:
    """Delete a macro."""
    await tx.write("delete from macro where id = $1", macro_id)
