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


async def count(tx: Tx, company_id: UUID, *, since: datetime, until: datetime) -> int:
    """Return how many mails a company caused within a time; of an address that was reminded in it, all reminders.

    Served by ``account_mail_of_company`` and ``account_mail_reminded``.
    """
    count: int = await tx.fetchval(
        """select (select count(*) from account_mail where company_id = $1 and created_at > $2 and created_at <= $3)
                + (select coalesce(sum(reminders), 0) from account_mail
                    where company_id = $1 and reminded_at > $2 and reminded_at <= $3)""",
        company_id,
        since,
        until,
    )
    return count


class Invitation(Struct, frozen=True):
    """The state of the invitation of an address: when it was written last, how often again, and whether it counts."""

    id: UUID
    written_at: datetime
    reminders: int
    is_refused: bool


async def invitation_of(tx: Tx, company_id: UUID, address: str) -> Invitation | None:
    """Return a company's invitation of an address in lower case, or None. Served by ``account_mail_invitation``."""
    row = await tx.fetchrow(
        """select id, coalesce(reminded_at, created_at), reminders, refused_at is not null from account_mail
            where company_id = $1 and address = $2 and kind = 'invitation'""",
        company_id,
        address,
    )
    return None if row is None else Invitation(*row)


async def send_again(tx: Tx, company_id: UUID, invitation_id: UUID, *, now: datetime) -> None:
    """Have an invitation sent once more."""
    await tx.write(
        """update account_mail set sent_at = null, reminders = reminders + 1, reminded_at = $3
            where company_id = $1 and id = $2""",
        company_id,
        invitation_id,
        now,
    )


async def set_refused(tx: Tx, invitation: AccountMail, *, refused_at: datetime | None) -> None:
    """Store that the provider refused the claim of an address, or that it does not any more.

    Without an earlier invitation the given one is stored, as if it were sent.
    """
    await tx.write(
        """insert into account_mail (company_id, id, kind, address, created_at, sent_at, refused_at)
           values ($1, $2, $3, $4, $5, $5, $6)
           on conflict (company_id, address) where kind = 'invitation' do update set refused_at = $6""",
        *astuple(invitation),
        refused_at,
    )


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
