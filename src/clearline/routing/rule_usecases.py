"""Routing rules: list, read, add, change, order and delete them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue.domain import check_known
from clearline.catalogue.usecases import current_catalogue, violations_of
from clearline.errors import InvalidInput, RuleCode, Violation, require_found, require_valid
from clearline.events.domain import Change, changes_between, first_values
from clearline.events.record_changes import append_record_event
from clearline.fields import store as field_store
from clearline.fields.domain import RecordKind
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues.usecases import check_queue_id, lock_setup
from clearline.routing import rule_store
from clearline.routing.domain import CONDITIONS, RoutingRule, check_field_conditions, check_rule, shadowed_rules
from clearline.routing.rule_store import RuleDetails

KIND = "routing_rule"
CHANGEABLE = frozenset({"name", "queue_id", "is_active", "position", *CONDITIONS})
"""The fields that ``change_rule`` can set."""


async def list_rules(tx: Tx, actor: Actor, *, after: int | None, limit: int) -> list[RuleDetails]:
    """Return the rules after the position ``after``, in order. Served by ``routing_rule_in_order``."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _with_shadows(tx, await rule_store.page(tx, after=after or 0, limit=limit))


async def get_rule(tx: Tx, actor: Actor, rule_id: UUID) -> RuleDetails:
    """Return a rule."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _rule(tx, rule_id)


async def lock_rule(tx: Tx, actor: Actor, rule_id: UUID) -> RuleDetails:
    """Lock a rule that the actor is about to change, until the transaction ends."""
    await lock_setup(tx, actor)
    return await get_rule(tx, actor, rule_id)


async def add_rule(
    tx: Tx, actor: Actor, values: Mapping[str, Any], *, position: int | None = None, now: datetime
) -> RuleDetails:
    """Add a rule at a position, by default the last; ``values`` are fields of ``CHANGEABLE``, name and queue at least.

    The rule at that position and those after it move down.
    """
    await lock_setup(tx, actor)
    order = await _order(tx)
    last = len(order) + 1
    rule = replace(_new(last if position is None else position, now), **values)
    await _check(tx, rule, most=last)
    await _save(tx, rule, order)
    await append_record_event(tx, actor, KIND, "created", rule, first_values(rule, CHANGEABLE), now=now)
    return await _rule(tx, rule.id)


def _new(position: int, now: datetime) -> RoutingRule:
    return RoutingRule(uuid4(), position, "", UUID(int=0), (), (), (), (), (), True, now)


async def change_rule(tx: Tx, actor: Actor, rule_id: UUID, values: Mapping[str, Any], *, now: datetime) -> RuleDetails:
    """Set some fields of ``CHANGEABLE``.

    A rule with another position moves there; the rules between its old and new position move by one.
    """
    await lock_setup(tx, actor)
    details = await _rule(tx, rule_id)
    after = replace(details.rule, **values)
    if not (changes := changes_between(details.rule, after)):
        return details
    order = await _order(tx)
    await _check(tx, after, most=len(order))
    order.remove(rule_id)
    await _save(tx, after, order)
    await append_record_event(tx, actor, KIND, "changed", after, changes, now=now)
    return await _rule(tx, rule_id)


async def _save(tx: Tx, rule: RoutingRule, others: Sequence[UUID]) -> None:
    """Store a rule at its position among the others."""
    await rule_store.save(tx, rule)
    at = rule.position - 1
    await rule_store.set_order(tx, [*others[:at], rule.id, *others[at:]])


async def order_rules(tx: Tx, actor: Actor, rule_ids: Sequence[UUID], *, now: datetime) -> list[RuleDetails]:
    """Set the order of all rules; ``rule_ids`` must name each of them once."""
    await lock_setup(tx, actor)
    before = [details.rule for details in await rule_store.all_rules(tx)]
    if sorted(rule_ids) != sorted(rule.id for rule in before):
        raise InvalidInput([Violation("ids", "must name every routing rule exactly once", RuleCode.DUPLICATE)])
    await rule_store.set_order(tx, rule_ids)
    positions = {rule_id: position for position, rule_id in enumerate(rule_ids, 1)}
    for rule in before:
        if (position := positions[rule.id]) != rule.position:
            moved = Change("position", rule.position, position)
            await append_record_event(tx, actor, KIND, "changed", rule, [moved], now=now)
    return await _with_shadows(tx, await rule_store.all_rules(tx))


async def delete_rule(tx: Tx, actor: Actor, rule_id: UUID, *, now: datetime) -> None:
    """Delete a rule; the rules after it move up."""
    await lock_setup(tx, actor)
    rule = (await _rule(tx, rule_id)).rule
    await rule_store.delete(tx, rule_id)
    await rule_store.set_order(tx, await _order(tx))
    await append_record_event(tx, actor, KIND, "deleted", rule, now=now)


async def _order(tx: Tx) -> list[UUID]:
    return [details.rule.id for details in await rule_store.all_rules(tx)]


async def _rule(tx: Tx, rule_id: UUID) -> RuleDetails:
    [details] = await _with_shadows(tx, [require_found(await rule_store.get(tx, rule_id), "routing rule", rule_id)])
    return details


async def _with_shadows(tx: Tx, rules: Sequence[RuleDetails]) -> list[RuleDetails]:
    """Return rules with those that take all their tickets."""
    if not rules:
        return []
    catalogue = await current_catalogue(tx)
    possible = len(catalogue.issue_types), len(catalogue.service_types)
    shadowed = shadowed_rules(await rule_store.active_rules(tx), *possible)
    return [details._replace(shadowed_by=shadowed.get(details.rule.id)) for details in rules]


async def _check(tx: Tx, rule: RoutingRule, *, most: int) -> None:
    violations = check_rule(rule)
    if rule.fields:
        known = await field_store.definitions(tx)
        violations += check_field_conditions(rule.fields, known.of(RecordKind.TICKET))
    if not 1 <= rule.position <= most:
        violations.append(Violation("position", f"must be 1 to {most}", RuleCode.RANGE))
    violations += await check_queue_id(tx, rule.queue_id)
    if await rule_store.unknown_companies(tx, rule.company_ids):
        violations.append(Violation("company_ids", "must be ids of customers", RuleCode.REFERENCE))
    violations += await violations_of(
        tx,
        lambda known: [
            *check_known(rule.issue_types, known.issue_types, "issue_types"),
            *check_known(rule.service_types, known.service_types, "service_types"),
        ],
    )
    require_valid(violations)
