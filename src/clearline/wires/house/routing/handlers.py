"""House API v1: routing rules and their preview; routing and assignment of tickets."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues.domain import Assignment
from clearline.routing import rule_usecases as routing_rules
from clearline.routing import usecases as routing
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.wires.house.parameters import company_in_body, id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.routing import wire
from clearline.wires.house.routing.mapping import NAMES, preview_out, rule_out
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS, check_if_match
from clearline.wires.house.tickets.mapping import ticket_out
from clearline.wires.house.tickets.wire import TicketOut
from clearline.wires.house.wire import Page, PageQuery, set_fields, wire_names
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

RULES = "/api/v1/routing-rules"
_ID = id_in_path("id", "The rule's id.")


def _rule_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], "routing rule"),)


def _values(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a body as values of the domain."""
    return {
        NAMES.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in members.items()
    }


async def list_rules(call: Call) -> Page[wire.RuleOut]:
    """List rules in order."""
    return await list_records(
        call, (), routing_rules.list_rules, int, lambda details: [details.rule.position], rule_out
    )


async def create_rule(call: Call) -> wire.RuleOut:
    """Add a rule."""
    members = set_fields(call.body(wire.RuleIn))
    position = members.pop("position")
    with wire_names(NAMES):
        async with call.transaction() as tx:
            details = await routing_rules.add_rule(tx, call.actor, _values(members), position=position, now=call.now)
    call.location = f"{RULES}/{details.rule.id}"
    return rule_out(details)


async def get_rule(call: Call) -> wire.RuleOut:
    """Return a rule."""
    return await get_record(call, _rule_id(call), routing_rules.get_rule, rule_out)


async def change_rule(call: Call) -> wire.RuleOut:
    """Change or move a rule."""
    ids, values = _rule_id(call), _values(set_fields(call.body(wire.RulePatch)))
    with wire_names(NAMES):
        return await change_record(call, ids, values, routing_rules.lock_rule, routing_rules.change_rule, rule_out)


async def delete_rule(call: Call) -> None:
    """Delete a rule."""
    await delete_record(call, _rule_id(call), routing_rules.lock_rule, routing_rules.delete_rule, rule_out)


async def order_rules(call: Call) -> wire.OrderOut:
    """Set the order of all rules."""
    body = call.body(wire.OrderIn)
    async with call.transaction() as tx:
        rules = await routing_rules.order_rules(tx, call.actor, body.ids, now=call.now)
    return wire.OrderOut([rule_out(details) for details in rules])


async def try_rules(call: Call) -> wire.ForecastOut:
    """Preview what would happen to a ticket."""
    members = set_fields(call.body(wire.ForecastIn))
    text = members.pop("ticket")
    number = None if text is None else access.parse_number(text)
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
    """Choose a ticket's queue by the rules again."""
    number = access.parse_number(call.path["number"])
    call.body(wire.RouteIn)
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        return ticket_out(await routing.route_ticket(tx, call.actor, number, now=call.now), call.actor)


async def assign_ticket(call: Call) -> TicketOut:
    """Assign a ticket to a person, to the acting user, to the agent whose turn it is, or to nobody."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.AssignIn)
    if (body.to is UNSET) is (body.mode is UNSET):
        raise InvalidInput([Violation("to", "must be given, or else mode, and not both", RuleCode.REQUIRED)])
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        if isinstance(body.mode, str):
            ticket = await routing.assign_by_turns(tx, call.actor, number, Assignment(body.mode), now=call.now)
        elif body.to == "me":
            ticket = await routing.take_ticket(tx, call.actor, number, force=body.force, now=call.now)
        else:
            to = _person(body.to) if isinstance(body.to, str) else None
            with wire_names({"to": "assignee_id"}):
                ticket = await ticket_changes.assign(tx, call.actor, number, to, now=call.now)
    return ticket_out(ticket, call.actor)


def _person(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([Violation("to", "must be me, the id of an agent, or null", RuleCode.REFERENCE)]) from None


OPERATIONS = (
    Operation(
        "listRoutingRules", "GET", RULES, list_rules,
        "List routing rules", "Returns rules in order. The first active rule whose conditions all hold chooses the "
        "queue of a ticket. `shadowed_by` names the rule that leaves another no ticket. For the provider's people.",
        Scope.DESK_READ, Page[wire.RuleOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createRoutingRule", "POST", RULES, create_rule,
        "Create a routing rule", "Adds a rule at a position, or at the end. It applies to tickets that are raised "
        "from now on. For admins.",
        Scope.DESK_WRITE, wire.RuleOut, body=wire.RuleIn, status=201,
    ),
    Operation(
        "orderRoutingRules", "PUT", RULES + "/order", order_rules,
        "Order the routing rules", "The body must name every rule exactly once. For admins.",
        Scope.DESK_WRITE, wire.OrderOut, body=wire.OrderIn,
    ),
    Operation(
        "testRoutingRules", "POST", RULES + "/test", try_rules,
        "Test the routing rules", "Returns what would happen to a ticket now, and why: the result of each rule, the "
        "queue and the assignee. Changes nothing. For the provider's people.",
        Scope.DESK_READ, wire.ForecastOut, body=wire.ForecastIn, errors=(404,),
    ),
    Operation(
        "getRoutingRule", "GET", RULES + "/{id}", get_rule,
        "Get a routing rule", "Returns a rule. For the provider's people.",
        Scope.DESK_READ, wire.RuleOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeRoutingRule", "PATCH", RULES + "/{id}", change_rule,
        "Change a routing rule", "Sets the values in the merge-patch. With another `position` the rule moves there, "
        "and the rules between move by one. For admins.",
        Scope.DESK_WRITE, wire.RuleOut, body=wire.RulePatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteRoutingRule", "DELETE", RULES + "/{id}", delete_rule,
        "Delete a routing rule", "Tickets that it routed stay in their queues. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "routeTicket", "POST", TICKETS + "/{number}/route", route_ticket,
        "Route a ticket again", "Chooses the queue by the rules, and an agent if the ticket has none and the queue "
        "assigns automatically. A ticket that no rule matches stays where it is. For the provider's people.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.RouteIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
    Operation(
        "assignTicket", "POST", TICKETS + "/{number}/assign", assign_ticket,
        "Assign a ticket", "Assigns a ticket to a person, to yourself (`me`), to nobody (null), or to the agent whose "
        "turn it is in the queue's team. For the provider's people.",
        Scope.TICKETS_WRITE, TicketOut, body=wire.AssignIn, path_parameters=NUMBER, errors=(404,), guarded=True,
    ),
)  # fmt: skip
