"""The queue of outbound mail."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.mail.outbound.domain import NOTIFICATION, SIGN_IN_LINK, MailState, OutboundMail
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """m.company_id, m.id, m.number, m.recipient, m.user_id, m.subject, m.kind, m.ticket_number, m.message_id,
              m.state, m.attempts, m.due_at, m.last_error, m.created_at, m.finished_at"""


class ClaimedMail(NamedTuple):
    """A mail that this process sends.

    ``attempts`` failed before; ``suppressed`` is the reason when its address is suppressed.
    """

    company_id: UUID
    id: UUID
    recipient: str
    ticket_number: int | None
    attempts: int
    message: bytes
    suppressed: str | None


def _mail(row: Record) -> OutboundMail:
    values = [*row[:15]]
    values[9] = MailState(values[9])
    return OutboundMail(*values)


async def insert(tx: Tx, mail: OutboundMail, message: bytes) -> None:
    """Store a new mail; the database assigns its number."""
    await tx.write(
        """
        insert into outbound_mail (company_id, id, recipient, user_id, subject, kind, ticket_number, message_id, state,
                                   attempts, due_at, last_error, created_at, finished_at, message)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """,
        mail.company_id,
        mail.id,
        mail.recipient,
        mail.user_id,
        mail.subject,
        mail.kind,
        mail.ticket_number,
        mail.message_id,
        mail.state,
        mail.attempts,
        mail.due_at,
        mail.last_error,
        mail.created_at,
        mail.finished_at,
        message,
    )


async def get(tx: Tx, mail_id: UUID) -> tuple[OutboundMail, bytes] | None:
    """Return a mail with its message, or None. Served by ``outbound_mail_by_id``."""
    row = await tx.fetchrow(f"select {_COLUMNS}, m.message from outbound_mail m where m.id = $1", mail_id)
    return None if row is None else (_mail(row), row[15])


async def ids_between(tx: Tx, low: UUID, high: UUID, *, limit: int) -> list[UUID]:
    """Return the ids of mails between two, both included. Served by ``outbound_mail_by_id``."""
    rows = await tx.fetch(
        "select id from outbound_mail where id between $1 and $2 order by id limit $3", low, high, limit
    )
    return [row[0] for row in rows]


async def lock(tx: Tx, mail_id: UUID) -> OutboundMail | None:
    """Lock and return a mail until the transaction ends; None when there is none. Served by ``outbound_mail_by_id``."""
    row = await tx.fetchrow(f"select {_COLUMNS} from outbound_mail m where m.id = $1 for update", mail_id)
    return None if row is None else _mail(row)


async def messages_about(
    tx: Tx, company_id: UUID, ticket_number: int, message_ids: Sequence[str], *, limit: int
) -> list[bytes]:
    """Return the messages with these Message-IDs that are about a ticket, in the order of the Message-IDs.

    Served by ``outbound_mail_by_message``.
    """
    rows = await tx.fetch(
        """with named as materialized (select * from outbound_mail where message_id = any($1::text[]))
           select message from named where company_id = $2 and ticket_number = $3
            order by array_position($1::text[], message_id) limit $4""",
        message_ids,
        company_id,
        ticket_number,
        limit,
    )
    return [row[0] for row in rows]


async def with_message_id(tx: Tx, message_id: str) -> OutboundMail | None:
    """Return the mail with this Message-ID, or None. Served by ``outbound_mail_by_message``."""
    row = await tx.fetchrow(f"select {_COLUMNS} from outbound_mail m where m.message_id = $1 limit 1", message_id)
    return None if row is None else _mail(row)


_NEWEST = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""The key before the first row of a list from the newest to the oldest."""

# A ticket has few mails, in whatever state: with the offset its index is walked, not that of all mails in the state.
_OF_TICKET = """(select * from outbound_mail where company_id = $4 and ticket_number = $5
                    and (created_at, id) < ($1, $2) order by created_at desc, id desc offset 0) m"""
_PAGES = {
    "all": f"""select {_COLUMNS} from outbound_mail m
                where (m.created_at, m.id) < ($1, $2) order by m.created_at desc, m.id desc limit $3""",
    "state": f"""select {_COLUMNS} from outbound_mail m
                  where m.state = $4 and (m.created_at, m.id) < ($1, $2)
                  order by m.created_at desc, m.id desc limit $3""",
    "ticket": f"select {_COLUMNS} from {_OF_TICKET} order by m.created_at desc, m.id desc limit $3",
    "ticket and state": f"""select {_COLUMNS} from {_OF_TICKET} where m.state = $6
                             order by m.created_at desc, m.id desc limit $3""",
}


