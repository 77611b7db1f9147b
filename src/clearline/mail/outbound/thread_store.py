"""The ticket that each Message-ID belongs to, for outbound and inbound mail."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx


class Reference(NamedTuple):
    """The ticket that a Message-ID belongs to."""

    company_id: UUID
    ticket_number: int


async def add(tx: Tx, company_id: UUID, number: int, message_id: str, *, recipient: str = "", now: datetime) -> None:
    """Store that a mail belongs to a ticket; a second time changes nothing. ``message_id`` has its angle brackets.

    ``recipient`` is the address of an outbound mail in lower case, and empty for inbound mail.
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
    """Return the tickets that any of the mails belong to, each once, the ticket of the newest mail first.

    With ``recipient``, in lower case, only outbound mail to that address counts. The caller checks whether the sender
    may write to the ticket. Served by ``mail_reference_by_id``.
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
    """Return the Message-IDs of a ticket that the recipient may know, oldest first.

    These are the ``first`` inbound mails, which are often the recipient's own, and the ``last`` ones that were received
    or sent to the recipient. Mails to others are left out: whoever knows a Message-ID can forge a bounce of that mail.
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
