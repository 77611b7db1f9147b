"""Routing rules, in their order."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import astuple

from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Record, Tx
from clearline.routing.domain import RoutingRule
from clearline.tickets.domain import IssueType, Priority

_COLUMNS = """r.id, r.position, r.name, r.queue_id, r.issue_types, r.service_types, r.company_ids, r.priorities,
    r.keywords, r.is_active, r.created_at"""


class RuleDetails(NamedTuple):
    """A rule with the name of its queue."""

    rule: RoutingRule
    queue_name: str


def _rule(row: Record) -> RoutingRule:
    return RoutingRule(
        row[0],
        row[1],
        row[2],
        row[3],
        tuple(IssueType(one) for one in row[4]),
        tuple(ServiceType(one) for one in row[5]),
        tuple(row[6]),
        tuple(Priority(one) for one in row[7]),
        tuple(row[8]),
        row[9],
        row[10],
    )


def _details(row: Record) -> RuleDetails:
    return RuleDetails(_rule(row), row[11])


_DETAILS = f"select {_COLUMNS}, q.name from routing_rule r join queue q on q.id = r.queue_id"

PAGE = f"{_DETAILS} where r.position > $1 order by r.position, r.id limit $2"


async def page(tx: Tx, *, after: int, limit: int) -> list[RuleDetails]:
    """Rules in order, behind the position ``after``. Served by ``routing_rule_in_order``."""
    return [_details(row) for row in await tx.fetch(PAGE, after, limit)]


async def get(tx: Tx, rule_id: UUID) -> RuleDetails | None:
    """One rule, or None. Served by the primary key."""
    row = await tx.fetchrow(f"{_DETAILS} where r.id = $1", rule_id)
    return None if row is None else _details(row)


async def every(tx: Tx) -> list[RuleDetails]:
    """All the rules in order, inactive ones too. Served by ``routing_rule_in_order``; there are few."""
    return [_details(row) for row in await tx.fetch(f"{_DETAILS} order by r.position, r.id")]


async def active(tx: Tx) -> list[RoutingRule]:
    """The rules that route, in order. Served by ``routing_rule_in_order``."""
    rows = await tx.fetch(f"select {_COLUMNS} from routing_rule r where r.is_active order by r.position, r.id")
    return [_rule(row) for row in rows]


async def unknown_companies(tx: Tx, company_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these are no customers. Served by the primary key of company."""
    rows = await tx.fetch(
        """select wanted.id from unnest($1::uuid[]) wanted (id)
            where not exists (select from company c where c.id = wanted.id and not c.is_provider)""",
        company_ids,
    )
    return [row[0] for row in rows]


async def save(tx: Tx, rule: RoutingRule) -> None:
    """Store a rule, new or known; its position is ``place``'s to set when it is known."""
    await tx.write(
        """insert into routing_rule (id, position, name, queue_id, issue_types, service_types, company_ids,
                                     priorities, keywords, is_active, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           on conflict (id) do update set name = excluded.name, queue_id = excluded.queue_id,
               issue_types = excluded.issue_types, service_types = excluded.service_types,
               company_ids = excluded.company_ids, priorities = excluded.priorities, keywords = excluded.keywords,
               is_active = excluded.is_active""",
        *astuple(rule),
    )


async def place(tx: Tx, rule_ids: Sequence[UUID]) -> None:
    """Give the rules the positions from 1 that they have here."""
    await tx.write(
        """update routing_rule r set position = wanted.position
             from unnest($1::uuid[]) with ordinality wanted (id, position)
            where r.id = wanted.id and r.position <> wanted.position""",
        rule_ids,
    )


async def delete(tx: Tx, rule_id: UUID) -> None:
    """Forget a rule; the gap it leaves is ``place``'s to close."""
    await tx.write("delete from routing_rule where id = $1", rule_id)
