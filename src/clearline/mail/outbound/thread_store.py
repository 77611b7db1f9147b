"""Which ticket a Message-ID belongs to, of mail in either direction."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx


class Reference(NamedTuple):
    """The ticket that a Message-ID belongs to."""

    company_id: UUID
    ticket_number: int


async def add(tx: Tx, company_id: UUID, number: int, message_id: str, *, recipient: str = "", now: datetime) -> None:
    """Note that a mail belongs to a ticket. ``message_id`` has its angle brackets; noting it again changes nothing.

    ``recipient`` is whom we wrote to, in small letters, and empty for a mail that came in.
    """
    await tx.write(
        """insert into mail_reference (company_id, ticket_number, message_id, recipient, created_at)
           values ($1, $2, $3, $4, $5) on conflict do nothing""",
        company_id,
        number,
        message_id,
        recipient,
        now,
    )


async def find(tx: Tx, message_ids: list[str], *, recipient: str | None = None, limit: int = 20) -> list[Reference]:
    """The tickets that any of the mails belong to, each once, the one of the newest mail first.

    With a ``recipient``, in small letters, only mails that we wrote to it count. Whoever uses it decides whether the
    writer may speak about that ticket. Served by ``mail_reference_by_id``.
    """
    rows = await tx.fetch(
        """select company_id, ticket_number from mail_reference where message_id = any($1::text[])
              and ($3::text is null or recipient = $3)
            group by company_id, ticket_number order by max(created_at) desc, ticket_number desc limit $2""",
        message_ids,
        limit,
        recipient,
    )
    return [Reference(row[0], row[1]) for row in rows]


async def thread(tx: Tx, company_id: UUID, number: int, recipient: str, *, first: int, last: int) -> list[str]:
    """The ids of mails of a ticket that a recipient's mail program may know, oldest first; a thread may have thousands.

    Those are the first that came in, which often are the recipient's own, and the last that came in or that we wrote to
    it. What we wrote to others is not told: whoever knows an id can pretend that the mail bounced.
    Served by ``mail_reference_in_order``.
    """
    rows = await tx.fetch(
        """
        with latest as (
            (select message_id, created_at from mail_reference
              where company_id = $1 and ticket_number = $2 and recipient = ''
              order by created_at desc, message_id desc limit $5)
            union all
            (select message_id, created_at from mail_reference
              where company_id = $1 and ticket_number = $2 and recipient = $3
              order by created_at desc, message_id desc limit $5)
            order by created_at desc, message_id desc limit $5)
        select message_id from (
            (select message_id, created_at from mail_reference
              where company_id = $1 and ticket_number = $2 and recipient = ''
              order by created_at, message_id limit $4)
            union
            select message_id, created_at from latest) known
         order by created_at, message_id
        """,
        company_id,
        number,
        recipient,
        first,
        last,
    )
    return [row[0] for row in rows]
