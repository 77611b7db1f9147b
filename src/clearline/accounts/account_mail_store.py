"""Mail about the addresses of users, until it is handed to the outbound queue: invitations, and notices."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from clearline.platform.database.transactions import Tx

_COLUMNS = "m.company_id, m.id, m.kind, m.address, m.created_at"


class AccountMailKind(StrEnum):
    """What a mail about an address says."""

    INVITATION = "invitation"
    """Confirm the address. An address gets it once from each company."""
    ADDRESS_CHANGED = "address_changed"
    """The user has another address now."""


class AccountMail(Struct, frozen=True):
    """A mail to an address, in lower case, about a user of the company."""

    company_id: UUID
    id: UUID
    kind: AccountMailKind
    address: str
    created_at: datetime


async def insert(tx: Tx, mail: AccountMail) -> bool:
    """Store a mail; False when it is an invitation, and the company invited the address before."""
    row = await tx.write(
        """insert into account_mail (company_id, id, kind, address, created_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning id""",
        *astuple(mail),
    )
    return row is not None


async def invitations_since(tx: Tx, company_id: UUID, since: datetime) -> int:
    """Return how many addresses a company had invited since a time. Served by ``account_mail_recent``."""
    count: int = await tx.fetchval(
        "select count(*) from account_mail where company_id = $1 and kind = 'invitation' and created_at > $2",
        company_id,
        since,
    )
    return count


async def lock_unsent(tx: Tx, *, limit: int) -> list[AccountMail]:
    """Lock and return the oldest mails that are not sent, until the transaction ends.

    Served by ``account_mail_unsent``.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from account_mail m where m.sent_at is null
             order by m.created_at, m.company_id, m.id limit $1 for update skip locked""",
        limit,
    )
    return [AccountMail(row[0], row[1], AccountMailKind(row[2]), row[3], row[4]) for row in rows]


async def mark_sent(tx: Tx, mail: AccountMail, *, now: datetime) -> None:
    """Store that a mail was handed to the outbound queue."""
    await tx.write(
        "update account_mail set sent_at = $3 where company_id = $1 and id = $2", mail.company_id, mail.id, now
    )


async def invitation(tx: Tx, invitation_id: UUID) -> AccountMail | None:
    """Return the invitation of an id, or None. Served by ``account_mail_by_id``."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from account_mail m where m.id = $1 and m.kind = 'invitation'", invitation_id
    )
    return None if row is None else AccountMail(row[0], row[1], AccountMailKind(row[2]), row[3], row[4])
