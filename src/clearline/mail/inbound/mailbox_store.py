"""Mailboxes."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """m.id, m.address, m.created_at, m.name, m.queue_id, m.is_active, m.imap_host, m.imap_port, m.imap_tls,
    m.imap_user, m.imap_secret, m.imap_folder, m.form_addresses, m.polled_at, m.last_error"""


def _mailbox(row: Record) -> Mailbox:
    mailbox = Mailbox(*row)
    return replace(mailbox, form_addresses=tuple(mailbox.form_addresses))


PAGE = f"select {_COLUMNS} from mailbox m where lower(m.address) > lower($1) order by lower(m.address) limit $2"


async def page(tx: Tx, *, after: str | None, limit: int) -> list[Mailbox]:
    """Return mailboxes by address, ignoring case, after an address. Served by ``mailbox_address``."""
    return [_mailbox(row) for row in await tx.fetch(PAGE, after or "", limit)]


async def get(tx: Tx, mailbox_id: UUID) -> Mailbox | None:
    """Return a mailbox, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from mailbox m where m.id = $1", mailbox_id)
    return None if row is None else _mailbox(row)


async def find(tx: Tx, addresses: Sequence[str]) -> list[Mailbox]:
    """Return the mailboxes with these addresses in lower case, active or not. Served by ``mailbox_address``."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from mailbox m where lower(m.address) = any($1::text[]) order by lower(m.address)",
        list(addresses),
    )
    return [_mailbox(row) for row in rows]


async def polled(tx: Tx) -> list[Mailbox]:
    """Return the active mailboxes with an IMAP host, the one polled longest ago first.

    Reads the whole table, which is small.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from mailbox m
             where m.is_active and m.imap_host is not null and m.imap_secret is not null
             order by m.polled_at nulls first, m.id"""
    )
    return [_mailbox(row) for row in rows]


async def expects_mail(tx: Tx) -> bool:
    """Return whether there is a mailbox, or mail that waits. Reads a row of each, by ``inbound_mail_waiting``."""
    is_expected = await tx.fetchval(
        "select exists (select from mailbox) or exists (select from inbound_mail where state = 'waiting')"
    )
    return is_expected is True


async def is_taken(tx: Tx, address: str, *, but: UUID) -> bool:
    """Return whether a mailbox other than ``but`` has the address, ignoring case. Served by ``mailbox_address``."""
    in_use = await tx.fetchval("select true from mailbox where lower(address) = lower($1) and id <> $2", address, but)
    return in_use is True


async def save(tx: Tx, mailbox: Mailbox) -> None:
    """Store a new or changed mailbox, except for the result of its last poll. The address must be free."""
    await tx.write(
        """
        insert into mailbox (id, address, created_at, name, queue_id, is_active, imap_host, imap_port, imap_tls,
                             imap_user, imap_secret, imap_folder, form_addresses)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict (id) do update set address = $2, name = $4, queue_id = $5, is_active = $6, imap_host = $7,
               imap_port = $8, imap_tls = $9, imap_user = $10, imap_secret = $11, imap_folder = $12,
               form_addresses = $13
        """,
        mailbox.id,
        mailbox.address,
        mailbox.created_at,
        mailbox.name,
        mailbox.queue_id,
        mailbox.is_active,
        mailbox.imap_host,
        mailbox.imap_port,
        mailbox.imap_tls,
        mailbox.imap_user,
        mailbox.imap_secret,
        mailbox.imap_folder,
        list(mailbox.form_addresses),
    )


async def note_poll(tx: Tx, mailbox_id: UUID, error: str | None, *, now: datetime) -> None:
    """Store the time and the error of a poll."""
    await tx.write(
        """update mailbox set polled_at = $2, last_error = $3::text,
                  failing_since = case when $3::text is not null then coalesce(failing_since, $2) end
            where id = $1""",
        mailbox_id,
        now,
        error,
    )


class PollState(NamedTuple):
    """The polls of a mailbox: when one ended last, and since when and why they fail."""

    address: str
    polled_at: datetime
    failing_since: datetime | None
    last_error: str | None


async def poll_states(tx: Tx) -> list[PollState]:
    """Return the state of each mailbox that is polled, by address; before its first poll the time it was added."""
    rows = await tx.fetch(
        """select address, coalesce(polled_at, created_at), failing_since, last_error from mailbox
            where is_active and imap_host is not null and imap_secret is not null order by lower(address)"""
    )
    return [PollState(*row) for row in rows]


async def delete(tx: Tx, mailbox_id: UUID) -> None:
    """Delete a mailbox. Its mail stays."""
    await tx.write("delete from mailbox where id = $1", mailbox_id)


async def lock_polling(tx: Tx) -> bool:
    """Take the advisory lock of polling until the transaction ends; False when another process holds it."""
    is_locked = await tx.fetchval(
        "select pg_try_advisory_xact_lock(hashtextextended($1, 0))", "clearline polls mailboxes"
    )
    return is_locked is True


async def count_passwords(tx: Tx) -> int:
    """Return how many mailboxes have a password. There are few mailboxes: all are read."""
    count: int = await tx.fetchval("select count(*) from mailbox where imap_secret is not null")
    return count
