"""The index of the search, ``ticket_search``: find tickets by words and facets, and store what they are found by."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.search.document import facet
from clearline.search.plan import RARE_SHARE, Attempt, Statistics
from clearline.tickets.columns import NAMES, VIEWS, view_of
from clearline.tickets.domain import TicketView
from clearline.tickets.lists import value_store
from clearline.tickets.lists.order import AnyOrder, Order, OwnKind, OwnOrder
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


class HitQuery(NamedTuple):
    """Which matches an attempt returns: the newest with a number of at most ``newest``, at most ``limit``.

    ``ranked_by`` is a ``tsquery`` of the words to rank by; more than ``ranked_max`` matches are not ranked.
    """

    newest: int
    company_id: UUID | None
    ranked_by: str | None
    ranked_max: int
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


async def statistics(
    tx: Tx, lexemes: Sequence[tuple[str, bool]], *, companies: Collection[UUID] = (), newest: int = 0
) -> Statistics:
    """Return the shares of tickets that have these lexemes or prefixes, by PostgreSQL's statistics.

    The statistics have the most common lexemes, and nothing before the table is first analysed. A lexeme that is not
    in them is assumed to be half as common as the rarest one in them. The tickets of ``companies`` are counted, as
    shares of ``newest``, the highest number.
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
        union all
        select company_id::text, null, (sum(open + finished) / greatest($4::bigint, 1))::real
          from ticket_count where company_id = any($3) group by company_id
        """,
        [lexeme for lexeme, is_prefix in lexemes if not is_prefix],
        [lexeme for lexeme, is_prefix in lexemes if is_prefix],
        list(companies),
        newest,
    )
    tickets = {row[0]: row[2] for row in rows if row[1] is None}
    shares = {(row[0], row[1]): row[2] for row in rows if row[1] is not None}
    shares |= {(facet("company", company), False): tickets.get(str(company), 0) for company in companies}
    least: float | None = tickets.get(None)
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
      from (select * from ticket_search s where {_VISIBLE} and s.number between $8 and $4
             order by s.number desc offset 0) s
     where $1::text is null and {_CHECKED.format(words="s")}"""

_HITS = """
    with matching as materialized ({matching} order by s.number desc limit $5)
    select company_id, number,
           case when $6::tsquery is null or (select count(*) from matching) > $7 then 0
                else ts_rank(vector, $6) end::float8
      from matching
    """

FIND = {True: _HITS.format(matching=_BY_INDEX), False: _HITS.format(matching=_BY_SCAN)}
"""The statement of an attempt, by whether it looks words up in the index."""


async def find(tx: Tx, attempt: Attempt, query: HitQuery) -> list[Hit]:
    """Return matches of an attempt, the newest first.

    The index is read by itself, and the check runs on what it found, newest first, until there are enough: the planner
    does not know that a common prefix is expensive. Served by ``ticket_search_vector``, or by ``ticket_search_newest``
    and the primary key when the attempt looks no words up.
    """
    scanned_to = [attempt.oldest] if attempt.index is None else []
    rows = await tx.fetch(
        FIND[not scanned_to],
        attempt.index,
        attempt.check,
        query.company_id,
        query.newest,
        query.limit,
        query.ranked_by,
        query.ranked_max,
        *scanned_to,
    )
    return [Hit(row[0], row[1], row[2]) for row in rows]


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
def _sorted(order: Order | OwnKind, *, newest_first: bool, for_staff: bool, is_first: bool) -> str:
    """Return the statement of a page of sorted matches; by an own field its id is bound last."""
    shape = Shape((), "all", order, 0, newest_first, for_staff)
    edge, value, key = "$4", "", shape.key
    if isinstance(order, OwnKind):
        key = f"f.{key}"
        edge = value_store.edge(order, "$4")
        value = f"""join ticket_field f on f.company_id = t.company_id and f.ticket_number = t.number
            and f.field_id = ${4 if is_first else 6}"""
    past = (
        "t.sort_key is not null" if is_first else f"(t.sort_key, t.number) {'<' if newest_first else '>'} ({edge}, $5)"
    )
    return f"""
    select {VIEWS[for_staff]}
      from (select t.*, {key} as sort_key from ticket t {value}
             where (t.company_id, t.number) in (select * from unnest($1::uuid[], $2::bigint[]))) t {NAMES}
     where {past} order by t.sort_key {shape.direction}, t.number {shape.direction} limit $3
    """


async def sorted_tickets(
    tx: Tx,
    hits: Sequence[Hit],
    order: AnyOrder,
    *,
    newest_first: bool,
    for_staff: bool,
    after: tuple[object, int] | None,
    limit: int,
) -> list[TicketView]:
    """Return the matches after a sort key and a number, sorted. Served by the primary key."""
    kind, own = (order.kind, (order.field.id,)) if isinstance(order, OwnOrder) else (order, ())
    rows = await tx.fetch(
        _sorted(kind, newest_first=newest_first, for_staff=for_staff, is_first=after is None),
        [hit.company_id for hit in hits],
        [hit.number for hit in hits],
        limit,
        *(after or ()),
        *own,
    )
    return [view_of(row) for row in rows]
