"""Mails that may hold the words of tickets: read in pages, rewritten one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx

REFERENCES_MAX = 2000
"""The most Message-IDs of a ticket, the newest, by which mails are found that belong to no ticket."""


class RawMail(NamedTuple):
    """A mail with its content. ``at`` and ``id`` are its key; ``texts`` are the columns that hold parts of it."""

    company_id: UUID | None
    id: UUID
    at: datetime
    texts: tuple[str | None, ...]
    raw: bytes | None


def _mail(row: Record) -> RawMail:
    """Return the mail in a row: its company, id and time, the columns that hold parts of it, and its content."""
    company_id, mail_id, at, *texts, raw = row
    return RawMail(company_id, mail_id, at, tuple(texts), raw)


_INBOUND = "select company_id, id, received_at, subject, sender, envelope_from, reason, raw from inbound_mail"


async def inbound_of(
    tx: Tx, company_id: UUID, numbers: Sequence[int], *, after: tuple[datetime, UUID], limit: int
) -> list[RawMail]:
    """Lock the next mails that tickets came from, oldest first; return them. Served by ``inbound_mail_of_ticket``."""
    rows = await tx.fetch(
        f"""{_INBOUND} where company_id = $1 and ticket_number = any($2) and (received_at, id) > ($3, $4)
             order by received_at, id limit $5 for update""",
        company_id,
        numbers,
        *after,
        limit,
    )
    return [_mail(row) for row in rows]


async def references(tx: Tx, company_id: UUID, numbers: Sequence[int]) -> list[str]:
    """Return the newest Message-IDs of tickets. Served by the primary key of mail_reference."""
    rows = await tx.fetch(
        """select message_id from mail_reference where company_id = $1 and ticket_number = any($2)
            order by created_at desc, message_id limit $3""",
        company_id,
        numbers,
        REFERENCES_MAX,
    )
    return [row[0] for row in rows]


async def inbound_without_ticket(tx: Tx, *, after: tuple[datetime, UUID], limit: int) -> list[tuple[datetime, UUID]]:
    """Return the keys of the next mails that belong to no ticket and have their content, oldest first.

    Served by ``inbound_mail_newest``.
    """
    rows = await tx.fetch(
        """select received_at, id from inbound_mail
            where (received_at, id) > ($1, $2) and ticket_number is null and raw is not null
            order by received_at, id limit $3""",
        *after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def inbound_naming(tx: Tx, ids: Sequence[UUID], names: Sequence[bytes]) -> list[RawMail]:
    """Lock those of some mails that name one of ``names`` in their bytes; return them. Served by the primary key."""
    rows = await tx.fetch(
        f"""{_INBOUND} where id = any($1) and raw is not null
               and exists (select from unnest($2::bytea[]) name where position(name in raw) > 0)
             order by received_at, id for update""",
        ids,
        names,
    )
    return [_mail(row) for row in rows]


async def save_inbound(tx: Tx, mail: RawMail, texts: Sequence[str | None], raw: bytes | None) -> None:
    """Store a rewritten mail."""
    await tx.write(
        "update inbound_mail set subject = $2, sender = $3, envelope_from = $4, reason = $5, raw = $6 where id = $1",
        mail.id,
        *texts,
        raw,
    )


_OUTBOUND = "select company_id, id, created_at, subject, last_error, message from outbound_mail"


async def outbound_of(
    tx: Tx, company_id: UUID, numbers: Sequence[int], *, after: tuple[datetime, UUID], limit: int
) -> list[RawMail]:
    """Lock the next mails about tickets, oldest first, and return them. Served by ``outbound_mail_of_ticket``."""
    rows = await tx.fetch(
        f"""{_OUTBOUND} where company_id = $1 and ticket_number = any($2) and (created_at, id) > ($3, $4)
             order by created_at, id limit $5 for update""",
        company_id,
        numbers,
        *after,
        limit,
    )
    return [_mail(row) for row in rows]


async def outbound_without_ticket(tx: Tx, *, after: tuple[datetime, UUID], limit: int) -> list[RawMail]:
    """Lock the next mails about no ticket, or about several, oldest first; return them.

    Served by ``outbound_mail_newest``.
    """
    rows = await tx.fetch(
        f"""{_OUTBOUND} where (created_at, id) > ($1, $2) and ticket_number is null
             order by created_at, id limit $3 for update""",
        *after,
        limit,
    )
    return [_mail(row) for row in rows]


async def save_outbound(tx: Tx, mail: RawMail, texts: Sequence[str | None], message: bytes) -> None:
    """Store a rewritten mail. Served by the primary key."""
    await tx.write(
        """update outbound_mail set subject = $3, last_error = $4, message = $5
            where company_id = $1 and id = $2""",
        mail.company_id,
        mail.id,
        *texts,
        message,
    )


async def inbound_raw(tx: Tx, company_id: UUID, numbers: Sequence[int], mail_id: UUID) -> bytes | None:
    """Return the content of a mail of tickets; empty if it was deleted, None if there is no such mail."""
    row = await tx.fetchrow(
        "select raw from inbound_mail where id = $1 and company_id = $2 and ticket_number = any($3)",
        mail_id,
        company_id,
        numbers,
    )
    return None if row is None else row[0] or b""


async def outbound_raw(tx: Tx, company_id: UUID, numbers: Sequence[int], mail_id: UUID) -> bytes | None:
    """Return the content of a mail about tickets, None if there is no such mail. Served by the primary key."""
    row = await tx.fetchrow(
        "select message from outbound_mail where company_id = $1 and id = $2 and ticket_number = any($3)",
        company_id,
        mail_id,
        numbers,
    )
    return None if row is None else row[0]
