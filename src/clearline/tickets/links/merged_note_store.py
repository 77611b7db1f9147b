"""The notes of a ticket together with those of everything that was merged into it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.domain import MERGE_DEPTH_MAX
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.links.store import FAMILY
from clearline.tickets.lists.many_store import Key, by_ticket, keys_apart, of_many
from clearline.tickets.note_domain import Note, Source, Visibility

_LATEST = """
    with recursive family (root, number, depth) as (
        select root, root, 0 from unnest($2::bigint[]) root
        union all
        select f.root, m.ticket_number, f.depth + 1
          from family f join ticket_merge m on m.company_id = $1 and m.into_number = f.number
         where f.depth < $3
    ), latest as (
        select f.root, f.number as ticket_number, f.depth > 0 as is_merged, n.*,
               row_number() over (partition by f.root, f.depth > 0 order by n.number desc) as place
          from family f cross join lateral (
            select number, text, visibility, source, channel, author, created_at from note
             where company_id = $1 and ticket_number = f.number and visibility = any($4)
             order by number desc limit $5
          ) n
    )"""
"""Of each of the tickets ``$2`` the newest ``$5`` notes, and the newest ``$5`` of the tickets merged into it."""

MERGED_NOTES = f"""{_LATEST}
    select root, ticket_number, number, text, visibility, source, channel, author, created_at
      from latest where is_merged and place <= $5 order by root, number"""

NOTES_SIZE = f"""{_LATEST}
    select coalesce(sum(octet_length(text)), 0)::bigint from latest where place <= $5"""


async def merged_notes(
    tx: Tx, company_id: UUID, numbers: Sequence[int], visibilities: Sequence[str], *, limit: int
) -> dict[int, list[TicketNote]]:
    """Return the newest ``limit`` notes of what was merged into each of a company's tickets, by number.

    Served by ``ticket_merge_into`` and by note's primary key, which is scanned once for each ticket.
    """
    rows = await tx.fetch(MERGED_NOTES, company_id, numbers, MERGE_DEPTH_MAX, visibilities, limit)
    notes: dict[int, list[TicketNote]] = {}
    for row in rows:
        notes.setdefault(row[0], []).append(TicketNote(row[1], _note(row[2:9])))
    return notes


async def notes_size(
    tx: Tx, company_id: UUID, numbers: Sequence[int], visibilities: Sequence[str], *, limit: int
) -> int:
    """Return the bytes of the newest ``limit`` notes of each ticket, and of as many of what was merged into it.

    Served as ``merged_notes``; no text is read.
    """
    size: int = await tx.fetchval(NOTES_SIZE, company_id, numbers, MERGE_DEPTH_MAX, visibilities, limit)
    return size


_NOTES = f"""{FAMILY}
    select f.number, n.number, n.text, n.visibility, n.source, n.channel, n.author, n.created_at,
           n.mail_id, n.trimmed_text is not null and ($7 or n.created_by = $8::uuid)
      from family f cross join lateral (
        select * from note
         where company_id = $1 and ticket_number = f.number and number > $4 and visibility = any($5)
         order by number limit $6
      ) n
     order by n.number limit $6"""


class NoteReader(NamedTuple):
    """Which notes somebody may read, and of which the trimmed text: of all, or of those by one user."""

    visibilities: Sequence[str]
    reads_all_trimmed: bool
    user_id: UUID | None


async def notes(
    tx: Tx, company_id: UUID, number: int, *, reader: NoteReader, after: int, limit: int
) -> list[TicketNote]:
    """Return the notes of a ticket and of everything merged into it, by number.

    Served by ``ticket_merge_into`` and by note's primary key, which is scanned once for each ticket.
    """
    rows = await tx.fetch(
        _NOTES,
        company_id,
        number,
        MERGE_DEPTH_MAX,
        after,
        reader.visibilities,
        limit,
        reader.reads_all_trimmed,
        reader.user_id,
    )
    return [_ticket_note(row) for row in rows]


_NOTES_OF_MANY = of_many(_NOTES)


async def first_notes(tx: Tx, keys: Sequence[Key], *, reader: NoteReader, limit: int) -> dict[int, list[TicketNote]]:
    """Return the first notes of each of many tickets: see ``notes``, which says the indexes."""
    rows = await tx.fetch(
        _NOTES_OF_MANY,
        *keys_apart(keys),
        MERGE_DEPTH_MAX,
        0,
        reader.visibilities,
        limit,
        reader.reads_all_trimmed,
        reader.user_id,
    )
    return by_ticket(rows, _ticket_note)


def _ticket_note(row: Record) -> TicketNote:
    return TicketNote(row[0], _note(row[1:8]), row[8], row[9] is True)


def _note(values: Sequence[Any]) -> Note:
    number, text, visibility, source, *others = values
    return Note(number, text, Visibility(visibility), Source(source), *others)
