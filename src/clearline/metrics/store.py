"""What metrics count in the database: each count ends at a limit, and has an index."""

from typing import NamedTuple

from clearline.platform.database.transactions import Tx


class Counts(NamedTuple):
    """How many there are, by state, counted up to a limit; of tickets all."""

    deliveries_waiting: int
    deliveries_dead: int
    failing_subscriptions: int
    outbound_waiting: int
    outbound_dead: int
    outbound_bounced: int
    inbound_waiting: int
    inbound_quarantined: int
    jobs_waiting: int
    jobs_running: int
    tickets_open: int
    tickets_finished: int


COUNTS = """
    select (select count(*) from (select from delivery where state = 'waiting' limit $1) c),
           (select count(*) from (select from delivery where state = 'dead' limit $1) c),
           (select count(*) from (select from subscription where is_active and failing_since is not null
                                   limit $1) c),
           (select count(*) from (select from outbound_mail where state = 'waiting' limit $1) c),
           (select count(*) from (select from outbound_mail where state = 'dead' limit $1) c),
           (select count(*) from (select from outbound_mail where state = 'bounced' limit $1) c),
           (select count(*) from (select from inbound_mail where state = 'waiting' limit $1) c),
           (select count(*) from (select from inbound_mail where state = 'quarantined' limit $1) c),
           (select count(*) from (select from job where state in ('waiting', 'running')
                                     and state = 'waiting' limit $1) c),
           (select count(*) from (select from job where state in ('waiting', 'running')
                                     and state = 'running' limit $1) c),
           t.open, t.finished
      from (select coalesce(sum(open), 0)::bigint as open, coalesce(sum(finished), 0)::bigint as finished
              from ticket_count) t"""


async def counts(tx: Tx, *, limit: int) -> Counts:
    """Return the counts.

    Served by ``delivery_due``, ``delivery_dead``, ``outbound_mail_by_state``, ``inbound_mail_by_state`` and
    ``job_unfinished``. Of subscriptions and of the counters of tickets the whole tables are read: the first has
    some rows a company, the other at most 32.
    """
    row = await tx.fetchrow(COUNTS, limit)
    if row is None:
        raise RuntimeError("a sum without groups answered no row")
    return Counts(*row)
