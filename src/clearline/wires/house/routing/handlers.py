"""House API v1: routing rules, what they would do, and who gets a ticket."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, Violation
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.routing import usecases as routing
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.wires.house import paging
from clearline.wires.house.routing import wire
from clearline.wires.house.routing.mapping import NAMES, preview_out, rule_out
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS, check_if_match, company_in_body, id_in_path, uuid_of
from clearline.wires.house.tickets.mapping import ticket_out
from clearline.wires.house.tickets.wire import TicketOut
from clearline.wires.house.wire import Page, PageQuery, set_fields, wire_names
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

RULES = "/api/v1/routing-rules"
_ID = id_in_path("id", "The rule's id.")


def _values(members: dict[str, Any]) -> dict[str, Any]:
    """Members of a body as the domain names and keeps them."""
    return {
        NAMES.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in members.items()
    }


async def list_rules(call: Call) -> Page[wire.RuleOut]:
    """Rules in order."""
    after = paging.read_cursor(call, int)
    async with call.statement() as tx:
        found = await routing_rules.list_rules(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.rule.position], rule_out)


async def create_rule(call: Call) -> wire.RuleOut:
    """Make a rule."""
    members = set_fields(call.body(wire.RuleIn))
    position = members.pop("position")
    with wire_names(NAMES):
        async with call.transaction() as tx:
            made = await routing_rules.add_rule(tx, call.actor, _values(members), position=position, now=call.now)
    call.location = f"{RULES}/{made.rule.id}"
    return rule_out(made)


async def get_rule(call: Call) -> wire.RuleOut:
    """One rule."""
    rule_id = uuid_of(call.path["id"], "routing rule")
    async with call.statement() as tx:
        return rule_out(await routing_rules.get_rule(tx, call.actor, rule_id))


async def change_rule(call: Call) -> wire.RuleOut:
    """Change or move a rule."""
    rule_id = uuid_of(call.path["id"], "routing rule")
    values = _values(set_fields(call.body(wire.RulePatch)))
    with wire_names(NAMES):
        async with call.transaction() as tx:
            await queues.lock_setup(tx, call.actor)
            call.check_if_match(rule_out(await routing_rules.get_rule(tx, call.actor, rule_id)))
            return rule_out(await routing_rules.change_rule(tx, call.actor, rule_id, values, now=call.now))


async def delete_rule(call: Call) -> None:
    """Forget a rule."""
    rule_id = uuid_of(call.path["id"], "routing rule")
    async with call.transaction() as tx:
        await queues.lock_setup(tx, call.actor)
        call.check_if_match(rule_out(await routing_rules.get_rule(tx, call.actor, rule_id)))
        await routing_rules.delete_rule(tx, call.actor, rule_id, now=call.now)


async def order_rules(call: Call) -> wire.OrderOut:
    """Put all the rules into an order."""
    body = call.body(wire.OrderIn)
    async with call.transaction() as tx:
        return wire.OrderOut(
            [rule_out(one) for one in await routing_rules.order_rules(tx, call.actor, body.ids, now=call.now)]
        )


async def try_rules(call: Call) -> wire.ForecastOut:
    """What would happen to a ticket."""
    members = set_fields(call.body(wire.ForecastIn))
    text = members.pop("ticket")
    number = None if text is None else access.check_number(text)
    async with call.transaction() as tx:
        if "company" in members:
            members["company_id"] = await _customer(tx, call.actor, members.pop("company"))
        facts = await routing.facts_of(tx, call.actor, number, members)
        return preview_out(await routing.preview(tx, call.actor, facts))


async def _customer(tx: Tx, actor: Actor, named: str) -> UUID:
    try:
        return (await permissions.company_named(tx, actor, named)).id
    except NotFound:
        return await company_in_body(tx, actor, named)


async def route_ticket(call: Call) -> TicketOut:
    """Have the rules choose a ticket's queue again."""
    number = access.check_number(call.path["number"])
    call.body(wire.RouteIn)
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        return ticket_out(await routing.route_ticket(tx, call.actor, number, now=call.now), call.actor)


async def assign_ticket(call: Call) -> TicketOut:
    """Give a ticket to somebody, to oneself, to whoever is next, or to nobody."""
    number = access.check_number(call.path["number"])
    body = call.body(wire.AssignIn)
    if (body.to is UNSET) is (body.mode is UNSET):
        raise InvalidInput([Violation("to", "must be given, or else mode, and not both")])
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        if isinstance(body.mode, str):
            found = await routing.assign_by_turns(tx, call.actor, number, Assignment(body.mode), now=call.now)
        elif body.to == "me":
            found = await routing.take_ticket(tx, call.actor, number, force=body.force, now=call.now)
        else:
            to = _person(body.to) if isinstance(body.to, str) else None
            with wire_names({"to": "assignee_id"}):
                found = await ticket_changes.assign(tx, call.actor, number, to, now=call.now)
    return ticket_out(found, call.actor)


def _person(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([Violation("to", "must be me, the id of an agent, or null")]) from None


OPERATIONS = (
    Operation(
        "listRoutingRules", "GET", RULES, list_rules,
        "List routing rules", "In order: the first active one whose every condition holds chooses a ticket's queue. "
        "For the provider's people.",
        Scope.DESK_READ, Page[wire.RuleOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createRoutingRule", "POST", RULES, create_rule,
        "Make a routing rule", "At a position, or at the end. It is used for tickets raised from now on.",
        Scope.DESK_WRITE, wire.RuleOut, body=wire.RuleIn, status=201,
    ),
    Operation(
        "orderRoutingRules", "PUT", RULES + "/order", order_rules,
        "Order the routing rules", "Names every rule exactly once.",
        Scope.DESK_WRITE, wire.OrderOut, body=wire.OrderIn,
    ),
    Operation(
        "testRoutingRules", "POST", RULES + "/test", try_rules,
        "Try the routing rules", "Says what would happen to a ticket now, and why: what each rule says, the queue, and "
        "who would get it. Nothing is changed.",
        Scope.DESK_READ, wire.ForecastOut, body=wire.ForecastIn, errors=(404,),
    ),
    Operation(
        "getRoutingRule", "GET", RULES + "/{id}", get_rule,
        "Read a routing rule", "One rule.",
        Scope.DESK_READ, wire.RuleOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeRoutingRule", "PATCH", RULES + "/{id}", change_rule,
        "Change a routing rule", "`position` moves it; those between close up.",
        Scope.DESK_WRITE, wire.RuleOut, body=wire.RulePatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteRoutingRule", "DELETE", RULES + "/{id}", delete_rule,
        "Delete a routing rule", "Tickets that it routed stay where they are.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "routeTicket", "POST", TICKETS + "/{number}/route", route_ticket,
        "Route a ticket again", "The rules choose its queue, and the queue its agent if it has none. A ticket that no "
        "rule matches stays where it is. For the provider's people.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.RouteIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
    Operation(
        "assignTicket", "POST", TICKETS + "/{number}/assign", assign_ticket,
        "Assign a ticket", "To a person, to yourself (`me`), to nobody (null), or to whoever of the queue's team is "
        "next. For the provider's people.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.AssignIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
)  # fmt: skip
