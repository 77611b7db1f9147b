"""Mail that came in, as it came, and what became of it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from clearline.inventory.domain import ServiceType
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """i.id, i.mailbox_id, i.received_at, i.envelope_from, i.envelope_to, i.sender, i.subject, i.message_id,
    i.size, i.raw is not null, i.state, i.reason, i.company_id, i.ticket_number, i.note_number, i.attempts,
    i.decided_by, i.decided_at"""


_STATE_AT, _WIDTH = 10, 18


class InboundMailOutcome(NamedTuple):
    """What became of a mail. ``by`` is the person who said so, if one did."""

    state: InboundState
    reason: str | None = None
    company_id: UUID | None = None
    ticket_number: int | None = None
    note_number: int | None = None
    by: UUID | None = None


class Hashes(NamedTuple):
    """By what a mail is known again: its mailbox with all its bytes, and its body."""

    fingerprint: bytes
    body: bytes


def _mail(row: Record) -> InboundMail:
    values: list[Any] = [InboundState(value) if at == _STATE_AT else value for at, value in enumerate(row[:_WIDTH])]
    return InboundMail(*values)


async def insert(tx: Tx, mail: InboundMail, hashes: Hashes, raw: bytes | None, *, same_since: datetime) -> bool:
    """Store a new mail; False when it was taken before: the same bytes, or the same Message-ID, sender and body since.

    Two deliveries of one Message-ID at a time go one after the other. Served by ``inbound_mail_once`` and
    ``inbound_mail_by_message``.
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


CLAIM_NEXT = f"""
    update inbound_mail i set claimed_until = $4, attempts = attempts + (claimed_until is not null)::integer
     where i.id = (select id from inbound_mail
                    where state = 'waiting' and ($1::timestamptz is null or (received_at, id) > ($1, $2::uuid))
                      and (claimed_until is null or claimed_until <= $3)
                    order by received_at, id limit 1 for update skip locked)
    returning {_COLUMNS}"""


async def claim_next(
    tx: Tx, after: tuple[datetime, UUID] | None, *, until: datetime, now: datetime
) -> InboundMail | None:
    """Take the next mail that waits and that nobody has, after the time and id of another; nobody else gets it before.

    A claim that ran out counts as a try: the process that had the mail died of it. Served by ``inbound_mail_waiting``.
    """
    at, last = after or (None, None)
    row = await tx.write(CLAIM_NEXT, at, last, now, until)
    return None if row is None else _mail(row)


async def release(tx: Tx, mail_id: UUID, *, failed: bool) -> None:
    """Have a mail that was begun wait for another turn. ``failed`` unless what hindered it was no fault of the mail."""
    await tx.write(
        """update inbound_mail set claimed_until = null, attempts = attempts + $2::integer
            where id = $1 and state = 'waiting'""",
        mail_id,
        int(failed),
    )


async def lock_waiting(tx: Tx, mail_id: UUID) -> tuple[InboundMail, bytes] | None:
    """A mail that waits, with its bytes, held until the transaction ends; None when somebody else has it, or had."""
    row = await tx.fetchrow(
        f"select {_COLUMNS}, i.raw from inbound_mail i where i.id = $1 and i.state = 'waiting' for update skip locked",
        mail_id,
    )
    return None if row is None else (_mail(row), row[18] or b"")


async def lock(tx: Tx, mail_id: UUID) -> tuple[InboundMail, bytes | None] | None:
    """A mail with its bytes, if they are still kept, held against changes by others; or None."""
    row = await tx.fetchrow(f"select {_COLUMNS}, i.raw from inbound_mail i where i.id = $1 for update", mail_id)
    return None if row is None else (_mail(row), row[18])


