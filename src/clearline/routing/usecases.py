"""Route a ticket to a queue and assign it to an agent; preview what the rules would do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions, user_store
from clearline.catalogue.domain import Catalogue, check_known
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.usecases import require_types
from clearline.errors import (
    Forbidden,
    InvalidInput,
    NobodyAvailable,
    RuleCode,
    TicketFinished,
    TicketTaken,
    Violation,
    require_valid,
)
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.fields.value_domain import read_values, without_nulls
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.queues.domain import AUTOMATIC, Assignment, Choice, Queue, choose_agent
from clearline.routing import rule_store
from clearline.routing.domain import RoutingFacts, RoutingRule, RuleResult, choose_rule, evaluate_rules
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.status_domain import OPEN

ROUTING = Actor(Role.OPERATOR, "routing", scopes=ALL_SCOPES)
"""The actor of automatic routing and assignment."""


class RoutingPreview(Struct, frozen=True):
    """What would happen to a ticket now: the result of every rule, its queue (None when no rule matches), its agent."""

    results: list[RuleResult]
    queue: Queue | None
    choice: Choice


async def preview(tx: Tx, actor: Actor, facts: RoutingFacts) -> RoutingPreview:
    """Return what would happen to a ticket if it were raised now. Changes nothing, the round robin included."""
    permissions.require_staff(actor, Scope.DESK_READ)
    results = evaluate_rules([details.rule for details in await rule_store.all_rules(tx)], facts)
    rule = next((result.rule for result in results if not result.failed), None)
    queue = None if rule is None else await queue_store.get(tx, rule.queue_id)
    if queue is None:
        return RoutingPreview(results, None, Choice(None, "no rule matches"))
    return RoutingPreview(results, queue, await _choose_agent(tx, queue, queue.assignment, facts.company_id))


async def facts_of(tx: Tx, actor: Actor, number: int | None, values: Mapping[str, Any]) -> RoutingFacts:
    """Return what the rules look at: the facts of a ticket, or of none, with ``values`` in place of some.

    Without a ticket, ``values`` must have an issue type and a service type. The default priority is that of a new
    ticket of the issue type; by default there is no company and no text.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    catalogue = await require_types(tx, lambda known: _check_facts(known, values))
    if number is not None:
        return replace(await _facts(tx, await tickets.get_ticket(tx, actor, number)), **await _read_fields(tx, values))
    if missing := [name for name in ("issue_type", "service_type") if name not in values]:
        raise InvalidInput([Violation(name, "is required without a ticket", RuleCode.REQUIRED) for name in missing])
    assessed = await matrix.assess(
        tx, values.get("company_id"), catalogue.assessment_of(values["issue_type"]), urgency=None
    )
    usual = {"company_id": None, "title": "", "description": "", "priority": assessed.priority}
    known = (await definitions(tx)).of(RecordKind.TICKET)
    return RoutingFacts(**{**usual, **await _read_fields(tx, values)}, known=known)


