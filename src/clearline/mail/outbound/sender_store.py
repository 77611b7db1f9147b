"""The sender of mail about a ticket."""

from uuid import UUID

from clearline.mail.outbound.domain import DESK_SENDER, Sender
from clearline.platform.database.transactions import Tx


async def of_ticket(tx: Tx, company_id: UUID, number: int, *, is_listening: bool) -> Sender:
    """Return the sender of the queue that a ticket is in; that of the desk without a queue.

    Mail to its address arrives when it is that of an active mailbox, which is polled or, with ``is_listening``, served
    by the listener. Served by the primary keys of ``ticket`` and ``queue``, and ``mailbox_address``.
    """
    row = await tx.fetchrow(
        """select q.sender_name, q.sender_address,
                  exists (select from mailbox m where lower(m.address) = lower(q.sender_address) and m.is_active
                                                  and ($3 or m.imap_host is not null))
             from ticket t join queue q on q.id = t.queue_id
            where t.company_id = $1 and t.number = $2""",
        company_id,
        number,
        is_listening,
    )
    return DESK_SENDER if row is None else Sender(*row)
