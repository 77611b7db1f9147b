"""Inbound mail, with its content and its result."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from clearline.identity import PROVIDER_ID
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """i.id, i.mailbox_id, i.received_at, i.envelope_from, i.envelope_to, i.sender, i.subject, i.message_id,
    i.size, i.raw is not null, i.state, i.reason, i.company_id, i.ticket_number, i.note_number, i.attempts,
    i.decided_by, i.decided_at"""

_STATE_COLUMN, _COLUMN_COUNT = 10, 18


class InboundMailOutcome(NamedTuple):
    """The result of processing a mail. ``by`` is the user who decided it, if one did."""

    state: InboundState
    reason: str | None = None
    company_id: UUID | None = None
    ticket_number: int | None = None
    note_number: int | None = None
    by: UUID | None = None


class Hashes(NamedTuple):
    """What identifies a duplicate: the hash of the mailbox with all bytes, and that of the body."""

    fingerprint: bytes
    body: bytes


def _mail(row: Record) -> InboundMail:
    values: list[Any] = [*row[:_COLUMN_COUNT]]
    values[_STATE_COLUMN] = InboundState(values[_STATE_COLUMN])
    return InboundMail(*values)


async def insert(tx: Tx, mail: InboundMail, hashes: Hashes, raw: bytes | None, *, same_since: datetime) -> bool:
    """Store a new mail; False for a duplicate, which has the same bytes, or was received after ``same_since``.

    A duplicate by time has the same Message-ID, sender and body. Concurrent deliveries of one Message-ID are serialized
    by an advisory lock. Served by ``inbound_mail_once`` and ``inbound_mail_by_message``.
    """
    if mail.message_id is not None:
        await tx.fetchval(
            "select pg_advisory_xact_lock(hashtextextended($1, 1))", f"mail {mail.mailbox_id} {mail.message_id}"
        )
    row = await tx.write(
        """
        insert into inbound_mail (id, mailbox_id, received_at, fingerprint, envelope_from, envelope_to, sender, subject,
                                  message_id, size, raw, state, reason, body_hash)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15
         where not exists (select from inbound_mail
                            where message_id = $9 and mailbox_id = $2 and received_at > $12
                              and sender = $7 and body_hash = $15)
        on conflict (fingerprint) do nothing returning id
        """,
        mail.id,
        mail.mailbox_id,
        mail.received_at,
        hashes.fingerprint,
        mail.envelope_from,
        mail.envelope_to,
        mail.sender,
        mail.subject,
        mail.message_id,
        mail.size,
        raw,
        same_since,
        mail.state,
        mail.reason,
        hashes.body,
    )
    return row is not None


_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""The keys before the first mail of a list, from the oldest on and from the newest."""

CLAIM_NEXT = f"""
    update inbound_mail i set claimed_until = $4, attempts = attempts + (claimed_until is not null)::integer
     where i.id = (select id from inbound_mail
                    where state = 'waiting' and (received_at, id) > ($1, $2)
                      and (claimed_until is null or claimed_until <= $3)
                    order by received_at, id limit 1 for update skip locked)
    returning {_COLUMNS}"""


async def claim_next(
    tx: Tx, after: tuple[datetime, UUID] | None, *, until: datetime, now: datetime
) -> InboundMail | None:
    """Claim the next waiting mail after the given time and id, until a time; None when there is none.

    A claim that expired counts as a failed attempt: the process that held it died. Served by ``inbound_mail_waiting``.
    """
    row = await tx.write(CLAIM_NEXT, *(after or _BEFORE_ALL), now, until)
    return None if row is None else _mail(row)


async def waiting(tx: Tx, *, limit: int) -> tuple[int, datetime | None]:
    """Return how many mails wait to be processed, counted up to a limit, and when the oldest of them was received.

    Served by ``inbound_mail_waiting``.
    """
    row = await tx.fetchrow(
        """select count(*), min(received_at)
             from (select received_at from inbound_mail where state = 'waiting' order by received_at, id limit $1) w""",
        limit,
    )
    return (0, None) if row is None else (row[0], row[1])


async def shorten_claims(tx: Tx, *, until: datetime, tolerance: timedelta) -> int:
    """Let claims that last longer than is possible end at ``until``; return how many. Looks at every waiting mail."""
    row = await tx.write(
        """
        with wrong as (
            select id from inbound_mail where state = 'waiting' and claimed_until > $1::timestamptz + $2::interval
               for update skip locked
        ), shortened as (
            update inbound_mail i set claimed_until = $1 from wrong w where i.id = w.id returning 1
        )
        select count(*) from shortened
        """,
        until,
        tolerance,
    )
    return 0 if row is None else int(row[0])


async def renew_claim(tx: Tx, mail_id: UUID, *, until: datetime) -> None:
    """Let the claim of a waiting mail last until a time."""
    await tx.write("update inbound_mail set claimed_until = $2 where id = $1 and state = 'waiting'", mail_id, until)


