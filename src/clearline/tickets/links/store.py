"""Links of tickets, one row for each end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from clearline.events.domain import NoteAdded, TicketLinked, TicketUnlinked
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import CUSTOMER_VERSION, next_version
from clearline.tickets.domain import MERGE_DEPTH_MAX, Status, ticket_number
from clearline.tickets.links.domain import OPPOSITE, Link, LinkedTicket, LinkType, NoteDraft
from clearline.tickets.lists.many_store import Key, by_ticket, keys_apart, of_many
from clearline.tickets.note_domain import Source, Visibility

_LINK = (
    "l.id, l.type, l.company_id, l.ticket_number, l.other_company_id, l.other_number, l.created_at, o.title, o.status"
)
_OTHER = "join ticket o on o.company_id = l.other_company_id and o.number = l.other_number"

FAMILY = """
    with recursive family (number, depth) as (
        select $2::bigint, 0
        union all
        select m.ticket_number, f.depth + 1
          from family f join ticket_merge m on m.company_id = $1 and m.into_number = f.number
         where f.depth < $3
    )"""
"""A ticket and everything merged into it, through at most ``$3`` merges. Served by ``ticket_merge_into``."""

_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Reach(NamedTuple):
    """The companies and the queues whose tickets somebody sees; None for all."""

    companies: Sequence[UUID] | None = None
    queues: Sequence[UUID] | None = None


class LinkCounts(NamedTuple):
    """How many links each of two tickets has, and whether they have a link of a type already, from either end."""

    own: int
    other: int
    is_linked: bool


def _linked(row: Record, number: int) -> LinkedTicket:
    """Return the link in a row as the ticket ``number`` shows it."""
    link = Link(row[0], LinkType(row[1]), row[2], row[3], row[4], row[5], row[6])
    return LinkedTicket(link, row[7], Status(row[8]), None if link.number == number else link.number)


_WITHIN = """
       and ($7::uuid[] is null or l.other_company_id = any($7)) and ($8::uuid[] is null or o.queue_id = any($8))"""
_PAGES = {
    is_restricted: f"""{FAMILY}
    select {_LINK}
      from family f join ticket_link l on l.company_id = $1 and l.ticket_number = f.number {_OTHER}
     where (l.created_at, l.id) > ($4, $5){_WITHIN * is_restricted}
       and (f.depth = 0 or l.other_number <> $2
                           and (l.other_number > f.number or l.other_number not in (select number from family)))
     order by l.created_at, l.id limit $6
    """
    for is_restricted in (True, False)
}
"""The links of a ticket and of everything merged into it: those to tickets of some companies and queues, or all.

