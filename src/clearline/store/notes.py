"""Notes: append-only."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.domain.events import NoteAdded, StatusChanged
from clearline.domain.note import Note, Source, Visibility
from clearline.domain.party import Actor
from clearline.domain.ticket import Status, Ticket
from clearline.store.db import Tx
from clearline.store.events import actor_id, encode
from clearline.store.tickets import COLUMNS, NOTES, notes_of, ticket_of

INSERT = f"""
    with t as (
        update ticket t set updated_at = $3, version = t.version + 1,
               status = case when $14 and t.status = 'pending' then 'in_progress' else t.status end,
               status_changed_at = case when $14 and t.status = 'pending' then $3 else t.status_changed_at end
          from (select status as was from ticket where company_id = $1 and number = $2 for update) before
         where t.company_id = $1 and t.number = $2 and t.status = any($4)
        returning {COLUMNS}, before.was <> t.status as resumed
    ), added as (
        insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_by, created_at)
        select $1, $2, $6, $7, $8, $9, $10, $11, $3 from t
        returning number
    ), fact as (
        insert into event (company_id, at, type, ticket_number, note_number, actor_id, actor_name, data)
        select $1, $3, $12, $2, added.number, $11, $10, $13::jsonb from added
        union all
        select $1, $3, $15, $2, null, $11, $10, $16::jsonb from t where resumed
    )
    select t.*, {NOTES.format(visibilities="$5")}, added.number from t, added
    """

_RESUMED = encode(StatusChanged(Status.PENDING, Status.IN_PROGRESS, "the customer answered"))


async def insert(
    tx: Tx,
    actor: Actor,
    company_id: UUID,
    ticket_number: int,
    text: str,
    *,
    visibility: Visibility,
    source: Source,
    channel: str,
    while_status: Sequence[str],
    visibilities: Sequence[str],
    now: datetime,
) -> tuple[Ticket, list[Note]] | None:
    """Append a note with its event, and answer the ticket with its notes.

    None when there is no such ticket, or its status is none of ``while_status``. A pending ticket goes on when its
    customer answers (MEF 124, 7.2.3). One statement: the note is there only if the ticket took it.
    """
    kind, data = encode(NoteAdded(visibility, source))
    row = await tx.write(
        INSERT,
        company_id,
        ticket_number,
        now,
        while_status,
        visibilities,
        text,
        visibility,
        source,
        channel,
        actor.name,
        actor_id(actor),
        kind,
        data,
        source is Source.BUYER,
        *_RESUMED,
    )
    if row is None:
        return None
    added = Note(row[23], text, visibility, source, channel, actor.name, now)
    return ticket_of(row), [*notes_of(row[22]), added]