async def release(tx: Tx, mail_id: UUID, *, failed: bool) -> None:
    """Release the claim of a waiting mail. ``failed`` counts an attempt."""
    await tx.write(
        """update inbound_mail set claimed_until = null, attempts = attempts + $2::integer
            where id = $1 and state = 'waiting'""",
        mail_id,
        int(failed),
    )


async def lock_waiting(tx: Tx, mail_id: UUID) -> bool:
    """Lock a waiting mail until the transaction ends; False when another process has locked or processed it."""
    is_locked = await tx.fetchval(
        "select true from inbound_mail where id = $1 and state = 'waiting' for update skip locked", mail_id
    )
    return is_locked is True


async def lock(tx: Tx, mail_id: UUID) -> tuple[InboundMail, bytes | None] | None:
    """Lock and return a mail with its content, which may have been deleted, until the transaction ends; or None."""
    row = await tx.fetchrow(f"select {_COLUMNS}, i.raw from inbound_mail i where i.id = $1 for update", mail_id)
    return None if row is None else (_mail(row), row[18])


async def get(tx: Tx, mail_id: UUID) -> InboundMail | None:
    """Return a mail without its content, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from inbound_mail i where i.id = $1", mail_id)
    return None if row is None else _mail(row)


async def ids_between(tx: Tx, low: UUID, high: UUID, *, limit: int) -> list[UUID]:
    """Return the ids of mails between two, both included. Served by the primary key."""
    rows = await tx.fetch(
        "select id from inbound_mail where id between $1 and $2 order by id limit $3", low, high, limit
    )
    return [row[0] for row in rows]


async def raw(tx: Tx, mail_id: UUID) -> bytes | None:
    """Return the content of a mail, or None when there is none, or it was deleted."""
    content: bytes | None = await tx.fetchval("select raw from inbound_mail where id = $1", mail_id)
    return content


PAGE = f"""select {_COLUMNS} from inbound_mail i
    where (i.received_at, i.id) < ($1, $2)
    order by i.received_at desc, i.id desc limit $3"""
PAGE_IN_STATE = f"""select {_COLUMNS} from inbound_mail i
    where i.state = $4 and (i.received_at, i.id) < ($1, $2)
    order by i.received_at desc, i.id desc limit $3"""


async def page(
    tx: Tx, *, state: InboundState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[InboundMail]:
    """Return mails, newest first, after the given key.

    Served by ``inbound_mail_newest``, and for one state by ``inbound_mail_by_state``.
    """
    key = before or _AFTER_ALL
    if state is None:
        rows = await tx.fetch(PAGE, *key, limit)
    else:
        rows = await tx.fetch(PAGE_IN_STATE, *key, limit, state)
    return [_mail(row) for row in rows]


async def of_ticket(
    tx: Tx,
    company_id: UUID,
    number: int,
    *,
    state: InboundState | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[InboundMail]:
    """Return the mails about a ticket, newest first, after the given key. Served by ``inbound_mail_of_ticket``."""
    received_at, last_id = before or (None, None)
    rows = await tx.fetch(
        f"""select {_COLUMNS} from inbound_mail i
             where i.company_id = $1 and i.ticket_number = $2 and ($3::text is null or i.state = $3)
               and ($4::timestamptz is null or (i.received_at, i.id) < ($4, $5::uuid))
             order by i.received_at desc, i.id desc limit $6""",
        company_id,
        number,
        state,
        received_at,
        last_id,
        limit,
    )
    return [_mail(row) for row in rows]


async def id_of_description(tx: Tx, company_id: UUID, number: int) -> UUID | None:
    """Return the id of the mail that a ticket was raised with, or None. Served by ``inbound_mail_of_ticket``."""
    row = await tx.fetchrow(
        """select id from inbound_mail
            where company_id = $1 and ticket_number = $2 and state = 'accepted' and note_number is null
            order by received_at, id limit 1""",
        company_id,
        number,
    )
    return None if row is None else row[0]


async def decide(
    tx: Tx, mail_id: UUID, outcome: InboundMailOutcome, *, now: datetime | None, failures: int = 0
) -> None:
    """Store the result of a mail, and add failed attempts. ``now`` is None while a person has still to decide."""
    await tx.write(
        """update inbound_mail set state = $2, reason = $3, company_id = $4, ticket_number = $5, note_number = $6,
                  decided_by = $7, decided_at = $8, claimed_until = null, attempts = attempts + $9 where id = $1""",
        mail_id,
        *outcome,
        now,
        failures,
    )


async def count_from_sender(tx: Tx, sender: str, *, since: datetime, until: datetime, most: int) -> int:
    """Return how many mails of a sender were received after ``since`` and up to ``until``, counted up to ``most``.

    Served by ``inbound_mail_of_sender``.
    """
    count: int = await tx.fetchval(
        """select count(*) from (
               select from inbound_mail where lower(sender) = $1 and received_at > $2 and received_at <= $3 limit $4
           ) counted""",
        sender,
        since,
        until,
        most,
    )
    return count


async def replies_by_mail(tx: Tx, company_id: UUID, user_id: UUID) -> bool:
    """Return whether a user turned on replies to customers by mail. Served by the primary key."""
    turned_on = await tx.fetchval(
        "select replies_by_mail from notification_settings where company_id = $1 and user_id = $2", company_id, user_id
    )
    return turned_on is True


async def count_accepted(tx: Tx, company_id: UUID, *, since: datetime, until: datetime, most: int) -> int:
    """Return how many mails of the senders of a company were accepted, counted up to ``most``.

    They were received after ``since`` and up to ``until``. Mails of the provider's people do not count. Served by
    ``inbound_mail_of_company`` and ``app_user_by_address``.
    """
    count: int = await tx.fetchval(
        """select count(*) from (
               select from inbound_mail i
                where i.company_id = $1 and i.state = 'accepted' and i.received_at > $2 and i.received_at <= $3
                  and not exists (select from app_user u where lower(u.email) = lower(i.sender) and u.company_id = $4)
                limit $5
           ) counted""",
        company_id,
        since,
        until,
        PROVIDER_ID,
        most,
    )
    return count


async def accepted_copy(tx: Tx, mail: InboundMail, *, within: timedelta) -> InboundMail | None:
    """Return the same mail, by Message-ID, sender and body, that another mailbox accepted; or None.

    Locks the Message-ID until the transaction ends. Served by ``inbound_mail_by_message``.
    """
    if mail.message_id is None:
        return None
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended($1, 2))", f"mail {mail.message_id}")
    row = await tx.fetchrow(
        f"""select {_COLUMNS} from inbound_mail i
             where i.message_id = $1 and i.sender = $2 and i.state = 'accepted' and i.id <> $3 and i.received_at > $4
               and i.body_hash = (select s.body_hash from inbound_mail s where s.id = $3)
             limit 1""",
        mail.message_id,
        mail.sender,
        mail.id,
        mail.received_at - within,
    )
    return None if row is None else _mail(row)


PURGE_RAW = """
    with purged as (
        update inbound_mail set raw = null
         where id in (select id from inbound_mail
                       where raw is not null and state <> 'waiting' and coalesce(decided_at, received_at) < $1
                       order by coalesce(decided_at, received_at) limit $2 for update skip locked)
        returning id
    )
    select count(*) from purged"""


async def purge_raw(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete the content of at most ``limit`` mails, and return how many.

    They were decided before a time, or received before it and are in quarantine. Served by ``inbound_mail_old``.
    """
    row = await tx.write(PURGE_RAW, before, limit)
    return 0 if row is None else int(row[0])


