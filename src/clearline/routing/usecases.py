"""Bring a ticket to its queue and to an agent: by the rules, by turns, or by hand; and say beforehand what would be."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.errors import Forbidden, InvalidInput, NobodyAvailable, TicketFinished, TicketTaken, Violation
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.queues.domain import AUTOMATIC, Assignment, Choice, Queue, choose_agent
from clearline.routing import rule_store
from clearline.routing.domain import RoutingFacts, RoutingRule, Verdict, choose_rule, judge
from clearline.tickets import desk_usecases as handling
from clearline.tickets.domain import ASSESSMENT, OPEN, ticket_number
from clearline.tickets.handling import DeskTicket

ROUTING = Actor(Role.OPERATOR, "routing", scopes=ALL_SCOPES)
"""In whose name tickets are routed and given out when nobody asked for it."""


class RoutingPreview(Struct, frozen=True):
    """What would happen to a ticket now: what every rule says, its queue (none when no rule matches), and its agent."""

    verdicts: list[Verdict]
    queue: Queue | None
    choice: Choice


async def preview(tx: Tx, actor: Actor, facts: RoutingFacts) -> RoutingPreview:
    """What would happen to a ticket if it were raised now; nothing is changed, and no turn is taken.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    verdicts = judge([details.rule for details in await rule_store.every(tx)], facts)
    rule = next((verdict.rule for verdict in verdicts if not verdict.failed), None)
    queue = None if rule is None else await queue_store.get(tx, rule.queue_id)
    if queue is None:
        return RoutingPreview(verdicts, None, Choice(None, "no rule matches"))
    return RoutingPreview(verdicts, queue, await _choose(tx, queue, queue.assignment))


async def facts_of(tx: Tx, actor: Actor, number: int | None, values: Mapping[str, Any]) -> RoutingFacts:
    """What the rules would look at: a ticket that there is, or none, with some values in the place of its own.

    Without a ticket, and without a value, the priority is what a new ticket of the issue type gets, the company is
    any, and the text is empty.

    Raises:
        NotFound: no such ticket.
        Forbidden: the actor is a customer, or its key may not read tickets.
        InvalidInput: there is no ticket, and no issue type or service type either.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    if number is not None:
        return replace(_facts(await handling.get_ticket(tx, actor, number)), **values)
    if missing := [name for name in ("issue_type", "service_type") if name not in values]:
        raise InvalidInput([Violation(name, "is required without a ticket") for name in missing])
    usual = {"company_id": None, "title": "", "description": "", "priority": ASSESSMENT[values["issue_type"]].priority}
    return RoutingFacts(**{**usual, **values})


async def active_rules(tx: Tx) -> list[RoutingRule]:
    """The rules that route now, in order, for whoever is about to settle many tickets."""
    return await rule_store.active(tx)


async def route_new_ticket(tx: Tx, number: int, *, rules: Sequence[RoutingRule] | None = None, now: datetime) -> bool:
    """What follows from a new ticket, or from one put into a queue: its queue, when it has none, and its agent.

    True when that changed something; a second time it does not. A ticket that ended is left alone. ``rules`` are those
    in force, when they are known.

    Raises:
        As ``handling.change_ticket``.
    """
    found = await handling.lock_ticket(tx, ROUTING, number)
    if found.ticket.status not in OPEN:
        return False
    rule = None
    if (queue_id := found.handling.queue_id) is None:
        rule = choose_rule(await rule_store.active(tx) if rules is None else rules, _facts(found))
        queue_id = None if rule is None else rule.queue_id
    if queue_id is None:
        return False
    return await _bring(tx, ROUTING, found, queue_id, rule, now=now) != found


async def route_ticket(tx: Tx, actor: Actor, number: int, *, now: datetime) -> DeskTicket:
    """Have the rules choose a ticket's queue again, and the queue its agent when it has none.

    A ticket that no rule matches stays where it is.

    Raises:
        NotFound: no such ticket.
        Forbidden: the actor is a customer, or its key may not write tickets.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    found = await _worked_on(tx, actor, number)
    rule = choose_rule(await rule_store.active(tx), _facts(found))
    return found if rule is None else await _bring(tx, actor, found, rule.queue_id, rule, now=now)


