"""The index of the search, ``ticket_search``: find tickets by words and facets, and store what they are found by."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from clearline.events.store import Offset
from clearline.platform.database.transactions import Record, Tx
from clearline.search.document import NOTES_MAX, Document
from clearline.search.plan import RARE_SHARE, Attempt, Statistics
from clearline.tickets.columns import AFTER_VIEW, NAMES, VIEW, VIEWS, view_of
from clearline.tickets.domain import MERGE_DEPTH_MAX, TicketView
from clearline.tickets.lists.order import Order
from clearline.tickets.lists.store import Shape

CANDIDATES = 101
"""The number of matches that are read, unless a page needs more; when fewer match, they are ranked."""

CANDIDATES_LATER = 502
"""The same for the later pages of a ranked list: more tickets may match now than on the first page."""

_BACKLOG = "search company "
_ALL = 10**12


class Hit(NamedTuple):
    """A ticket that matches. ``rank`` is 0 in a list that is not ranked."""

    company_id: UUID
    number: int
    rank: float


class Hits(NamedTuple):
    """A page of matches. ``examined`` matches were read for it, of which ``newest`` is the highest number."""

    hits: list[Hit]
    examined: int
    newest: int


class HitQuery(NamedTuple):
    """Which matches to return.

    ``newest`` is the highest number that may match. ``ranked_by`` is a ``tsquery`` of the words to rank by. ``after``
    is the rank and number of the last match on the page before.
    """

    newest: int
    company_id: UUID | None
    ranked_by: str | None
    after: tuple[float, int] | None
    limit: int


async def set_planner_options(tx: Tx, seconds: int | None = None) -> None:
    """Have the next statements planned for their values, without sequential scans and sorts, and limit their time.

    With ``seconds`` a statement that takes longer fails with 57014.

    Prefixes need the memory: with less, the bitmap of their matches has whole pages, whose rows must all be checked.
    """
    await tx.fetchval(
        """select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
                  set_config('enable_sort', 'off', true), set_config('work_mem', '32MB', true),
                  set_config('statement_timeout', coalesce($1, current_setting('statement_timeout')), true)""",
        None if seconds is None else f"{seconds}s",
    )


async def reset_plan_cache_mode(tx: Tx) -> None:
    """Allow generic plans again: reading the tickets of a page costs less than planning it."""
    await tx.fetchval("select set_config('plan_cache_mode', 'auto', true)")


async def newest(tx: Tx) -> int:
    """Return the highest number in the index, 0 when it is empty. Served by ``ticket_search_newest``."""
    number: int | None = await tx.fetchval("select max(number) from ticket_search")
    return number or 0


async def statistics(tx: Tx, lexemes: Sequence[tuple[str, bool]]) -> Statistics:
    """Return the shares of tickets that have these lexemes or prefixes, by PostgreSQL's statistics.

    The statistics have the most common lexemes, and nothing before the table is first analysed. A lexeme that is not
    in them is assumed to be half as common as the rarest one in them.
    """
    rows = await tx.fetch(
        """
        with common as materialized (
            select lexeme, share
              from pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) as entry(lexeme, share)
             where schemaname = current_schema and tablename = 'ticket_search' and attname = 'vector'
               and lexeme is not null
        )
        select common.lexeme, false, share from common where lexeme = any($1)
        union all
        select prefix, true, sum(share)::real
          from unnest($2::text[]) prefix join common on starts_with(lexeme, prefix) group by prefix
        union all
        select null, null, min(share) from common
        """,
        [lexeme for lexeme, is_prefix in lexemes if not is_prefix],
        [lexeme for lexeme, is_prefix in lexemes if is_prefix],
    )
    shares = {(row[0], row[1]): row[2] for row in rows}
    least: float | None = shares.pop((None, None), None)
    return Statistics(shares, RARE_SHARE if least is None else least / 2)


_INDEXED = """(select company_id, number from ticket_search where vector @@ $1::tsquery offset 0)"""
_CHECKED = "($2::tsquery is null or {words}.vector @@ $2::tsquery)"
_VISIBLE = "($3::uuid is null or s.company_id = $3)"
_WORDS = """cross join lateral (select vector from ticket_search
    where company_id = s.company_id and number = s.number offset 0) words"""

_BY_INDEX = f"""
    select s.company_id, s.number, words.vector
      from (select * from {_INDEXED} s where {_VISIBLE} and s.number <= $4 order by s.number desc offset 0) s
           {_WORDS}
     where {_CHECKED.format(words="words")}"""

_BY_SCAN = f"""
    select s.company_id, s.number, s.vector
      from (select * from ticket_search s where {_VISIBLE} and s.number between $11 and $4
             order by s.number desc offset 0) s
     where $1::text is null and {_CHECKED.format(words="s")}"""

_HITS = """
    with matching as materialized (
        {matching} order by s.number desc limit $5
    ), ranked as materialized (
        select company_id, number,
               case when $6::tsquery is null or (select count(*) from matching) > $7 then 0
                    else ts_rank(vector, $6) end::float8 as rank
          from matching
    )
    select company_id, number, rank, (select count(*) from matching), (select max(number) from matching)
      from ranked where $8::float8 is null or (rank, number) < ($8, $9)
     order by rank desc, number desc limit $10
    """

FIND = {True: _HITS.format(matching=_BY_INDEX), False: _HITS.format(matching=_BY_SCAN)}
"""The statement of an attempt, by whether it looks words up in the index."""


async def find(tx: Tx, attempt: Attempt, query: HitQuery, *, candidates: int) -> Hits:
    """Return matches among the newest ``candidates``: the best first when there are fewer, or else the newest first.

    The index is read by itself, and the check runs on what it found, newest first, until there are enough: the planner
    does not know that a common prefix is expensive. Served by ``ticket_search_vector``, or by ``ticket_search_newest``
    and the primary key when the attempt looks no words up.
    """
    rank, number = query.after or (None, None)
    scanned_to = [attempt.oldest] if attempt.index is None else []
    rows = await tx.fetch(
        FIND[not scanned_to],
        attempt.index,
        attempt.check,
        query.company_id,
        query.newest,
        candidates,
        query.ranked_by,
        candidates - (rank is None),
        rank,
        number,
        query.limit,
        *scanned_to,
    )
    hits = [Hit(row[0], row[1], row[2]) for row in rows]
    return Hits(hits, rows[0][3], rows[0][4]) if rows else Hits([], 0, 0)


COUNT = f"""
    select count(*) from (select company_id, number, vector from ticket_search where vector @@ $1::tsquery offset 0) s
     where {_CHECKED.format(words="s")} and {_VISIBLE}"""


async def count(tx: Tx, attempt: Attempt, company_id: UUID | None) -> int:
    """Return the exact number of matches. Served by ``ticket_search_vector``; its cost grows with the number."""
    total: int = await tx.fetchval(COUNT, attempt.index, attempt.check, company_id)
    return total


TICKETS = {
    for_staff: f"""
    select {view}
      from unnest($1::uuid[], $2::bigint[]) with ordinality wanted(company_id, number, position)
      join ticket t on t.company_id = wanted.company_id and t.number = wanted.number {NAMES}
     order by wanted.position
    """
    for for_staff, view in VIEWS.items()
}


async def tickets(tx: Tx, hits: Sequence[Hit], *, for_staff: bool) -> list[TicketView]:
    """Return the tickets of a page of matches, in its order. Served by the primary key.

    ``for_staff`` is whose version and time they have: of the provider's people, or of the customer.
    """
    rows = await tx.fetch(TICKETS[for_staff], [hit.company_id for hit in hits], [hit.number for hit in hits])
    return [view_of(row) for row in rows]


@lru_cache(maxsize=64)
def _sorted(order: Order, *, newest_first: bool, for_staff: bool, is_first: bool) -> str:
    """Return the statement of a page of sorted matches."""
    shape = Shape((), "all", order, 0, newest_first, for_staff)
    past = "true" if is_first else f"(t.sort_key, t.number) {'<' if newest_first else '>'} ($4, $5)"
    return f"""
    select {VIEWS[for_staff]}
      from (select t.*, {shape.key} as sort_key from ticket t
             where (t.company_id, t.number) in (select * from unnest($1::uuid[], $2::bigint[]))) t {NAMES}
     where {past} order by t.sort_key {shape.direction}, t.number {shape.direction} limit $3
    """


async def sorted_tickets(
    tx: Tx,
    hits: Sequence[Hit],
    order: Order,
    *,
    newest_first: bool,
    for_staff: bool,
    after: tuple[object, int] | None,
    limit: int,
) -> list[TicketView]:
    """Return the matches after a sort key and a number, sorted. Served by the primary key."""
    rows = await tx.fetch(
        _sorted(order, newest_first=newest_first, for_staff=for_staff, is_first=after is None),
        [hit.company_id for hit in hits],
        [hit.number for hit in hits],
        limit,
        *(after or ()),
    )
    return [view_of(row) for row in rows]


_TEXTS = """array(select x.{column} from {table} x where x.company_id = t.company_id and x.ticket_number = t.number
        and x.visibility = '{visibility}' order by x.{order} desc limit {most})"""
_NOTES = _TEXTS.format(table="note", column="text", order="number", visibility="{visibility}", most=NOTES_MAX)
_FILES = _TEXTS.format(table="attachment", column="name", order="created_at", visibility="{visibility}", most=NOTES_MAX)

_MERGED_TEXTS = f"""
    with recursive family (company_id, root, number, depth) as (
        select company_id, number, number, 0 from unnest($1::uuid[], $2::bigint[]) wanted(company_id, number)
        union all
        select f.company_id, f.root, m.ticket_number, f.depth + 1
          from family f join ticket_merge m on m.company_id = f.company_id and m.into_number = f.number
         where f.depth < {MERGE_DEPTH_MAX}
    )
    select f.company_id, f.root, x.kind, x.visibility, x.text
      from family f cross join lateral (
        (select 'notes' as kind, visibility, text, created_at from note
          where company_id = f.company_id and ticket_number = f.number order by number desc limit {2 * NOTES_MAX})
        union all
        (select 'files', visibility, name, created_at from attachment
          where company_id = f.company_id and ticket_number = f.number order by created_at desc limit {2 * NOTES_MAX})
      ) x
     where f.depth > 0 order by x.created_at desc
    """
"""The text of notes and the names of files of what was merged into some tickets, the newest first."""

DOCUMENTS = f"""
    select {VIEW}, {_NOTES.format(visibility="public")}, {_NOTES.format(visibility="internal")},
           {_FILES.format(visibility="public")}, {_FILES.format(visibility="internal")},
           array(select user_id from ticket_watcher w
                  where w.company_id = t.company_id and w.ticket_number = t.number limit {NOTES_MAX}),
           coalesce(t.customer_updated_at, t.updated_at), t.has_merged
      from unnest($1::uuid[], $2::bigint[]) wanted(company_id, number)
      join ticket t on t.company_id = wanted.company_id and t.number = wanted.number {NAMES}
    """


def _document(row: Record) -> Document:
    return Document(view_of(row), *row[AFTER_VIEW:-1])


async def documents(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> list[Document]:
    """Return tickets with all the text that they are found by, in no order, without deleted ones.

    The text of merged tickets comes after their own. Served by the primary keys and ``ticket_merge_into``.
    """
    rows = await tx.fetch(DOCUMENTS, [key[0] for key in keys], [key[1] for key in keys])
    stored = [_document(row) for row in rows]
    targets = {
        (document.view.ticket.company_id, document.view.ticket.number): document
        for document, row in zip(stored, rows, strict=True)
        if row["has_merged"]
    }
    if targets:
        texts = await tx.fetch(_MERGED_TEXTS, [key[0] for key in targets], [key[1] for key in targets])
        for company_id, number, kind, visibility, text in texts:
            getattr(targets[company_id, number], f"{visibility}_{kind}").append(text)
    return stored


async def save(tx: Tx, keys: Sequence[tuple[UUID, int]], vectors: Sequence[str]) -> None:
    """Store the index entries of tickets; unchanged entries are not written."""
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


async def delete(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Delete the index entries of tickets."""
    await tx.write(
        """
        delete from ticket_search s using unnest($1::uuid[], $2::bigint[]) key (company_id, number)
         where s.company_id = key.company_id and s.number = key.number
        """,
        [key[0] for key in keys],
        [key[1] for key in keys],
    )


