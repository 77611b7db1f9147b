"""Counts of tickets in spans of time, each along an index and up to a bound."""

from collections.abc import Sequence
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.clock import Span
from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import NAMES, VIEWS, view_of
from clearline.tickets.domain import TicketView
from clearline.tickets.reports.domain import COUNT_MAX

_BOUND = COUNT_MAX + 1

DAYS = f"""
    select (select count(*) from (
                (select from ticket where is_open::integer = 1 and created_at >= since and created_at < until
                  limit {_BOUND})
                union all
                (select from ticket where is_open::integer = 0 and created_at >= since and created_at < until
                  limit {_BOUND})) created),
           (select count(*) from (
                select from ticket
                 where not is_open and number + 0 > 0 and status_changed_at >= since and status_changed_at < until
                 limit {_BOUND}) closed)
      from unnest($1::timestamptz[], $2::timestamptz[]) with ordinality day (since, until, place)
     order by place
    """
AGES = f"""
    select place, aged.priority, count(*)
      from unnest($1::timestamptz[], $2::timestamptz[]) with ordinality age (since, until, place)
     cross join lateral (
           select priority from ticket
            where is_open::integer = 1 and created_at >= age.since and created_at < age.until
            order by created_at desc limit {_BOUND}) aged
     group by place, aged.priority
    """

HELD = f"""
    select {VIEWS[True]}
      from (select * from ticket where status = 'held' and number <> -6
             order by status_changed_at, number limit $1) t {NAMES}
     order by t.status_changed_at, t.number
    """


def _edges(spans: Sequence[Span]) -> tuple[list[object], list[object]]:
    return [span.since for span in spans], [span.until for span in spans]


async def created_and_closed(tx: Tx, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return for each span how many tickets were created and how many finished in it.

    A number greater than ``COUNT_MAX`` says no more than that. Served by ``ticket_age`` and ``ticket_finished``.
    """
    rows = await tx.fetch(DAYS, *_edges(spans))
    return [(created, closed) for created, closed in rows]


async def open_by_priority(tx: Tx, spans: Sequence[Span]) -> list[dict[Priority, int]]:
    """Return for each span the priorities of the newest ``COUNT_MAX`` and one more of its open tickets.

    Served by ``ticket_age``.
    """
    counts: list[dict[Priority, int]] = [{} for _span in spans]
    for place, priority, count in await tx.fetch(AGES, *_edges(spans)):
        counts[place - 1][Priority(priority)] = count
    return counts


async def held(tx: Tx, *, limit: int) -> list[TicketView]:
    """Return the tickets on hold, those that are for the longest first. Served by ``ticket_held``."""
    return [view_of(row) for row in await tx.fetch(HELD, limit)]


async def open_of_companies(tx: Tx, company_ids: Sequence[UUID]) -> list[int]:
    """Return how many tickets of each of these companies are open. Served by the primary key of ``ticket_count``."""
    rows = await tx.fetch(
        """select (select coalesce(sum(t.open), 0)::bigint from ticket_count t where t.company_id = c.id)
             from unnest($1::uuid[]) with ordinality c (id, place) order by c.place""",
        company_ids,
    )
    return [row[0] for row in rows]


async def miscounted(tx: Tx) -> list[str]:
    """Return the codes of companies whose stored counts are wrong; only manual SQL can cause that."""
    rows = await tx.fetch(
        """
        with stored as (select company_id, sum(open) as open, sum(finished) as finished
                        from ticket_count group by company_id),
             actual as (select company_id, count(*) filter (where is_open) as open,
                             count(*) filter (where not is_open) as finished from ticket group by company_id)
        select company.code from company
          left join stored on stored.company_id = company.id left join actual on actual.company_id = company.id
         where (coalesce(stored.open, 0), coalesce(stored.finished, 0))
               is distinct from (coalesce(actual.open, 0), coalesce(actual.finished, 0))
        """
    )
    return [row[0] for row in rows]