async def get(tx: Tx, mail_id: UUID) -> InboundMail | None:
    """One mail without its bytes, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from inbound_mail i where i.id = $1", mail_id)
    return None if row is None else _mail(row)


async def raw(tx: Tx, mail_id: UUID) -> bytes | None:
    """A mail as it came, or None when there is none, or none any more."""
    found: bytes | None = await tx.fetchval("select raw from inbound_mail where id = $1", mail_id)
    return found


PAGE = f"""select {_COLUMNS} from inbound_mail i
    where ($1::timestamptz is null or (i.received_at, i.id) < ($1, $2::uuid))
    order by i.received_at desc, i.id desc limit $3"""
PAGE_IN_STATE = f"""select {_COLUMNS} from inbound_mail i
    where i.state = $4 and ($1::timestamptz is null or (i.received_at, i.id) < ($1, $2::uuid))
    order by i.received_at desc, i.id desc limit $3"""


async def page(
    tx: Tx, *, state: InboundState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[InboundMail]:
    """Mails, newest first, before the time and id of another.

    Served by ``inbound_mail_newest``, and of one state by ``inbound_mail_by_state``.
    """
    at, last = before or (None, None)
    if state is None:
        rows = await tx.fetch(PAGE, at, last, limit)
    else:
        rows = await tx.fetch(PAGE_IN_STATE, at, last, limit, state)
    return [_mail(row) for row in rows]


async def decide(
    tx: Tx, mail_id: UUID, outcome: InboundMailOutcome, *, now: datetime | None, failures: int = 0
) -> None:
    """Note what became of a mail, and more failures; ``now`` is None while a person has still to say."""
    await tx.write(
        """update inbound_mail set state = $2, reason = $3, company_id = $4, ticket_number = $5, note_number = $6,
                  decided_by = $7, decided_at = $8, claimed_until = null, attempts = attempts + $9 where id = $1""",
        mail_id,
        *outcome,
        now,
        failures,
    )


async def count_from_sender(tx: Tx, sender: str, *, since: datetime, until: datetime, most: int) -> int:
    """How many mails of a sender came after ``since`` and up to ``until``, counted up to ``most``.

    Served by ``inbound_mail_of_sender``.
    """
    found: int = await tx.fetchval(
        """select count(*) from (
               select from inbound_mail where lower(sender) = $1 and received_at > $2 and received_at <= $3 limit $4
           ) counted""",
        sender,
        since,
        until,
        most,
    )
    return found


async def accepted_copy(tx: Tx, mail: InboundMail, *, within: timedelta) -> InboundMail | None:
    """The same mail, by Message-ID, sender and body, that was accepted at another mailbox; or None.

    Whoever asks is alone with the Message-ID until the transaction ends. Served by ``inbound_mail_by_message``.
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
    with gone as (
        update inbound_mail set raw = null
         where id in (select id from inbound_mail
                       where raw is not null and state <> 'waiting' and coalesce(decided_at, received_at) < $1
                       order by coalesce(decided_at, received_at) limit $2 for update skip locked)
        returning id
    )
    select count(*) from gone"""


async def purge_raw(tx: Tx, *, before: datetime, limit: int) -> int:
    """Drop the bytes of mails that were decided before a time, or came before it and were put aside; how many.

    Served by ``inbound_mail_old``.
    """
    row = await tx.write(PURGE_RAW, before, limit)
    return 0 if row is None else int(row[0])


async def users_with_address(tx: Tx, address: str) -> list[tuple[UUID, UUID, bool]]:
    """Every user with an address: company, id, whether it is active. Served by ``app_user_by_address``."""
    rows = await tx.fetch(
        "select company_id, id, is_active from app_user where lower(email) = $1 order by company_id limit 50", address
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def companies_of_sender(tx: Tx, sender: str) -> list[UUID]:
    """The companies for which mail of an address was accepted, as a ticket, or as a note by a person who said so.

    What came in answer does not count: a customer can name anybody's address as the contact. The last 10,000 mails of
    the address are looked at. Served by ``inbound_mail_of_sender``.
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


async def services_named(tx: Tx, company_id: UUID, words: list[str]) -> dict[str, ServiceType]:
    """The services of a company whose ids are among some words. Served by the primary key."""
    rows = await tx.fetch(
        "select id, type from service where company_id = $1 and id = any($2::text[])", company_id, words
    )
    return {row[0]: ServiceType(row[1]) for row in rows}