async def truncate(tx: Tx) -> None:
    """Delete all index entries, and free their disk space."""
    await tx.write("truncate ticket_search")


async def keys_below(tx: Tx, below: int | None, *, company_id: UUID | None, limit: int) -> list[tuple[UUID, int]]:
    """Return the companies and numbers of tickets below a number, newest first.

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
    """Return the entries of deleted tickets among the next ``limit``; the number to continue after, None at the end.

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
    """Wait for the consumer's present batch, and keep it from the next one until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('consumer search', 0))")


async def estimate_tickets(tx: Tx) -> int:
    """Return the number of tickets by PostgreSQL's statistics; 0 before they are first gathered."""
    count: int = await tx.fetchval("select greatest(reltuples, 0)::bigint from pg_class where oid = 'ticket'::regclass")
    return count


def backlog_name(company_id: UUID) -> str:
    """Return the name of a company's backlog in the table ``consumer``, where id is the next number."""
    return f"{_BACKLOG}{company_id}"


async def next_backlog(tx: Tx) -> tuple[UUID, int] | None:
    """Return a company in the backlog, and the number to continue below; None when the backlog is empty."""
    row = await tx.fetchrow("select name, id from consumer where starts_with(name, $1) order by name limit 1", _BACKLOG)
    return None if row is None else (UUID(row[0].removeprefix(_BACKLOG)), row[1])


async def end_backlog(tx: Tx, company_id: UUID) -> None:
    """Delete the backlog of a company: all its tickets are indexed again."""
    await tx.write("delete from consumer where name = $1", backlog_name(company_id))


BACKLOG_START = Offset(0, _ALL)
"""The offset at which a backlog begins: above every number."""
