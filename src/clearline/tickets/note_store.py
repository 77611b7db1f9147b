"""Notes: append-only."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from clearline.events.domain import NoteAdded, StatusChanged
from clearline.events.event_types import EventType
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.reminders.store import ENDED
from clearline.tickets.columns import CUSTOMER_VERSION, NOTES, TICKET, next_version, notes_of, ticket_of
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import NOTES_MAX, Note, NoteMail, Source, Visibility

_ADD = f"""
    with t as (
        update ticket t set {next_version("$3", visible=f"($6 = '{Visibility.PUBLIC}')")},
               status = coalesce(($14::text[])[before.move], t.status),
               status_changed_at = case when before.move is null then t.status_changed_at else $3 end,
               sub_status = case when before.move is null then t.sub_status end,
               waiting = case when before.move is null then t.waiting end,
               resolved_at = case when ($14::text[])[before.move] = '{Status.REOPENED}' then null
                                  else t.resolved_at end,
               reminder = case when before.ended is null then t.reminder end,
               reminder_at = case when before.ended is null then t.reminder_at end
          from (select array_position($13::text[], status) as move,
                       case when $7 = '{Source.BUYER}' and reminder @> '{{"cancelled_by_answer": true}}'
                            then reminder end as ended
                  from ticket where company_id = $1 and number = $2 for update) before
         where t.company_id = $1 and t.number = $2 and t.status = any($4)
           and not exists (select from note where company_id = $1 and ticket_number = $2 offset $19)
        returning {TICKET}, before.move, before.ended, {CUSTOMER_VERSION} as customer_version, t.has_merged
    ), added as (
        insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_by, created_at,
                          mail_id, trimmed_text)
        select $1, $2, $5, $6, $7, $8, $9, $10, $3, $17, $18 from t
        returning number
    ), fact as (
        insert into event (company_id, at, type, ticket_number, note_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select $1, $3, $11, $2, added.number, $10, $9, $12::jsonb, t.version, t.customer_version from added, t
        union all
        select $1, $3, $15, $2, null, $10, $9, ($16::text[])[move]::jsonb, t.version, t.customer_version
          from t where move is not null
        union all
        select $1, $3, '{EventType.TICKET_CHANGED}', $2, null, $10, $9, {ENDED.format("ended")}, t.version,
               t.customer_version
          from t where ended is not null
    )
    """
INSERT = f"""{_ADD}
    select t.*, {NOTES.format(visibilities="$20")}, added.number as added from t, added
    """
INSERT_ALONE = f"""{_ADD}
    select number from added
    """
"""The same without the whole ticket, whose cost grows with its notes."""


BY_OTHERS = """
    select exists (
        select from unnest($2::bigint[], $3::bigint[]) added (ticket_number, number)
          join note n on n.company_id = $1 and n.ticket_number = added.ticket_number and n.number = added.number
         where n.created_by is distinct from $4::uuid)"""


async def has_note_by_others(tx: Tx, company_id: UUID, keys: Sequence[tuple[int, int]], user_id: UUID | None) -> bool:
    """Return whether any of some notes is by another user, or by none; each is a ticket's number and the note's.

    Served by the primary key.
    """
    tickets, numbers = [key[0] for key in keys], [key[1] for key in keys]
    by_others: bool = await tx.fetchval(BY_OTHERS, company_id, tickets, numbers, user_id)
    return by_others


class NewNote(NamedTuple):
    """A note to append."""

    ticket_number: int
    text: str
    visibility: Visibility
    source: Source
    channel: str
    moves: tuple[StatusChanged, ...]
    """The transitions that the note causes, each if the ticket has the status before it."""
    mail: NoteMail | None = None
    """The mail that it was made from."""
    most: int = NOTES_MAX
    """How many notes the ticket can have with this one."""


async def insert(
    tx: Tx,
    actor: Actor,
    company_id: UUID,
    new: NewNote,
    *,
    while_status: Sequence[str],
    visibilities: Sequence[str],
    now: datetime,
) -> tuple[Ticket, list[Note], bool] | None:
    """Store a note with its event and the transition that it causes, and return the ticket with its notes.

    The last value is whether a ticket was merged into it.

    None when there is no such ticket, its status is none of ``while_status``, or it has as many notes as it can. One
    statement: the note is stored only if the ticket accepts notes.
    """
    row = await tx.write(INSERT, *_values(actor, company_id, new, while_status, now), visibilities)
    if row is None:
        return None
    return ticket_of(row), [*notes_of(row["notes"]), _note(row["added"], actor, new, now)], row["has_merged"]


async def insert_alone(
    tx: Tx, actor: Actor, company_id: UUID, new: NewNote, *, while_status: Sequence[str], now: datetime
) -> Note | None:
    """Store a note as ``insert`` does, and return only the note."""
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
        *_moves(new.moves),
        None if new.mail is None else new.mail.mail_id,
        None if new.mail is None else new.mail.trimmed_text or None,
        new.most - 1,
    )


@cache
def _moves(moves: tuple[StatusChanged, ...]) -> tuple[list[str], list[str], str, list[str]]:
    """Return the status before and after each transition, the type of their events, and the data of each."""
    data = [encode(move)[1] for move in moves]
    return [move.before for move in moves], [move.after for move in moves], EventType.STATUS_CHANGED, data


def _note(number: int, actor: Actor, new: NewNote, now: datetime) -> Note:
    return Note(number, new.text, new.visibility, new.source, new.channel, actor.name, now)


async def trimmed_text(tx: Tx, company_id: UUID, ticket_number: int, number: int) -> str | None:
    """Return the text that was trimmed from the mail of a note, or None. Served by the primary key."""
    text: str | None = await tx.fetchval(
        "select trimmed_text from note where company_id = $1 and ticket_number = $2 and number = $3",
        company_id,
        ticket_number,
        number,
    )
    return text
