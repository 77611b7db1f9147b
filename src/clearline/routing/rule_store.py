"""Routing rules, in their order."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import astuple

from clearline.catalogue.assessment import Priority
from clearline.platform.database.transactions import Record, Tx
from clearline.routing.domain import RoutingRule

_COLUMNS = """r.id, r.position, r.name, r.queue_id, r.issue_types, r.service_types, r.company_ids, r.priorities,
    r.keywords, r.is_active, r.created_at, r.fields"""


class RuleDetails(NamedTuple):
    """A rule with the name of its queue, and the rule before it that takes all its tickets, if there is one."""

    rule: RoutingRule
    queue_name: str
    shadowed_by: RoutingRule | None = None


def _rule(row: Record) -> RoutingRule:
    return RoutingRule(
        row[0],
        row[1],
        row[2],
        row[3],
        tuple(row[4]),
        tuple(row[5]),
        tuple(row[6]),
        tuple(map(Priority, row[7])),
        tuple(row[8]),
        row[9],
        row[10],
        tuple(row[11]),
    )


def _details(row: Record) -> RuleDetails:
    return RuleDetails(_rule(row), row[12])


_DETAILS = f"select {_COLUMNS}, q.name from routing_rule r join queue q on q.id = r.queue_id"

PAGE = f"{_DETAILS} where r.position > $1 order by r.position, r.id limit $2"


async def page(tx: Tx, *, after: int, limit: int) -> list[RuleDetails]:
    """Return the rules after the position ``after``, in order. Served by ``routing_rule_in_order``."""
    return [_details(row) for row in await tx.fetch(PAGE, after, limit)]


async def get(tx: Tx, rule_id: UUID) -> RuleDetails | None:
    """Return a rule, or None. Served by the primary key."""
    row = await tx.fetchrow(f"{_DETAILS} where r.id = $1", rule_id)
    return None if row is None else _details(row)


async def all_rules(tx: Tx) -> list[RuleDetails]:
    """Return all rules in order, inactive ones too. Served by ``routing_rule_in_order``; there are few."""
    return [_details(row) for row in await tx.fetch(f"{_DETAILS} order by r.position, r.id")]


async def active_rules(tx: Tx) -> list[RoutingRule]:
    """Return the active rules in order. Served by ``routing_rule_in_order``."""
    rows = await tx.fetch(f"select {_COLUMNS} from routing_rule r where r.is_active order by r.position, r.id")
    return [_rule(row) for row in rows]


async def unknown_companies(tx: Tx, company_ids: Sequence[UUID]) -> list[UUID]:
    """Return the ids that are not of customers. Served by the primary key of company."""
    rows = await tx.fetch(
        """select named.id from unnest($1::uuid[]) named (id)
            where not exists (select from company c where c.id = named.id and not c.is_provider)""",
        company_ids,
    )
    return [row[0] for row in rows]


async def save(tx: Tx, rule: RoutingRule) -> None:
    """Store a rule, new or changed; ``set_order`` changes the position of one that exists."""
    await tx.write(
        """insert into routing_rule (id, position, name, queue_id, issue_types, service_types, company_ids,
                                     priorities, keywords, is_active, created_at, fields)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (id) do update set name = excluded.name, queue_id = excluded.queue_id,
               issue_types = excluded.issue_types, service_types = excluded.service_types,
               company_ids = excluded.company_ids, priorities = excluded.priorities, keywords = excluded.keywords,
               is_active = excluded.is_active, fields = excluded.fields""",
        *astuple(rule),
    )


async def set_order(tx: Tx, rule_ids: Sequence[UUID]) -> None:
    """Set the position of each rule to its place in the list, from 1."""
    await tx.write(
        """update routing_rule r set position = wanted.position
             from unnest($1::uuid[]) with ordinality wanted (id, position)
            where r.id = wanted.id and r.position <> wanted.position""",
        rule_ids,
    )


async def delete(tx: Tx, rule_id: UUID) -> None:
    """Delete a rule; ``set_order`` closes the gap."""
    await tx.write("delete from routing_rule where id = $1", rule_id)
