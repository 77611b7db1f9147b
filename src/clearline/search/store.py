"""Finding tickets by their words and facets, and keeping what they are found by (``ticket_search``)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from clearline.events.store import START, Offset
from clearline.platform.database.transactions import Record, Tx
from clearline.search.document import NOTES_MAX, Document
from clearline.search.plan import RARE, Statistics, Step
from clearline.tickets.columns import AFTER_VIEW, NAMES, VIEW, view_of
from clearline.tickets.domain import TicketView

CANDIDATES = 101
"""So many tickets are looked at, or as many as a page needs; when fewer match, all of them are ranked."""

CANDIDATES_LATER = 502
"""What a later page of a ranked list looks at: tickets may have come to match since the first page."""

_BACKLOG = "search company "
_ALL = 10**12


class Hit(NamedTuple):
    """A ticket that matches. ``rank`` is 0 in a list that is not ranked."""

    company_id: UUID
    number: int
    rank: float


class Hits(NamedTuple):
    """Some of the tickets that match, in order; ``many`` is how many were looked at, and ``newest`` of them."""

    hits: list[Hit]
    many: int
    newest: int


class Wanted(NamedTuple):
    """What to take of the tickets that match.

    ``newest`` is the greatest number that may match. ``ranked_by`` is a ``tsquery`` of the words to rank by; ``after``
    the rank and number that the list goes on behind.
    """

    newest: int
    company_id: UUID | None
    ranked_by: str | None
    after: tuple[float, int] | None
    limit: int


async def prepare(tx: Tx) -> None:
    """Have the next statements planned for the words they look for, and never by reading a table whole or sorting it.

    Beginnings need the memory: what they match is noted ticket by ticket, or else whole pages have to be checked.
    """
    await tx.fetchval(
        """select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
                  set_config('enable_sort', 'off', true), set_config('work_mem', '32MB', true)"""
    )


async def relax(tx: Tx) -> None:
    """Have the next statements planned as usual: reading what was found costs less than planning it."""
    await tx.fetchval("select set_config('plan_cache_mode', 'auto', true)")


async def newest(tx: Tx) -> int:
    """The greatest number of a ticket that can be found, 0 when there is none. Served by ``ticket_search_newest``."""
    found: int | None = await tx.fetchval("select max(number) from ticket_search")
    return found or 0


async def statistics(tx: Tx, lexemes: Sequence[tuple[str, bool]]) -> Statistics:
    """Which share of all tickets has a lexeme, or one that begins with it, as the statistics tell.

    They hold the most common ones, and none before the table was first analysed. What they do not hold is taken to be
    half as common as the rarest that they hold.
    """
    rows = await tx.fetch(
        """
        with common as materialized (
            select lexeme, share
              from pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) as one(lexeme, share)
             where schemaname = current_schema and tablename = 'ticket_search' and attname = 'vector'
               and lexeme is not null
        )
        select common.lexeme, false, share from common where lexeme = any($1)
        union all
        select beginning, true, sum(share)::real
          from unnest($2::text[]) beginning join common on starts_with(lexeme, beginning) group by beginning
        union all
        select null, null, min(share) from common
        """,
        [lexeme for lexeme, is_beginning in lexemes if not is_beginning],
        [lexeme for lexeme, is_beginning in lexemes if is_beginning],
    )
    found = {(row[0], row[1]): row[2] for row in rows}
    least: float | None = found.pop((None, None), None)
    return Statistics(found, RARE if least is None else least / 2)


_INDEXED = """(select company_id, number from ticket_search where vector @@ $1::tsquery offset 0)"""
_CHECKED = "($2::tsquery is null or {words}.vector @@ $2::tsquery)"
_VISIBLE = "($3::uuid is null or one.company_id = $3)"
_WORDS = """cross join lateral (select vector from ticket_search
    where company_id = one.company_id and number = one.number offset 0) words"""

_FOUND = f"""
    select one.company_id, one.number, words.vector
      from (select * from {_INDEXED} one where {_VISIBLE} and one.number <= $4 order by one.number desc offset 0) one
           {_WORDS}
     where {_CHECKED.format(words="words")}"""

_WALKED = f"""
    select one.company_id, one.number, one.vector
      from (select * from ticket_search one where {_VISIBLE} and one.number between $11 and $4
             order by one.number desc offset 0) one
     where $1::text is null and {_CHECKED.format(words="one")}"""

_HITS = """
    with found as materialized (
        {matching} order by one.number desc limit $5
    ), ranked as materialized (
        select company_id, number,
               case when $6::tsquery is null or (select count(*) from found) > $7 then 0
                    else ts_rank(vector, $6) end::float8 as rank
          from found
    )
    select company_id, number, rank, (select count(*) from found), (select max(number) from found)
      from ranked where $8::float8 is null or (rank, number) < ($8, $9)
     order by rank desc, number desc limit $10
    """

FIND = {True: _HITS.format(matching=_FOUND), False: _HITS.format(matching=_WALKED)}
"""By whether the index is asked for anything."""


async def find(tx: Tx, step: Step, wanted: Wanted, *, candidates: int) -> Hits:
    """The tickets that match, of the newest ``candidates``: best first when all of them were looked at, or else newest.

    The index is asked alone, and what is left of the query is checked on what it found, the newest first, until there
    are enough: the planner cannot know that a common beginning is dear. Served by ``ticket_search_vector``, or by
    ``ticket_search_newest`` and the primary key when the step asks for no words.
    """
    rank, number = wanted.after or (None, None)
    walked = [step.oldest] if step.index is None else []
    rows = await tx.fetch(
        FIND[not walked],
        step.index,
        step.rest,
        wanted.company_id,
        wanted.newest,
        candidates,
        wanted.ranked_by,
        candidates - (rank is None),
        rank,
        number,
        wanted.limit,
        *walked,
    )
    hits = [Hit(row[0], row[1], row[2]) for row in rows]
    return Hits(hits, rows[0][3], rows[0][4]) if rows else Hits([], 0, 0)


COUNT = f"""
    select count(*) from (select company_id, number, vector from ticket_search where vector @@ $1::tsquery offset 0) one
     where {_CHECKED.format(words="one")} and {_VISIBLE}"""


async def count(tx: Tx, step: Step, company_id: UUID | None) -> int:
    """How many tickets match, however many. Served by ``ticket_search_vector``; costs what it counts."""
    found: int = await tx.fetchval(COUNT, step.index, step.rest, company_id)
    return found


TICKETS = f"""
    select {VIEW}
      from unnest($1::uuid[], $2::bigint[]) with ordinality wanted(company_id, number, place)
      join ticket t on t.company_id = wanted.company_id and t.number = wanted.number {NAMES}
     order by wanted.place
    """


async def tickets(tx: Tx, hits: Sequence[Hit]) -> list[TicketView]:
    """The tickets that were found, in their order. Served by the primary key."""
    rows = await tx.fetch(TICKETS, [hit.company_id for hit in hits], [hit.number for hit in hits])
    return [view_of(row) for row in rows]


_TEXTS = """array(select x.{column} from {table} x where x.company_id = t.company_id and x.ticket_number = t.number
        and x.visibility = '{visibility}' order by x.{order} desc limit {most})"""
_NOTES = _TEXTS.format(table="note", column="text", order="number", visibility="{visibility}", most=NOTES_MAX)
_FILES = _TEXTS.format(table="attachment", column="name", order="created_at", visibility="{visibility}", most=NOTES_MAX)

DOCUMENTS = f"""
    select {VIEW}, {_NOTES.format(visibility="public")}, {_NOTES.format(visibility="internal")},
           {_FILES.format(visibility="public")}, {_FILES.format(visibility="internal")},
           array(select user_id from ticket_watcher w
                  where w.company_id = t.company_id and w.ticket_number = t.number limit {NOTES_MAX})
      from unnest($1::uuid[], $2::bigint[]) wanted(company_id, number)
      join ticket t on t.company_id = wanted.company_id and t.number = wanted.number {NAMES}
    """


def _document(row: Record) -> Document:
    return Document(view_of(row), *row[AFTER_VIEW:])


async def documents(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> list[Document]:
    """Tickets with all that they are found by, in no order; those that are gone are left out.

    Served by the primary keys.
    """
    rows = await tx.fetch(DOCUMENTS, [key[0] for key in keys], [key[1] for key in keys])
    return [_document(row) for row in rows]


async def save(tx: Tx, keys: Sequence[tuple[UUID, int]], vectors: Sequence[str]) -> None:
    """Keep what tickets are found by; what has not changed is not written."""
    await tx.write(
        """
        insert into ticket_search as old (company_id, number, vector)
        select company_id, number, vector::tsvector
          from unnest($1::uuid[], $2::bigint[], $3::text[]) new(company_id, number, vector)
        on conflict (company_id, number) do update set vector = excluded.vector
         where old.vector is distinct from excluded.vector
        """,
        [key[0] for key in keys],
        [key[1] for key in keys],
        vectors,
    )


async def forget(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Have tickets found no more."""
    await tx.write(
        """
        delete from ticket_search s using unnest($1::uuid[], $2::bigint[]) gone(company_id, number)
         where s.company_id = gone.company_id and s.number = gone.number
        """,
        [key[0] for key in keys],
        [key[1] for key in keys],
    )