async def page(
    tx: Tx, *, state: MailState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[OutboundMail]:
    """Return mails, newest first, after the given key.

    Served by ``outbound_mail_newest`` or ``outbound_mail_by_state``.
    """
    which, values = ("all", ()) if state is None else ("state", (state,))
    rows = await tx.fetch(_PAGES[which], *(before or _NEWEST), limit, *values)
    return [_mail(row) for row in rows]


async def of_ticket(
    tx: Tx,
    company_id: UUID,
    number: int,
    *,
    state: MailState | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[OutboundMail]:
    """Return the mails about a ticket, newest first, after the given key. Served by ``outbound_mail_of_ticket``."""
    which, values = ("ticket", ()) if state is None else ("ticket and state", (state,))
    rows = await tx.fetch(_PAGES[which], *(before or _NEWEST), limit, company_id, number, *values)
    return [_mail(row) for row in rows]


async def recent_count(tx: Tx, recipient: str, kind: str, *, since: datetime, until: datetime) -> int:
    """Return how many mails of a kind were written to an address, in any case, within a time.

    Served by ``outbound_mail_of_recipient``.
    """
    count: int = await tx.fetchval(
        """select count(*) from outbound_mail
            where lower(recipient) = lower($1) and created_at >= $2 and created_at <= $4 and kind = $3""",
        recipient,
        since,
        kind,
        until,
    )
    return count


async def addresses_at_limit(tx: Tx, *, most: int, since: datetime, until: datetime) -> int:
    """Return how many addresses, in any case, ``most`` or more notifications were written to within a time.

    Served by ``outbound_mail_newest``.
    """
    count: int = await tx.fetchval(
        f"""select count(*) from (
                select from outbound_mail where created_at >= $2 and created_at <= $3 and kind = '{NOTIFICATION}'
                 group by lower(recipient) having count(*) >= $1) at_limit""",
        most,
        since,
        until,
    )
    return count


async def contacts_count(tx: Tx, company_id: UUID, *, since: datetime, until: datetime) -> int:
    """Return how many notifications about a company's tickets were written to contacts who are no users, within a time.

    Served by ``outbound_mail_to_contacts``.
    """
    count: int = await tx.fetchval(
        f"""select count(*) from outbound_mail
            where company_id = $1 and created_at >= $2 and created_at <= $3
              and user_id is null and kind = '{NOTIFICATION}'""",
        company_id,
        since,
        until,
    )
    return count


async def claim(tx: Tx, *, limit: int, until: datetime, now: datetime) -> list[ClaimedMail]:
    """Claim due mails until a time, the longest due first.

    Of the mails to one address about one ticket only the first is claimed, so that they arrive in order. Served by
    ``outbound_mail_waiting`` and ``outbound_mail_in_order``.
    """
    rows = await tx.fetch(_DUE, now, limit)
    if rows:
        await _set_claim(tx, [ClaimedMail(*row) for row in rows], until)
    return [ClaimedMail(*row) for row in rows]


_DUE = """
    select m.company_id, m.id, m.recipient, m.ticket_number, m.attempts, m.message,
           (select s.reason from mail_suppression s where s.address = lower(m.recipient))
      from outbound_mail m
     where m.state = 'waiting' and m.due_at <= $1 and (m.claimed_until is null or m.claimed_until <= $1)
       and not exists (select 1 from outbound_mail e
                        where e.state = 'waiting' and e.company_id = m.company_id
                          and e.ticket_number = m.ticket_number and lower(e.recipient) = lower(m.recipient)
                          and e.number < m.number)
     order by m.due_at, m.number limit $2 for update of m skip locked
"""


async def _set_claim(tx: Tx, mails: Sequence[ClaimedMail], until: datetime | None) -> None:
    await tx.write(
        """update outbound_mail m set claimed_until = $3 from unnest($1::uuid[], $2::uuid[]) claimed (company_id, id)
            where m.company_id = claimed.company_id and m.id = claimed.id and m.state = 'waiting'""",
        [mail.company_id for mail in mails],
        [mail.id for mail in mails],
        until,
    )


async def renew(tx: Tx, mails: Sequence[ClaimedMail], *, until: datetime) -> None:
    """Extend the claim of mails."""
    await _set_claim(tx, mails, until)


async def release(tx: Tx, mails: Sequence[ClaimedMail]) -> None:
    """Release claimed mails without counting an attempt."""
    await _set_claim(tx, mails, None)


async def finish(
    tx: Tx, mail: ClaimedMail, state: MailState, error: str | None, *, attempts: int, now: datetime
) -> None:
    """Set a mail to sent or dead. The text of one with a link to sign in is deleted."""
    await tx.write(
        """update outbound_mail set state = $3, last_error = $4, finished_at = $5, claimed_until = null,
                  attempts = $6, message = case when kind = $7 then '' else message end
            where company_id = $1 and id = $2 and state = 'waiting'""",
        mail.company_id,
        mail.id,
        state,
        error,
        now,
        attempts,
        SIGN_IN_LINK,
    )


async def schedule_retry(tx: Tx, mail: ClaimedMail, error: str, *, due_at: datetime) -> None:
    """Count a failed attempt, and postpone the mail and the later ones to the same address about the same ticket.

    Served by the primary key and ``outbound_mail_in_order``.
    """
    await tx.write(
        """with failed as (
               update outbound_mail set attempts = attempts + 1, last_error = $5, due_at = $6, claimed_until = null
                where company_id = $1 and id = $2 and state = 'waiting')
           update outbound_mail set due_at = $6
            where state = 'waiting' and company_id = $1 and ticket_number = $3 and lower(recipient) = lower($4)
              and id <> $2 and due_at < $6""",
        mail.company_id,
        mail.id,
        mail.ticket_number,
        mail.recipient,
        error,
        due_at,
    )


async def shorten_waits(
    tx: Tx, *, lease: timedelta, delays: Sequence[timedelta], tolerance: timedelta, now: datetime
) -> int:
    """Bring mails forward that wait for longer than is possible; return how many.

    A claim lasts at most ``lease``, and a mail waits for at most that one of ``delays`` after so many attempts. One
    without an attempt may wait for an earlier one to the same address, for the longest of ``delays``, but not if it was
    stored in the future. Looks at every waiting mail.
    """
    row = await tx.write(
        """
        with wrong as (
            select company_id, id from outbound_mail
             where state = 'waiting'
               and (claimed_until > $4::timestamptz + $1::interval + $3::interval
                    or due_at > $4::timestamptz + $3::interval
                       and case when attempts = 0
                                then greatest(created_at, due_at - $5::interval) > $4::timestamptz + $3::interval
                                else due_at > $4::timestamptz + ($2::interval[])[attempts] + $3::interval end)
               for update skip locked
        ), shortened as (
            update outbound_mail m
               set claimed_until = case when claimed_until is not null
                                        then least(claimed_until, $4::timestamptz + $1::interval) end,
                   due_at = least(due_at, case when attempts = 0 then $4::timestamptz
                                               else $4::timestamptz + ($2::interval[])[attempts] end)
              from wrong w where m.company_id = w.company_id and m.id = w.id
            returning 1
        )
        select count(*) from shortened
        """,
        lease,
        list(delays),
        tolerance,
        now,
        max(delays),
    )
    return 0 if row is None else int(row[0])


async def is_claimed(tx: Tx, mail: OutboundMail, *, now: datetime) -> bool:
    """Return whether a process is sending a mail now. Served by the primary key."""
    is_claimed_now: bool = await tx.fetchval(
        "select coalesce(claimed_until > $3, false) from outbound_mail where company_id = $1 and id = $2",
        mail.company_id,
        mail.id,
        now,
    )
    return is_claimed_now


async def requeue(tx: Tx, mail: OutboundMail, *, now: datetime) -> None:
    """Set a mail to waiting with no attempts, as if it were new."""
    await tx.write(
        """update outbound_mail set state = 'waiting', attempts = 0, due_at = $3, claimed_until = null,
                  finished_at = null
            where company_id = $1 and id = $2""",
        mail.company_id,
        mail.id,
        now,
    )


async def mark_bounced(tx: Tx, mail: OutboundMail, detail: str, *, now: datetime) -> None:
    """Set a mail to bounced."""
    await tx.write(
        """update outbound_mail set state = 'bounced', last_error = $3, finished_at = coalesce(finished_at, $4),
                  claimed_until = null
            where company_id = $1 and id = $2""",
        mail.company_id,
        mail.id,
        detail,
        now,
    )


async def due(tx: Tx, *, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """Return how many mails are due to be sent, counted up to a limit, and since when the oldest is.

    Served by ``outbound_mail_waiting``.
    """
    row = await tx.fetchrow(
        """select count(*), min(due_at)
             from (select due_at from outbound_mail where state = 'waiting' and due_at <= $1
                    order by due_at, number limit $2) w""",
        now,
        limit,
    )
    return (0, None) if row is None else (row[0], row[1])


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` mails that were finished before a time, and return how many.

    Served by ``outbound_mail_finished``.
    """
    row = await tx.write(
        """with deleted as (
               delete from outbound_mail where (company_id, id) in (
                   select company_id, id from outbound_mail where state <> 'waiting' and finished_at < $1
                    order by finished_at limit $2 for update skip locked)
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else row[0]