A link within the family stands at both of its ends, and is shown once.
"""

_PAGES_OF_MANY = {is_restricted: of_many(statement) for is_restricted, statement in _PAGES.items()}


async def page(
    tx: Tx, company_id: UUID, number: int, *, only: Reach | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[LinkedTicket]:
    """Return the links of a ticket and of everything merged into it, oldest first.

    With ``only`` those to tickets within it. Served by ``ticket_merge_into`` and the primary key, which is
    scanned once for each ticket.
    """
    restricted = () if only is None else only
    rows = await tx.fetch(
        _PAGES[only is not None], company_id, number, MERGE_DEPTH_MAX, *(after or _BEFORE_ALL), limit, *restricted
    )
    return [_linked(row, number) for row in rows]


_GET = f"""{FAMILY}
    select {_LINK}
      from family f join ticket_link l on l.company_id = $1 and l.ticket_number = f.number and l.id = $4 {_OTHER}
     order by f.depth limit 1"""


async def first_pages(tx: Tx, keys: Sequence[Key], *, only: Reach | None, limit: int) -> dict[int, list[LinkedTicket]]:
    """Return the first links of each of many tickets: see ``page``, which says the indexes."""
    restricted = () if only is None else only
    rows = await tx.fetch(
        _PAGES_OF_MANY[only is not None], *keys_apart(keys), MERGE_DEPTH_MAX, *_BEFORE_ALL, limit, *restricted
    )
    return {number: [_linked(row, number) for row in linked] for number, linked in by_ticket(rows, list).items()}


async def get(tx: Tx, company_id: UUID, number: int, link_id: UUID) -> LinkedTicket | None:
    """Return a link of a ticket or of something merged into it, or None. Served as ``page``."""
    row = await tx.fetchrow(_GET, company_id, number, MERGE_DEPTH_MAX, link_id)
    return None if row is None else _linked(row, number)


async def link_counts(tx: Tx, link: Link) -> LinkCounts:
    """Return how many links both tickets have, and whether they are already linked.

    Served by the primary key and ``ticket_link_once``.
    """
    row = await tx.fetchrow(
        """
        select (select count(*) from ticket_link where company_id = $1 and ticket_number = $2),
               (select count(*) from ticket_link where company_id = $3 and ticket_number = $4),
               exists (select 1 from ticket_link
                        where company_id = $1 and ticket_number = $2 and type = any($5) and other_number = $4)
        """,
        link.company_id,
        link.number,
        link.other_company_id,
        link.other_number,
        [link.type, OPPOSITE[link.type]],
    )
    return LinkCounts(*row) if row is not None else LinkCounts(0, 0, is_linked=False)


LATEST_FOLLOW_UP = f"""
    select max(other_number) from ticket_link
     where company_id = $1 and ticket_number = $2 and type = '{LinkType.FOLLOWED_UP_BY}'
    """


async def latest_follow_up(tx: Tx, company_id: UUID, number: int) -> int | None:
    """Return the newest ticket that follows another one of its company, or None. Served by ``ticket_link_once``."""
    latest: int | None = await tx.fetchval(LATEST_FOLLOW_UP, company_id, number)
    return latest


async def lock_hierarchy(tx: Tx) -> None:
    """Serialize changes of parent links, because two concurrent ones could create a cycle."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('ticket hierarchy', 0))")


async def is_ancestor(tx: Tx, upper: int, company_id: UUID, lower: int) -> bool:
    """Return whether the ticket ``upper`` is an ancestor of ``lower``, a ticket of the company.

    Served by ``ticket_link_once``.
    """
    is_upper_above = await tx.fetchval(
        """
        with recursive above (company_id, number) as (
            select $1::uuid, $2::bigint
            union
            select l.other_company_id, l.other_number
              from above a join ticket_link l
                on l.company_id = a.company_id and l.ticket_number = a.number and l.type = $4
        )
        select exists (select 1 from above where number = $3)
        """,
        company_id,
        lower,
        upper,
        LinkType.CHILD_OF,
    )
    return is_upper_above is True


async def insert(tx: Tx, actor: Actor, link: Link, *, now: datetime) -> None:
    """Store a link at both ends, with an event and a new version of each ticket. Both tickets must be locked."""
    opposite = OPPOSITE[link.type]
    kind, own_data = encode(TicketLinked(link.type, ticket_number(link.other_number)))
    _kind, other_data = encode(TicketLinked(opposite, ticket_number(link.number)))
    await tx.write(
        f"""
        with added as (
            insert into ticket_link (company_id, ticket_number, id, type, other_company_id, other_number, created_at)
            values ($1, $2, $3, $4, $6, $7, $9), ($6, $7, $3, $5, $1, $2, $9)
            returning company_id, ticket_number
        ), changed as (
            update ticket t set {next_version("$9", visible="($1 = $6)")} from added
             where t.company_id = added.company_id and t.number = added.ticket_number
            returning t.company_id, t.number, t.version, {CUSTOMER_VERSION} as customer_version
        )
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select company_id, $9, $8, number, $10, $11, case when number = $2 then $12::jsonb else $13 end,
               version, customer_version
          from changed order by number <> $2
        """,
        link.company_id,
        link.number,
        link.id,
        link.type,
        opposite,
        link.other_company_id,
        link.other_number,
        kind,
        now,
        actor_id(actor),
        actor.name,
        own_data,
        other_data,
    )


