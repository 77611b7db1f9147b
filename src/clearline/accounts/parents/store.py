"""The parents of companies, such as resellers."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from clearline.accounts.domain import PARENT_LEVELS_MAX
from clearline.platform.database.transactions import Tx


class Place(NamedTuple):
    """Where a company would be below a parent.

    ``levels`` are those of the longest line of companies that has both, ``siblings`` the other children of the parent.
    """

    is_cycle: bool
    levels: int
    siblings: int


PLACE = f"""
    with recursive above (id, depth) as (
        select $2::uuid, 1
        union all
        select c.parent_id, a.depth + 1 from above a join company c on c.id = a.id
         where c.parent_id is not null and a.depth <= {PARENT_LEVELS_MAX}
    ), below (id, depth) as (
        select $1::uuid, 1
        union all
        select c.id, b.depth + 1 from below b join company c on c.parent_id = b.id
         where b.depth <= {PARENT_LEVELS_MAX}
    )
    select exists (select from above where id = $1), (select max(depth) from above) + (select max(depth) from below),
           (select count(*) from company where parent_id = $2 and id <> $1)"""


async def place_below(tx: Tx, company_id: UUID, parent_id: UUID) -> Place:
    """Return where a company would be below a parent. Served by ``company_by_parent``."""
    return Place(*await tx.fetchrow(PLACE, company_id, parent_id) or (False, 0, 0))


class PersonOfParent(NamedTuple):
    """The users of parents, current and former ones, who have an address, and whether one of them has access now."""

    users: list[UUID]
    has_access: bool


PEOPLE = """
    select w.company_id, lower(w.email), array_agg(u.id),
           bool_or(u.is_active and parent.deactivated_at is null and c.shares_with_parent and parent.id = c.parent_id)
      from unnest($1::uuid[], $2::text[]) w (company_id, email)
      join company c on c.id = w.company_id
      cross join lateral (
          select c.parent_id union select f.parent_id from former_parent f where f.company_id = c.id) p (id)
      join company parent on parent.id = p.id
      join app_user u on u.company_id = p.id and lower(u.email) = lower(w.email)
     where u.is_confirmed
     group by w.company_id, lower(w.email)"""


async def people_of_parents(tx: Tx, addresses: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], PersonOfParent]:
    """Return which addresses, by company, are of people of its parent or of one that it shared its tickets with before.

    Those whom a parent only claims to have are not among them. Served by ``app_user_email``.
    """
    rows = await tx.fetch(PEOPLE, [company_id for company_id, _ in addresses], [address for _, address in addresses])
    return {(row[0], row[1]): PersonOfParent(row[2], row[3]) for row in rows}