async def empty(tx: Tx) -> None:
    """Have no ticket found any more, and let go of the room that the index took."""
    await tx.write("truncate ticket_search")


async def keys_below(tx: Tx, below: int | None, *, company_id: UUID | None, limit: int) -> list[tuple[UUID, int]]:
    """Tickets with their companies, newest first, from below a number on.

    Served by ``ticket_by_number``, or the primary key when it is a company's.
    """
    before = _ALL if below is None else below
    if company_id is None:
        rows = await tx.fetch(
            "select company_id, number from ticket where number < $1 order by number desc limit $2", before, limit
        )
    else:
        rows = await tx.fetch(
            """select company_id, number from ticket where company_id = $1 and number < $2
                order by number desc limit $3""",
            company_id,
            before,
            limit,
        )
    return [(row[0], row[1]) for row in rows]


async def orphans(tx: Tx, after: int, *, limit: int) -> tuple[list[tuple[UUID, int]], int | None]:
    """Those of the next ``limit`` entries, by number, whose ticket is gone, and where to go on; None at the end.

    Served by ``ticket_search_newest`` and the primary key of ticket.
    """
    rows = await tx.fetch(
        """
        select s.company_id, s.number, t.number is null
          from (select company_id, number from ticket_search where number > $1 order by number limit $2) s
          left join ticket t on t.company_id = s.company_id and t.number = s.number order by s.number
        """,
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows if row[2]], rows[-1][1] if len(rows) == limit else None


