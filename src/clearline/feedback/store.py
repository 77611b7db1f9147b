"""Feedback about tickets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from clearline.events.domain import TicketRated
from clearline.events.store import encode
from clearline.feedback.domain import Ballot, Feedback, Rating, Summary
from clearline.identity import Actor, Company
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import CUSTOMER_VERSION

_STORED = """select f.id, f.company_id, (select name from company where id = f.company_id),
           (select code from company where id = f.company_id), f.ticket_number, f.resolved_at, f.recipient, f.rating,
           f.comment, f.created_at, f.updated_at
      from feedback f"""
"""Without a join, so that a page is read along its index and not sorted."""
_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""The key before the newest feedback of a list."""


def _stored(row: Record) -> Feedback:
    return Feedback(row[0], Company(row[1], row[2], row[3]), row[4], row[5], row[6], Rating(row[7]), *row[8:11])


async def get(tx: Tx, ballot: Ballot) -> Feedback | None:
    """Return the feedback that was given with a ballot, or None. Served by the primary key."""
    row = await tx.fetchrow(
        f"""{_STORED} where f.company_id = $1 and f.ticket_number = $2 and f.resolved_at = $3 and f.recipient = $4""",
        ballot.company_id,
        ballot.ticket_number,
        ballot.resolved_at,
        ballot.recipient,
    )
    return None if row is None else _stored(row)


async def resolution(tx: Tx, ballot: Ballot) -> datetime | None:
    """Return when the ticket of a ballot was resolved, as it is now; None when it is not."""
    resolved_at: datetime | None = await tx.fetchval(
        "select resolved_at from ticket where company_id = $1 and number = $2", ballot.company_id, ballot.ticket_number
    )
    return resolved_at


async def put(
    tx: Tx, actor: Actor, ballot: Ballot, rating: Rating, comment: str, fact: TicketRated, *, now: datetime
) -> None:
    """Store feedback and its event. What was given before with the ballot keeps its id and its first time."""
    kind, data = encode(fact)
    await tx.write(
        f"""with put as (
               insert into feedback (company_id, ticket_number, resolved_at, recipient, id, rating, comment, created_at,
                                     updated_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
               on conflict (company_id, ticket_number, resolved_at, recipient)
               do update set rating = excluded.rating, comment = excluded.comment, updated_at = excluded.updated_at
               returning company_id, ticket_number
           )
           insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                              customer_version)
           select company_id, $8, $9, t.number, null, $10, $11, t.version, {CUSTOMER_VERSION}
             from put join ticket t using (company_id) where t.company_id = $1 and t.number = put.ticket_number""",
        ballot.company_id,
        ballot.ticket_number,
        ballot.resolved_at,
        ballot.recipient,
        UUID(fact.id),
        rating.value,
        comment,
        now,
        kind,
        actor.name,
        data,
    )


PAGE = f"""{_STORED} where (f.created_at, f.id) < ($1, $2) and ($4::text is null or f.rating = $4)
    order by f.created_at desc, f.id desc limit $3"""
PAGE_OF_TICKET = f"""{_STORED}
    where f.ticket_number = $5 and (f.created_at, f.id) < ($1, $2) and ($4::text is null or f.rating = $4)
    order by f.created_at desc, f.id desc limit $3"""


async def page(
    tx: Tx, *, number: int | None, rating: Rating | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Feedback]:
    """Return feedback, newest first, after the given key; about one ticket or all, of one rating or both.

    Served by ``feedback_newest`` or, for one ticket, by ``feedback_of_ticket``.
    """
    key = before or _AFTER_ALL
    chosen = None if rating is None else rating.value
    if number is None:
        rows = await tx.fetch(PAGE, *key, limit, chosen)
    else:
        rows = await tx.fetch(PAGE_OF_TICKET, *key, limit, chosen, number)
    return [_stored(row) for row in rows]


SUMMARY = """select count(*) filter (where rating = 'good'), count(*) filter (where rating = 'bad')
    from (select rating from feedback where created_at >= $1 order by created_at desc, id desc limit $2) newest"""
WITH_COMMENT = f"""{_STORED} where f.created_at >= $1 and f.comment <> ''
    order by f.created_at desc, f.id desc limit $2"""


async def summary(tx: Tx, since: datetime, *, most: int) -> Summary:
    """Return how the newest ratings since a time were, at most so many. Served by ``feedback_newest``."""
    row = await tx.fetchrow(SUMMARY, since, most)
    return Summary() if row is None else Summary(row[0], row[1])


async def with_comment(tx: Tx, since: datetime, *, limit: int) -> Sequence[Feedback]:
    """Return feedback since a time that has a comment, newest first. Served by ``feedback_newest``."""
    return [_stored(row) for row in await tx.fetch(WITH_COMMENT, since, limit)]


async def get_by_id(tx: Tx, feedback_id: UUID) -> Feedback | None:
    """Return feedback, or None. Served by ``feedback_by_id``."""
    row = await tx.fetchrow(f"{_STORED} where f.id = $1", feedback_id)
    return None if row is None else _stored(row)
