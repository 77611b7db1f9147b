"""Conflicts about addresses: a company claims one without a proof that another company has already."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.identity import Company, User
from clearline.platform.database.transactions import Tx

_RELEASES = """select i.company_id, i.received_at, i.state, i.note_number, i.decided_by from inbound_mail i
                where lower(i.sender) = {address} order by i.received_at desc limit 10000"""
_RELEASED = "r.state = 'accepted' and (r.note_number is null or r.decided_by is not null)"
"""The last mails of an address, and which of them somebody released for a company, or became its tickets."""


class HolderKind(StrEnum):
    """Why an address belongs to a company already."""

    USER = "user"
    """A user of it has the address, confirmed."""
    RELEASE = "release"
    """Mail of the address was released from quarantine for it."""


class Holder(Struct, frozen=True):
    """A company that has an address, since when, and with which user."""

    company: Company
    kind: HolderKind
    since: datetime
    user_id: UUID | None = None
    is_active: bool = True


class AddressConflict(Struct, frozen=True):
    """A user whose address is a claim, its company, since when it claims the address, and who has it."""

    company: Company
    user: User
    claimed_at: datetime
    holders: list[Holder] = []


async def holders(tx: Tx, company_id: UUID, address: str) -> list[Holder]:
    """Return the other companies that have an address in lower case, the provider too: at most 20, users first.

    Served by ``app_user_by_address`` and ``inbound_mail_of_sender``.
    """
    users = await tx.fetch(
        """select c.id, c.name, c.code, u.created_at, u.id, u.is_active
             from app_user u join company c on c.id = u.company_id
            where lower(u.email) = $1 and u.is_confirmed and u.company_id <> $2 order by u.created_at, c.id limit 20""",
        address,
        company_id,
    )
    releases = await tx.fetch(
        f"""select c.id, c.name, c.code, min(r.received_at)
              from ({_RELEASES.format(address="$1")}) r join company c on c.id = r.company_id
             where {_RELEASED} and r.company_id <> $2 and r.company_id <> all($3)
             group by c.id order by 4, c.id limit 20""",
        address,
        company_id,
        [row[0] for row in users],
    )
    by_user = [Holder(Company(*row[:3]), HolderKind.USER, row[3], row[4], row[5]) for row in users]
    return [*by_user, *(Holder(Company(*row[:3]), HolderKind.RELEASE, row[3]) for row in releases)][:20]


async def page(tx: Tx, *, after: tuple[str, UUID] | None = None, limit: int | None = None) -> list[AddressConflict]:
    """Return the conflicts after an address in lower case and a company, by these, without their holders.

    The claims of inactive users, and those that were refused, are left out. Served by ``app_user_claimed``.
    """
    address, company_id = after or ("", UUID(int=0))
    rows = await tx.fetch(
        f"""select {USER}, c.id, c.name, c.code, coalesce(m.created_at, u.created_at)
              from app_user u join company c on c.id = u.company_id
              left join account_mail m
                on m.company_id = u.company_id and m.address = lower(u.email) and m.kind = 'invitation'
             where not u.is_confirmed and u.is_active and m.refused_at is null
               and (lower(u.email), u.company_id) > ($1, $2)
               and (exists (select from app_user h where lower(h.email) = lower(u.email) and h.is_confirmed
                                                     and h.company_id <> u.company_id)
                    or exists (select from ({_RELEASES.format(address="lower(u.email)")}) r
                                where {_RELEASED} and r.company_id <> u.company_id))
             order by lower(u.email), u.company_id limit $3""",
        address,
        company_id,
        limit,
    )
    return [
        AddressConflict(Company(*row[USER_WIDTH : USER_WIDTH + 3]), user_of(row), row[USER_WIDTH + 3]) for row in rows
    ]