async def users_with_address(tx: Tx, address: str) -> list[tuple[UUID, UUID, bool]]:
    """Return the users with an address that is confirmed: company, id, and whether active.

    Served by ``app_user_by_address``.
    """
    rows = await tx.fetch(
        """select company_id, id, is_active from app_user where lower(email) = $1 and is_confirmed
            order by company_id limit 50""",
        address,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def claimants(tx: Tx, address: str, *, most: int) -> list[str]:
    """Return the codes of up to ``most`` companies that have an active user with this address, not confirmed; in order.

    Served by ``app_user_by_address``.
    """
    rows = await tx.fetch(
        """select c.code from app_user u join company c on c.id = u.company_id
            where lower(u.email) = $1 and not u.is_confirmed and u.is_active order by lower(c.code) limit $2""",
        address,
        most,
    )
    return [row[0] for row in rows]


async def companies_of_sender(tx: Tx, sender: str) -> list[UUID]:
    """Return the companies for which mail of an address became a ticket or, by a person's decision, a note.

    Automatic notes do not count: a customer can name any address as the contact. Only the last 10,000 mails of the
    address are read. Served by ``inbound_mail_of_sender``.
    """
    rows = await tx.fetch(
        """select distinct company_id
             from (select company_id, state, note_number, decided_by from inbound_mail
                    where lower(sender) = $1 order by received_at desc limit 10000) latest
            where state = 'accepted' and company_id is not null
              and (note_number is null or decided_by is not null)""",
        sender,
    )
    return [row[0] for row in rows]


async def services_named(tx: Tx, company_id: UUID, words: list[str]) -> dict[str, str]:
    """Return the services of a company whose ids are among some words. Served by the primary key."""
    rows = await tx.fetch(
        "select id, type from service where company_id = $1 and id = any($2::text[])", company_id, words
    )
    return {row[0]: row[1] for row in rows}
