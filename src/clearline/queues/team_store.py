"""Teams and their members."""

from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from clearline.identity import AGENT_ROLES, PROVIDER_ID
from clearline.platform.database.transactions import Record, Tx
from clearline.queues.domain import Agent, Member, Team


class TeamDetails(NamedTuple):
    """A team with its members by name, and the names of its queues."""

    team: Team
    members: list[Member]
    queues: list[str]


_DETAILS = """
    select t.id, t.name, t.created_at,
           (select json_agg(json_build_object('id', u.id, 'name', u.name, 'email', u.email, 'role', u.role,
                                              'is_active', u.is_active, 'is_available', u.is_available)
                            order by u.name, u.id)
              from team_member m join app_user u on u.company_id = $1 and u.id = m.user_id
             where m.team_id = t.id),
           (select coalesce(array_agg(q.name order by lower(q.name)), '{}') from queue q where q.team_id = t.id)
      from team t"""

_decode_members = msgspec.json.Decoder(list[Member]).decode


def _details(row: Record) -> TeamDetails:
    return TeamDetails(Team(row[0], row[1], row[2]), _decode_members(row[3]) if row[3] else [], row[4])


async def get(tx: Tx, team_id: UUID) -> TeamDetails | None:
    """Return a team, or None. Served by the primary keys of team and team_member."""
    row = await tx.fetchrow(f"{_DETAILS} where t.id = $2", PROVIDER_ID, team_id)
    return None if row is None else _details(row)


async def find(tx: Tx, name: str) -> TeamDetails | None:
    """Return the team of this name, in any case, or None. Served by ``team_name``."""
    row = await tx.fetchrow(f"{_DETAILS} where lower(t.name) = lower($2)", PROVIDER_ID, name)
    return None if row is None else _details(row)


PAGE = f"{_DETAILS} where lower(t.name) > lower($2) order by lower(t.name) limit $3"


async def page(tx: Tx, *, after: str | None, limit: int) -> list[TeamDetails]:
    """Return the teams after the name ``after``, by name. Served by ``team_name``."""
    rows = await tx.fetch(PAGE, PROVIDER_ID, after or "", limit)
    return [_details(row) for row in rows]


async def save(tx: Tx, team: Team) -> bool:
    """Store a team, new or changed; False when another team has its name, in any case. The caller locks the setup."""
    row = await tx.write(
        """insert into team (id, name, created_at) select $1, $2, $3
            where not exists (select from team where lower(name) = lower($2) and id <> $1)
           on conflict (id) do update set name = $2 returning id""",
        *astuple(team),
    )
    return row is not None


async def delete(tx: Tx, team_id: UUID) -> None:
    """Forget a team that works no queue, and who belonged to it."""
    await tx.write("delete from team where id = $1", team_id)


async def join(tx: Tx, team_id: UUID, user_id: UUID) -> bool:
    """Add a person to a team; False when it is a member already."""
    row = await tx.write(
        "insert into team_member (team_id, user_id) values ($1, $2) on conflict do nothing returning user_id",
        team_id,
        user_id,
    )
    return row is not None


async def leave(tx: Tx, team_id: UUID, user_id: UUID) -> bool:
    """Remove a person from a team; False when it was no member."""
    row = await tx.write(
        "delete from team_member where team_id = $1 and user_id = $2 returning user_id", team_id, user_id
    )
    return row is not None


AGENTS = """
    select u.id, u.name,
           (select count(*) from ticket t where t.assignee_id = u.id and t.is_open)
      from team_member m join app_user u on u.company_id = $1 and u.id = m.user_id
     where m.team_id = $2 and u.is_active and u.is_available and u.role = any($3)
       and (u.only_queues is null or $4 = any(u.only_queues))
       and ($5::uuid is null or u.only_companies is null or $5 = any(u.only_companies))
       and not exists (select from mail_suppression s where s.address = lower(u.email) and s.reason = 'bounce')
     order by u.name, u.id"""


async def agents(tx: Tx, team_id: UUID, queue_id: UUID, company_id: UUID | None) -> list[Agent]:
    """Return the members of a team who can be assigned a ticket of a company in a queue automatically now, by name.

    Those to whom their limits do not leave it are left out; without a company those of the queue count. Those whose
    address bounces are left out. Served by the primary keys of team_member, app_user and mail_suppression; tickets are
    counted in ``ticket_open_by_assignee``.
    """
    return [Agent(*row) for row in await tx.fetch(AGENTS, PROVIDER_ID, team_id, AGENT_ROLES, queue_id, company_id)]


async def set_available(tx: Tx, user_id: UUID, *, available: bool) -> bool:
    """Store whether a person of the provider is assigned tickets automatically; False when that is no change."""
    row = await tx.write(
        """update app_user set is_available = $3, version = version + 1
            where company_id = $1 and id = $2 and is_available <> $3 returning id""",
        PROVIDER_ID,
        user_id,
        available,
    )
    return row is not None
