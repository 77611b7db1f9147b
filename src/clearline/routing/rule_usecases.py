"""The rules by which tickets find their queues: list, add, change, order, delete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, first_values, record
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues.usecases import lock_setup
from clearline.routing import rule_store
from clearline.routing.domain import CONDITIONS, RoutingRule, check_rule
from clearline.routing.rule_store import RuleDetails

KIND = "routing_rule"
CHANGEABLE = frozenset({"name", "queue_id", "is_active", *CONDITIONS})
"""What ``change_rule`` may set, besides the position."""


async def list_rules(tx: Tx, actor: Actor, *, after: int | None, limit: int) -> list[RuleDetails]:
    """Rules in order, behind the position ``after``. Served by ``routing_rule_in_order``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await rule_store.page(tx, after=after or 0, limit=limit)


async def get_rule(tx: Tx, actor: Actor, rule_id: UUID) -> RuleDetails:
    """One rule.

    Raises:
        NotFound: there is no such rule.
        Forbidden: as for ``list_rules``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _found(tx, rule_id)


async def add_rule(
    tx: Tx, actor: Actor, values: Mapping[str, Any], *, position: int | None = None, now: datetime
) -> RuleDetails:
    """Make a rule of ``name``, ``queue_id`` and any other of ``CHANGEABLE``, at a position or at the end.

    Raises:
        Forbidden: the actor does not run the desk.
        InvalidInput: a value breaks a rule, or names a queue or company that there is not.
    """
    await lock_setup(tx, actor)
    order = await _order(tx)
    at = len(order) + 1 if position is None else position
    rule = replace(_new(at, now), **{name: value for name, value in values.items() if name in CHANGEABLE})
    await _check(tx, rule, most=len(order) + 1)
    await rule_store.save(tx, rule)
    order.insert(at - 1, rule.id)
    await rule_store.place(tx, order)
    fact = record(KIND, "created", rule, first_values(rule, CHANGEABLE | {"position"}))
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    return await _found(tx, rule.id)


def _new(position: int, now: datetime) -> RoutingRule:
    return RoutingRule(uuid4(), position, "", UUID(int=0), (), (), (), (), (), True, now)


async def change_rule(tx: Tx, actor: Actor, rule_id: UUID, values: Mapping[str, Any], *, now: datetime) -> RuleDetails:
    """Set some of ``CHANGEABLE`` or the ``position``; those that are as they were are no change.

    A rule that moves takes the place of the one that is there; those between close up.

    Raises:
        NotFound: there is no such rule.
        Forbidden, InvalidInput: as for ``add_rule``.
    """
    await lock_setup(tx, actor)
    before = (await _found(tx, rule_id)).rule
    allowed = CHANGEABLE | {"position"}
    after = replace(before, **{name: value for name, value in values.items() if name in allowed})
    if not (changes := changes_between(before, after)):
        return await _found(tx, rule_id)
    order = await _order(tx)
    await _check(tx, after, most=len(order))
    await rule_store.save(tx, after)
    order.remove(rule_id)
    order.insert(after.position - 1, rule_id)
    await rule_store.place(tx, order)
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "changed", after, changes), now=now)
    return await _found(tx, rule_id)


async def order_rules(tx: Tx, actor: Actor, rule_ids: Sequence[UUID], *, now: datetime) -> list[RuleDetails]:
    """Put all the rules into this order.

    Raises:
        InvalidInput: a rule is missing, unknown, or named twice.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    before = [details.rule for details in await rule_store.every(tx)]
    if sorted(rule_ids) != sorted(rule.id for rule in before):
        raise InvalidInput([Violation("ids", "must name every routing rule exactly once")])
    await rule_store.place(tx, rule_ids)
    position = {rule_id: at for at, rule_id in enumerate(rule_ids, 1)}
    for rule in before:
        if position[rule.id] != rule.position:
            change = Change("position", rule.position, position[rule.id])
            await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "changed", rule, [change]), now=now)
    return await rule_store.every(tx)


async def delete_rule(tx: Tx, actor: Actor, rule_id: UUID, *, now: datetime) -> None:
    """Forget a rule; those behind it move up.

    Raises:
        NotFound: there is no such rule.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    rule = (await _found(tx, rule_id)).rule
    await rule_store.delete(tx, rule_id)
    await rule_store.place(tx, await _order(tx))
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "deleted", rule), now=now)


async def _order(tx: Tx) -> list[UUID]:
    return [details.rule.id for details in await rule_store.every(tx)]


async def _found(tx: Tx, rule_id: UUID) -> RuleDetails:
    found = await rule_store.get(tx, rule_id)
    if found is None:
        raise NotFound("routing rule", str(rule_id))
    return found


async def _check(tx: Tx, rule: RoutingRule, *, most: int) -> None:
    violations = check_rule(rule)
    if not 1 <= rule.position <= most:
        violations.append(Violation("position", f"must be 1 to {most}"))
    if await queue_store.get(tx, rule.queue_id) is None:
        violations.append(Violation("queue_id", "must be the id of a queue"))
    if await rule_store.unknown_companies(tx, rule.company_ids):
        violations.append(Violation("company_ids", "must be ids of customers"))
    if violations:
        raise InvalidInput(violations)
