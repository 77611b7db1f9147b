"""Notes: append-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.events.domain import NoteAdded, StatusChanged
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import NOTES, TICKET, notes_of, ticket_of
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import Note, Source, Visibility

_ADD = f"""
    with t as (
        update ticket t set updated_at = $3, version = t.version + 1,
               status = case when $13 and t.status = 'pending' then 'in_progress' else t.status end,
               status_changed_at = case when $13 and t.status = 'pending' then $3 else t.status_changed_at end
          from (select status as was from ticket where company_id = $1 and number = $2 for update) before
         where t.company_id = $1 and t.number = $2 and t.status = any($4)
        returning {TICKET}, before.was <> t.status as resumed
    ), added as (
        insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_by, created_at)
        select $1, $2, $5, $6, $7, $8, $9, $10, $3 from t
        returning number
    ), fact as (
        insert into event (company_id, at, type, ticket_number, note_number, actor_id, actor_name, data)
        select $1, $3, $11, $2, added.number, $10, $9, $12::jsonb from added
        union all
        select $1, $3, $14, $2, null, $10, $9, $15::jsonb from t where resumed
    )
    """
INSERT = f"""{_ADD}
    select t.*, {NOTES.format(visibilities="$16")}, added.number as added from t, added
    """
INSERT_ALONE = f"""{_ADD}
    select number from added
    """
"""The same without the whole ticket, which costs the more the more notes it has."""

_RESUMED = encode(StatusChanged(Status.PENDING, Status.IN_PROGRESS, "the customer answered"))


class NewNote(NamedTuple):
    """A note to append."""

    ticket_number: int
    text: str
    visibility: Visibility
    source: Source
    channel: str


async def insert(
    tx: Tx,
    actor: Actor,
    company_id: UUID,
    new: NewNote,
    *,
    while_status: Sequence[str],
    visibilities: Sequence[str],
    now: datetime,
) -> tuple[Ticket, list[Note]] | None:
    """Append a note with its event, and answer the ticket with its notes.

    None when there is no such ticket, or its status is none of ``while_status``. A pending ticket goes on when its
    customer answers (MEF 124, 7.2.3). One statement: the note is there only if the ticket took it.
    """
    row = await tx.write(INSERT, *_values(actor, company_id, new, while_status, now), visibilities)
    if row is None:
        return None
    return ticket_of(row), [*notes_of(row["notes"]), _note(row["added"], actor, new, now)]


async def insert_alone(
    tx: Tx, actor: Actor, company_id: UUID, new: NewNote, *, while_status: Sequence[str], now: datetime
) -> Note | None:
    """Append a note as ``insert`` does, and answer it alone."""
    row = await tx.write(INSERT_ALONE, *_values(actor, company_id, new, while_status, now))
    return None if row is None else _note(row[0], actor, new, now)


def _values(
    actor: Actor, company_id: UUID, new: NewNote, while_status: Sequence[str], now: datetime
) -> tuple[object, ...]:
    return (
        company_id,
        new.ticket_number,
        now,
        while_status,
        new.text,
        new.visibility,
        new.source,
        new.channel,
        actor.name,
        actor_id(actor),
        *encode(NoteAdded(new.visibility, new.source)),
        new.source is Source.BUYER,
        *_RESUMED,
    )


def _note(number: int, actor: Actor, new: NewNote, now: datetime) -> Note:
    return Note(number, new.text, new.visibility, new.source, new.channel, actor.name, now)
