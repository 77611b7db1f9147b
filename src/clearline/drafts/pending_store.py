"""Messages that were sent and can still be taken back."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from clearline.drafts.pending_domain import PendingMessage
from clearline.drafts.store import read_facts, written_facts
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.workspace.domain import Macro

_COLUMNS = """company_id, ticket_number, id, user_id, author, text, visibility, then_status, created_at, due_at,
    failure, macro::text, facts::text"""
_read_macro = msgspec.json.Decoder(Macro).decode


def _message(row: Record) -> PendingMessage:
    company_id, number, message_id, user_id, author, text, visibility, then, created_at, due_at, *others = row
    failure, used, facts = others
    status = Status(then) if then else None
    macro = None if used is None else _read_macro(used)
    return PendingMessage(
        company_id, number, message_id, user_id, author, text, Visibility(visibility), status, created_at, due_at,
        failure, macro, read_facts(facts),
    )  # fmt: skip


async def insert(tx: Tx, message: PendingMessage) -> None:
    """Store a message."""
    *values, then, created_at, due_at, failure, macro, facts = astuple(message)
    await tx.write(
        """insert into pending_message (company_id, ticket_number, id, user_id, author, text, visibility, then_status,
                                        created_at, due_at, failure, macro, facts)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb, $13::text::jsonb)""",
        *values,
        then or "",
        created_at,
        due_at,
        failure,
        None if macro is None else msgspec.json.encode(macro).decode(),
        written_facts(facts),
    )


async def of_ticket(tx: Tx, company_id: UUID, number: int) -> list[PendingMessage]:
    """Return the messages of a ticket in the order in which they were written. Served by the primary key."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from pending_message where company_id = $1 and ticket_number = $2 order by position",
        company_id,
        number,
    )
    return [_message(row) for row in rows]


async def lock_waiting(tx: Tx, company_id: UUID, number: int, user_id: UUID) -> list[PendingMessage]:
    """Lock the messages of a user that a ticket waits for, due or not, and return them in their order.

    Waits for a transaction that is sending one. Served by the primary key.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from pending_message
             where company_id = $1 and ticket_number = $2 and user_id = $3 and failure = ''
             order by position for update""",
        company_id,
        number,
        user_id,
    )
    return [_message(row) for row in rows]


async def failed(tx: Tx, *, limit: int) -> list[tuple[UUID, int]]:
    """Return the authors and tickets of messages that could not be sent. Served by ``pending_message_failed``."""
    rows = await tx.fetch(
        """select distinct user_id, ticket_number from pending_message where failure <> ''
            order by user_id, ticket_number limit $1""",
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def lock_due(tx: Tx, *, now: datetime) -> PendingMessage | None:
    """Lock the message that is due first and is not locked, until the transaction ends; return it, or None.

    The messages of a ticket are sent in the order in which they were written: one that is postponed holds up those
    after it. Served by ``pending_message_due``, and the primary key for those before it.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS} from pending_message m where failure = '' and due_at <= $1
               and not exists (select from pending_message before
                                where before.company_id = m.company_id and before.ticket_number = m.ticket_number
                                  and before.failure = '' and before.position < m.position)
             order by due_at, position limit 1 for update skip locked""",
        now,
    )
    return None if row is None else _message(row)


async def take(tx: Tx, company_id: UUID, number: int, message_id: UUID, *, by: UUID) -> PendingMessage | None:
    """Delete a message of a user, or one that could not be sent; return it, or None when there is none.

    Waits for a transaction that is sending it.
    """
    row = await tx.write(
        f"""delete from pending_message
             where company_id = $1 and ticket_number = $2 and id = $3 and (user_id = $4 or failure <> '')
            returning {_COLUMNS}""",
        company_id,
        number,
        message_id,
        by,
    )
    return None if row is None else _message(row)


async def delete(tx: Tx, message: PendingMessage) -> None:
    """Delete a locked message: it is sent in the same transaction."""
    await tx.write(
        "delete from pending_message where company_id = $1 and ticket_number = $2 and id = $3",
        message.company_id,
        message.ticket_number,
        message.id,
    )


async def fail(tx: Tx, message: PendingMessage, failure: str) -> None:
    """Store why a message could not be sent, if it is still there."""
    await tx.write(
        "update pending_message set failure = $4 where company_id = $1 and ticket_number = $2 and id = $3",
        message.company_id,
        message.ticket_number,
        message.id,
        failure,
    )


async def postpone(tx: Tx, message: PendingMessage, *, until: datetime) -> None:
    """Store that a message is due later, if it is still there."""
    await tx.write(
        "update pending_message set due_at = $4 where company_id = $1 and ticket_number = $2 and id = $3",
        message.company_id,
        message.ticket_number,
        message.id,
        until,
    )


async def shorten_waits(tx: Tx, *, longest: datetime, now: datetime) -> int:
    """Make the messages due that would wait beyond ``longest``; return how many. Served by ``pending_message_due``."""
    row = await tx.write(
        """with shortened as (
               update pending_message set due_at = $2 where failure = '' and due_at > $1 returning 1)
           select count(*) from shortened""",
        longest,
        now,
    )
    return 0 if row is None else int(row[0])