async def delete(tx: Tx, actor: Actor, link: Link, *, now: datetime) -> None:
    """Delete both ends of a link, with an event and a new version of each ticket. Both tickets must be locked."""
    kind, own_data = encode(TicketUnlinked(link.type, ticket_number(link.other_number)))
    _kind, other_data = encode(TicketUnlinked(OPPOSITE[link.type], ticket_number(link.number)))
    await tx.write(
        f"""
        with deleted as (
            delete from ticket_link where id = $3 and (company_id, ticket_number) in (($1, $2), ($4, $5))
            returning company_id, ticket_number
        ), changed as (
            update ticket t set {next_version("$7", visible="($1 = $4)")} from deleted
             where t.company_id = deleted.company_id and t.number = deleted.ticket_number
            returning t.company_id, t.number, t.version, {CUSTOMER_VERSION} as customer_version
        )
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select company_id, $7, $6, number, $8, $9, case when number = $2 then $10::jsonb else $11 end,
               version, customer_version
          from changed
        """,
        link.company_id,
        link.number,
        link.id,
        link.other_company_id,
        link.other_number,
        kind,
        now,
        actor_id(actor),
        actor.name,
        own_data,
        other_data,
    )


_ADD_NOTE = f"""
        with t as (
            update ticket t set {next_version("$3", visible=f"($5 = '{Visibility.PUBLIC}')")}
             where t.company_id = $1 and t.number = $2
            returning number, version, {CUSTOMER_VERSION} as customer_version
        ), added as (
            insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_by,
                              created_at, mail_id, trimmed_text)
            select $1, t.number, $4, $5, $6, $7, $8, $9::uuid, $10::timestamptz, $15::uuid, $16 from t
            returning number
        )
        insert into event (company_id, at, type, ticket_number, note_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select $1, $3, $11, $2, added.number, $12, $13, $14::jsonb, t.version, t.customer_version from added, t
        returning note_number
    """


def _note_values(actor: Actor, company_id: UUID, number: int, draft: NoteDraft, now: datetime) -> tuple[object, ...]:
    kind, data = encode(NoteAdded(draft.visibility, draft.source))
    note = (draft.text, draft.visibility, draft.source, draft.channel, draft.author, draft.created_by)
    fact = (kind, actor_id(actor), actor.name, data)
    return (company_id, number, now, *note, draft.created_at or now, *fact, draft.mail_id, draft.trimmed_text)


async def add_notes(
    tx: Tx, actor: Actor, company_id: UUID, number: int, drafts: Sequence[NoteDraft], *, now: datetime
) -> None:
    """Append notes to a locked ticket whatever its status, in their order, each with its event and a new version."""
    await tx.write_many(_ADD_NOTE, [_note_values(actor, company_id, number, draft, now) for draft in drafts])


async def add_note(
    tx: Tx, actor: Actor, company_id: UUID, number: int, draft: NoteDraft, *, now: datetime
) -> int | None:
    """Append a note as ``add_notes`` does, and return its number; None when there is no such ticket."""
    row = await tx.write(_ADD_NOTE, *_note_values(actor, company_id, number, draft, now))
    return None if row is None else row[0]


async def drafts_of(tx: Tx, company_id: UUID, number: int, chosen: Sequence[int]) -> list[NoteDraft]:
    """Return copies of some of a ticket's notes, oldest first; numbers of other tickets' notes are ignored.

    Served by the primary key of note.
    """
    rows = await tx.fetch(
        """select text, visibility, source, channel, author, created_by, created_at, mail_id, trimmed_text
             from note where company_id = $1 and ticket_number = $2 and number = any($3) order by number""",
        company_id,
        number,
        chosen,
    )
    return [NoteDraft(row[0], Visibility(row[1]), Source(row[2]), *row[3:]) for row in rows]