async def _read_fields(tx: Tx, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values with those of own fields in canonical form.

    Raises:
        InvalidInput: naming each field that there is not, or whose value is wrong.
    """
    if "fields" not in values:
        return values
    read, violations = read_values(await definitions(tx), RecordKind.TICKET, values["fields"], for_staff=True)
    require_valid(violations)
    return {**values, "fields": without_nulls(read)}


def _check_facts(catalogue: Catalogue, values: Mapping[str, Any]) -> list[Violation]:
    known = {"issue_type": catalogue.issue_types, "service_type": catalogue.service_types}
    return [broken for name in known if name in values for broken in check_known([values[name]], known[name], name)]


async def active_rules(tx: Tx) -> list[RoutingRule]:
    """Return the active rules in order, for a caller that is about to route many tickets."""
    return await rule_store.active_rules(tx)


async def route_new_ticket(tx: Tx, number: int, *, rules: Sequence[RoutingRule] | None = None, now: datetime) -> bool:
    """Give a new ticket a queue by the rules when it has none, and an agent when its queue assigns automatically.

    Returns whether that changed anything. Safe to repeat. A finished ticket stays as it is. ``rules`` are the active
    rules, when the caller has read them.

    Raises:
        As ``ticket_changes.change_ticket``.
    """
    before = await ticket_changes.lock_ticket(tx, ROUTING, number)
    if before.ticket.status not in OPEN:
        return False
    rule = None
    if (queue_id := before.ticket.queue_id) is None:
        rule = choose_rule(await rule_store.active_rules(tx) if rules is None else rules, await _facts(tx, before))
        queue_id = None if rule is None else rule.queue_id
    if queue_id is None:
        return False
    return await _move_to_queue(tx, ROUTING, before, queue_id, rule, now=now) != before


async def route_ticket(tx: Tx, actor: Actor, number: int, *, now: datetime) -> TicketView:
    """Choose a ticket's queue by the rules again, and its agent when it has none and the queue assigns automatically.

    A ticket that no rule matches stays where it is.

    Raises:
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    ticket = await _lock_open_ticket(tx, actor, number)
    rule = choose_rule(await rule_store.active_rules(tx), await _facts(tx, ticket))
    return ticket if rule is None else await _move_to_queue(tx, actor, ticket, rule.queue_id, rule, now=now)


async def take_ticket(tx: Tx, actor: Actor, number: int, *, force: bool = False, now: datetime) -> TicketView:
    """Assign a ticket to the acting user; ``force`` takes it from its assignee.

    Raises:
        TicketTaken: another person is the assignee.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    ticket = await _lock_open_ticket(tx, actor, number)
    if actor.user is None:
        raise Forbidden("only a person of the provider takes tickets")
    is_anothers = ticket.ticket.assignee_id not in {None, actor.user.id}
    if is_anothers and not force:
        raise TicketTaken(ticket_number(number), ticket.assignee_name or "somebody else")
    return await ticket_changes.assign(tx, actor, number, actor.user.id, now=now)


async def assign_by_turns(tx: Tx, actor: Actor, number: int, mode: Assignment, *, now: datetime) -> TicketView:
    """Assign a ticket to the next (round_robin) or least loaded agent of its queue's team, whoever is its assignee now.

    Raises:
        NobodyAvailable: the ticket has no queue, the queue has no team, or nobody of the team is available.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    ticket = await _lock_open_ticket(tx, actor, number)
    if mode not in AUTOMATIC:
        raise InvalidInput([Violation("mode", "must be one of " + ", ".join(AUTOMATIC), RuleCode.CHOICE)])
    if ticket.ticket.queue_id is None:
        raise NobodyAvailable(ticket_number(number), "it is in no queue")
    choice = await _take_turn(tx, ticket.ticket.queue_id, mode, ticket.company.id)
    if choice.agent is None:
        raise NobodyAvailable(ticket_number(number), choice.why)
    return await ticket_changes.assign(tx, actor, number, choice.agent.id, by=mode, now=now)


async def _lock_open_ticket(tx: Tx, actor: Actor, number: int) -> TicketView:
    """Lock a ticket that is not finished, for the provider's staff."""
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    ticket = await ticket_changes.lock_ticket(tx, actor, number)
    if ticket.ticket.status not in OPEN:
        raise TicketFinished(ticket.ticket.status)
    return ticket


async def _move_to_queue(
    tx: Tx, actor: Actor, ticket: TicketView, queue_id: UUID, rule: RoutingRule | None, *, now: datetime
) -> TicketView:
    """Move a ticket to a queue; assign it when it has no assignee and the queue assigns automatically."""
    values: dict[str, UUID] = {"queue_id": queue_id}
    by: str = ticket_changes.MANUAL
    queue = await queue_store.get(tx, queue_id)
    if queue is not None and queue.assignment in AUTOMATIC and ticket.ticket.assignee_id is None:
        choice = await _take_turn(tx, queue_id, queue.assignment, ticket.company.id)
        if choice.agent is not None:
            values["assignee_id"], by = choice.agent.id, queue.assignment
    name = None if rule is None else rule.name
    return await ticket_changes.change_ticket(tx, actor, ticket.ticket.number, values, by=by, rule=name, now=now)


async def _take_turn(tx: Tx, queue_id: UUID, mode: Assignment, company_id: UUID) -> Choice:
    """Choose the agent of a queue's next ticket, and take the turn: others wait until the transaction ends."""
    queue = await queue_store.lock_turn(tx, queue_id)
    if queue is None:
        return Choice(None, "its queue was deleted")
    choice = await _choose_agent(tx, queue, mode, company_id)
    if choice.agent is not None and mode is Assignment.ROUND_ROBIN:
        await queue_store.save_turn(tx, queue_id, choice.agent.id)
    return choice


async def _choose_agent(tx: Tx, queue: Queue, mode: Assignment, company_id: UUID | None) -> Choice:
    """Choose the agent of a queue's next ticket, without taking a turn."""
    if queue.team_id is None:
        return Choice(None, "the queue has no team")
    last = None
    if queue.last_assignee_id is not None:
        user = await user_store.get(tx, PROVIDER_ID, queue.last_assignee_id)
        last = None if user is None else (user.name, user.id)
    agents = [] if mode is Assignment.MANUAL else await team_store.agents(tx, queue.team_id, queue.id, company_id)
    return choose_agent(mode, agents, last)


async def _facts(tx: Tx, details: TicketView) -> RoutingFacts:
    ticket = details.ticket
    return RoutingFacts(
        ticket.issue_type, ticket.service_type, ticket.company_id, ticket.priority, ticket.title, ticket.description,
        ticket.fields, (await definitions(tx)).of(RecordKind.TICKET),
    )  # fmt: skip