async def take_ticket(tx: Tx, actor: Actor, number: int, *, force: bool = False, now: datetime) -> DeskTicket:
    """Give a ticket to oneself; ``force`` takes it from whoever has it.

    Raises:
        NotFound: no such ticket.
        Forbidden: the actor is no person of the provider, or its key may not write tickets.
        TicketTaken: somebody else has it.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    found = await _worked_on(tx, actor, number)
    if actor.user is None:
        raise Forbidden("only a person of the provider takes tickets")
    other = found.handling.assignee_id not in {None, actor.user.id}
    if other and not force:
        raise TicketTaken(ticket_number(number), found.assignee_name or "somebody else")
    return await handling.assign(tx, actor, number, actor.user.id, now=now)


async def assign_by_turns(tx: Tx, actor: Actor, number: int, mode: Assignment, *, now: datetime) -> DeskTicket:
    """Give a ticket to whoever of its queue's team is next (round_robin) or least loaded, whoever has it now.

    Raises:
        NotFound: no such ticket.
        Forbidden: the actor is a customer, or its key may not write tickets.
        InvalidInput: ``mode`` chooses nobody.
        NobodyAvailable: the ticket is in no queue, the queue has no team, or nobody of it is available.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    found = await _worked_on(tx, actor, number)
    if mode not in AUTOMATIC:
        raise InvalidInput([Violation("mode", "must be one of " + ", ".join(AUTOMATIC))])
    if found.handling.queue_id is None:
        raise NobodyAvailable(ticket_number(number), "it is in no queue")
    choice = await _next(tx, found.handling.queue_id, mode)
    if choice.agent is None:
        raise NobodyAvailable(ticket_number(number), choice.why)
    return await handling.assign(tx, actor, number, choice.agent.id, by=mode, now=now)


async def _worked_on(tx: Tx, actor: Actor, number: int) -> DeskTicket:
    """A ticket that has not ended, held for a person of the provider to change."""
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    found = await handling.lock_ticket(tx, actor, number)
    if found.ticket.status not in OPEN:
        raise TicketFinished(found.ticket.status)
    return found


async def _bring(
    tx: Tx, actor: Actor, found: DeskTicket, queue_id: UUID, rule: RoutingRule | None, *, now: datetime
) -> DeskTicket:
    """Put a ticket into a queue, and give it to an agent when nobody has it and the queue assigns by itself."""
    values: dict[str, UUID] = {"queue_id": queue_id}
    by: str = handling.MANUAL
    queue = await queue_store.get(tx, queue_id)
    if queue is not None and queue.assignment in AUTOMATIC and found.handling.assignee_id is None:
        choice = await _next(tx, queue_id, queue.assignment)
        if choice.agent is not None:
            values["assignee_id"], by = choice.agent.id, queue.assignment
    name = None if rule is None else rule.name
    return await handling.change_ticket(tx, actor, found.ticket.number, values, by=by, rule=name, now=now)


async def _next(tx: Tx, queue_id: UUID, mode: Assignment) -> Choice:
    """Whose the next ticket of a queue is; a turn is taken. Others wait for theirs until the transaction ends."""
    queue = await queue_store.lock_turn(tx, queue_id)
    if queue is None:
        return Choice(None, "its queue was deleted")
    choice = await _choose(tx, queue, mode)
    if choice.agent is not None and mode is Assignment.ROUND_ROBIN:
        await queue_store.save_turn(tx, queue_id, choice.agent.id)
    return choice


async def _choose(tx: Tx, queue: Queue, mode: Assignment) -> Choice:
    """Whose the next ticket of a queue is."""
    if queue.team_id is None:
        return Choice(None, "the queue has no team")
    last = None
    if queue.last_assignee_id is not None:
        user = await account_store.user(tx, PROVIDER_ID, queue.last_assignee_id)
        last = None if user is None else (user.name, user.id)
    agents = [] if mode is Assignment.MANUAL else await team_store.agents(tx, queue.team_id)
    return choose_agent(mode, agents, last)


def _facts(found: DeskTicket) -> RoutingFacts:
    ticket = found.ticket
    return RoutingFacts(
        ticket.issue_type, ticket.service_type, ticket.company_id, ticket.priority, ticket.title, ticket.description
    )