async def wait_for_consumer(tx: Tx) -> None:
    """Keep the follower from its next turn until the transaction ends; waits for the one it is at."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('consumer search', 0))")


async def settled(tx: Tx) -> Offset:
    """The last event before which no other can appear any more. Served by ``event_cursor``."""
    row = await tx.fetchrow(
        """select xid::text::bigint, id from event where xid < pg_snapshot_xmin(pg_current_snapshot())
            order by event.xid desc, event.id desc limit 1"""
    )
    return START if row is None else Offset(row[0], row[1])


async def how_many(tx: Tx) -> int:
    """About how many tickets there are, as the statistics tell; 0 before they were first gathered."""
    found: int = await tx.fetchval("select greatest(reltuples, 0)::bigint from pg_class where oid = 'ticket'::regclass")
    return found


def backlog_name(company_id: UUID) -> str:
    """What the reader of a company's backlog is called: see ``consumers``, whose cursor holds the next number."""
    return f"{_BACKLOG}{company_id}"


async def next_backlog(tx: Tx) -> tuple[UUID, int] | None:
    """A company whose tickets are all to be made findable anew, and below which number to go on, or None."""
    row = await tx.fetchrow("select name, id from consumer where starts_with(name, $1) order by name limit 1", _BACKLOG)
    return None if row is None else (UUID(row[0].removeprefix(_BACKLOG)), row[1])


async def end_backlog(tx: Tx, company_id: UUID) -> None:
    """Note that all tickets of a company were made findable anew."""
    await tx.write("delete from consumer where name = $1", backlog_name(company_id))


FROM_THE_NEWEST = Offset(0, _ALL)
"""Where a backlog begins."""
