"""Change tickets: their values, assignee, tags and status."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions, user_store
from clearline.catalogue.domain import check_issue_type
from clearline.catalogue.term_usecases import current_terms
from clearline.catalogue.usecases import current_catalogue, violations_of
from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, TicketFinished, Violation, require_valid
from clearline.events.domain import StatusChanged, TicketChanged, changes_between
from clearline.events.event_types import EventType
from clearline.events.type_table import EVENT_TYPES
from clearline.fields import value_usecases as own_fields
from clearline.fields.domain import RecordKind
from clearline.fields.value_domain import changed_fields, without_nulls
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.reminders import store as reminder_store
from clearline.reminders.domain import changed_reminder
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import (
    Status,
    Ticket,
    TicketValues,
    TicketView,
    can_be_assigned,
    check_customer_fields,
    check_values,
    ticket_number,
    values_of,
)
from clearline.tickets.faults.domain import by_fact, check_occurred_at
from clearline.tickets.label_domain import normalize_tags
from clearline.tickets.progress import store as progress_store
from clearline.tickets.progress.facts import (
    NO_FACTS,
    StatusFacts,
    check_facts,
    fact_changes,
    merged_closure,
    missing_facts,
    named_case,
    with_values,
)
from clearline.tickets.status_domain import OPEN, change_status, check_customer_move
from clearline.tickets.third_parties.domain import CaseRef

MANUAL = "manual"
AUTOMATIC = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""The actor of what Clearline does by itself, such as closing."""


async def lock_ticket(tx: Tx, actor: Actor, number: int) -> TicketView:
    """Lock a ticket before a change until the transaction ends, and return it.

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the actor's key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.ticket_company(tx, actor, number)
    view = (
        None if company_id is None else await ticket_store.lock_view(tx, company_id, number, for_staff=actor.is_staff)
    )
    if view is None:
        raise NotFound("ticket", ticket_number(number))
    return view


async def change_ticket(
    tx: Tx,
    actor: Actor,
    number: int,
    values: Mapping[str, Any],
    *,
    by: str = MANUAL,
    rule: str | None = None,
    now: datetime,
) -> TicketView:
    """Change some of the values of ``TicketValues``; a reminder by a ``ReminderChange``, or None to remove it.

    Of the own fields those change that ``fields`` has; None clears one.

    Unchanged values are ignored; if nothing changes, no event is stored.
    ``by`` and ``rule`` are stored in the event: how the assignee or the queue was chosen.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer may not set one of them.
        InvalidInput: a value breaks a rule, or names a queue or agent that does not exist; or a resolved ticket loses
            the value of an own field that is required to resolve it.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    view, after = await require_change(tx, actor, number, values, now=now)
    changes = by_fact(changes_between(values_of(view.ticket), after))
    changes = await own_fields.each_field(tx, RecordKind.TICKET, changes)
    if not changes:
        return view
    company_id = view.ticket.company_id
    visible_fields = EVENT_TYPES[EventType.TICKET_CHANGED].visible_fields
    await ticket_store.save_values(
        tx,
        company_id,
        number,
        after,
        fields=changed_fields(view.ticket.fields, after.fields),
        is_visible=any(change.is_public or change.field in visible_fields for change in changes),
        now=now,
    )
    if after.reminder != view.ticket.reminder:
        await reminder_store.save_timer(tx, company_id, number, after.reminder)
    facts = ticket_store.facts_of(changes, by=by, rule=rule)
    await ticket_store.append_facts(tx, actor, company_id, number, facts, now=now)
    changed = await ticket_store.get_view(tx, company_id, number, for_staff=actor.is_staff)
    if changed is None:
        raise NotFound("ticket", ticket_number(number))
    return changed


async def require_change(
    tx: Tx, actor: Actor, number: int, values: Mapping[str, Any], *, now: datetime
) -> tuple[TicketView, TicketValues]:
    """Refuse a change that ``change_ticket`` would refuse; lock the ticket, and return it and its values after it.

    Raises:
        As ``change_ticket``.
    """
    view = await lock_ticket(tx, actor, number)
    if not actor.is_staff:
        check_customer_fields(values)
    if view.ticket.status not in OPEN:
        raise TicketFinished(view.ticket.status)
    before = values_of(view.ticket)
    if "fields" in values:
        changed = await own_fields.changed_values(
            tx, actor, RecordKind.TICKET, view.ticket.company_id, before.fields, values["fields"]
        )
        values = {**values, "fields": without_nulls(before.fields | changed)}
        if view.ticket.status is Status.RESOLVED:
            await own_fields.require_resolvable(tx, values["fields"], before=before.fields)
    after = replace(before, **values)
    if "reminder" in values:
        after = replace(after, reminder=changed_reminder(before.reminder, values["reminder"], actor.name, now=now))
    after = replace(after, tags=normalize_tags(after.tags))
    after = await _with_reachable_assignee(tx, view.ticket, after)
    fields = {change.field for change in changes_between(before, after)}
    if fields:
        began = check_occurred_at(after.occurred_at, now) if "occurred_at" in fields else []
        violations = [*check_values(after), *began, *await _check_references(tx, view.ticket, after, fields)]
        if "issue_type" in fields:
            kind = view.ticket.service_type
            violations += await violations_of(tx, lambda known: check_issue_type(known, after.issue_type, kind))
        require_valid(violations)
    return view, after


async def _with_reachable_assignee(tx: Tx, ticket: Ticket, values: TicketValues) -> TicketValues:
    """Return values without the assignee who loses sight of a ticket that is moved to another queue."""
    is_moved = values.queue_id != ticket.queue_id and values.assignee_id == ticket.assignee_id
    if not is_moved or ticket.assignee_id is None:
        return values
    assignee = await user_store.get(tx, PROVIDER_ID, ticket.assignee_id)
    is_lost = assignee is not None and not assignee.reaches_ticket(ticket.company_id, values.queue_id)
    return replace(values, assignee_id=None) if is_lost else values


async def _check_references(tx: Tx, ticket: Ticket, values: TicketValues, changed: set[str]) -> list[Violation]:
    violations = []
    if "queue_id" in changed and values.queue_id is not None and await queue_store.get(tx, values.queue_id) is None:
        violations.append(Violation("queue_id", "must be the id of a queue", RuleCode.REFERENCE))
    if "assignee_id" in changed and values.assignee_id is not None:
        assignee = await user_store.get(tx, PROVIDER_ID, values.assignee_id)
        if assignee is None or not can_be_assigned(assignee):
            violations.append(Violation("assignee_id", "must be the id of an active agent", RuleCode.REFERENCE))
        elif not assignee.reaches_ticket(ticket.company_id, values.queue_id):
            rule = "must be an agent whose access is not limited to other queues or customers"
            violations.append(Violation("assignee_id", rule, RuleCode.REFERENCE))
    return violations


async def assign(tx: Tx, actor: Actor, number: int, to: UUID | None, *, by: str = MANUAL, now: datetime) -> TicketView:
    """Assign a ticket to an agent, or unassign it.

    Raises:
        As ``change_ticket``.
    """
    return await change_ticket(tx, actor, number, {"assignee_id": to}, by=by, now=now)


async def tag(
    tx: Tx, actor: Actor, number: int, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), now: datetime
) -> TicketView:
    """Add and remove tags. Adding a tag that the ticket has, or removing one that it lacks, has no effect.

    Raises:
        As ``change_ticket``.
    """
    view = await lock_ticket(tx, actor, number)
    tags = set(view.ticket.tags) - {name.lower() for name in remove}
    return await change_ticket(tx, actor, number, {"tags": (*tags, *add)}, now=now)


async def move_ticket(
    tx: Tx,
    actor: Actor,
    number: int,
    to: Status,
    *,
    reason: str,
    facts: StatusFacts = NO_FACTS,
    customer_closes: bool = True,
    now: datetime,
) -> tuple[Ticket, StatusChanged]:
    """Change a ticket's status. Customers ask for cancellation, close a ticket, or reopen it.

    They need a reason to reopen it, and to close it before it is resolved; ``customer_closes`` is whether they may.
    ``facts`` are what goes with the new status; the provider resolves a ticket only with the facts that its issue type
    requires.

    The provider's people resolve a ticket only when the own fields that are required for it have values.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: customers may not make this transition.
        IllegalTransition: the ticket's status does not allow the transition.
        InvalidInput: the reason is too long, a customer needs one and gives none, the facts break a rule, or an own
            field that is required has no value.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    ticket = await access.lock_ticket(tx, actor, number)
    moved, fact = change_status(ticket, to, reason=reason, by_customer=not actor.is_staff, now=now)
    if not actor.is_staff:
        check_customer_move(ticket.status, to, reason, may_close=customer_closes)
        if facts != NO_FACTS:
            raise Forbidden("only the provider's people may set what goes with a status")
    elif facts != NO_FACTS or to is Status.RESOLVED:
        if to is Status.RESOLVED:
            await own_fields.require_resolvable(tx, ticket.fields)
        moved, fact = await _with_facts(tx, actor, ticket, moved, fact, facts, now=now)
    await save_move(tx, actor, ticket, moved, fact)
    if moved.closure != ticket.closure:
        await progress_store.save_closure(tx, moved)
        changes = [
            change for change in fact_changes(await current_terms(tx), ticket, moved) if "closure" in change.field
        ]
        await ticket_store.append_facts(tx, actor, ticket.company_id, number, [TicketChanged(changes)], now=now)
    return moved, fact


async def save_move(tx: Tx, actor: Actor, before: Ticket, moved: Ticket, fact: StatusChanged) -> None:
    """Store a locked ticket with a new status, which may end its reminder, and the events."""
    opened = (moved.status in OPEN) - (before.status in OPEN)
    await progress_store.save_status(tx, actor, moved, fact, opened=opened)
    if before.reminder is not None and moved.reminder is None:
        company_id, number = before.company_id, before.number
        await reminder_store.end(tx, actor, company_id, number, before.reminder, now=moved.updated_at)


async def require_move(
    tx: Tx, actor: Actor, ticket: Ticket, to: Status, *, facts: StatusFacts = NO_FACTS, now: datetime
) -> None:
    """Refuse a transition of a locked ticket that ``move_ticket`` would refuse to one of the provider's people.

    Raises:
        As ``move_ticket``.
    """
    moved, fact = change_status(ticket, to, reason="", now=now)
    await _with_facts(tx, actor, ticket, moved, fact, facts, now=now)


async def _with_facts(
    tx: Tx, actor: Actor, before: Ticket, moved: Ticket, fact: StatusChanged, facts: StatusFacts, *, now: datetime
) -> tuple[Ticket, StatusChanged]:
    """Return a moved ticket with what goes with its status, and the event.

    Raises:
        InvalidInput: the facts break a rule, or do not have what the issue type requires to resolve a ticket.
    """
    violations = []
    if facts.waiting is not None and facts.waiting.case is not None:
        facts = replace(facts, waiting=replace(facts.waiting, case=await _case(tx, before, facts.waiting.case)))
    if facts != NO_FACTS:
        violations = check_facts(await current_terms(tx), moved.status, facts, before=before)
    waiting = None if facts.waiting is None else replace(facts.waiting, by=actor.name, at=now)
    moved = replace(
        moved, sub_status=facts.sub_status, waiting=waiting, closure=merged_closure(before.closure, facts.closure)
    )
    if moved.status is Status.RESOLVED:
        violations += missing_facts(await current_catalogue(tx), moved)
    require_valid(violations)
    said = None if waiting is None else {"reason": waiting.reason, "text": waiting.text}
    if said is not None and waiting is not None and waiting.case is not None:
        said["case"] = waiting.case.name
    return moved, replace(fact, sub_status=facts.sub_status, waiting=said)


async def _case(tx: Tx, ticket: Ticket, given: CaseRef) -> CaseRef:
    """Return the case of a locked ticket that has the id of ``given``, with its party and number.

    Raises:
        InvalidInput: it is no case of this ticket.
    """
    case = named_case(given, ticket.waiting, await progress_store.cases_of(tx, ticket.company_id, ticket.number))
    if case is None:
        raise InvalidInput([Violation("waiting.case", "must be the id of a case of this ticket", RuleCode.REFERENCE)])
    return case


async def change_facts(tx: Tx, actor: Actor, number: int, values: Mapping[str, Any], *, now: datetime) -> TicketView:
    """Change some of the sub-status of a ticket, why it waits, and what was found and done (see ``with_values``).

    If nothing changes, no event is stored.

    Raises:
        Forbidden: the actor is a customer.
        InvalidInput: a value breaks a rule, or a resolved ticket loses what its issue type requires to resolve it.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    before = await access.lock_ticket(tx, actor, number)
    if not actor.is_staff:
        check_customer_fields(values)
    if before.status not in OPEN:
        raise TicketFinished(before.status)
    terms = await current_terms(tx)
    waiting = values.get("waiting")
    if waiting is not None and waiting.get("case") is not None:
        values = {**values, "waiting": {**waiting, "case": await _case(tx, before, waiting["case"])}}
    after = with_values(before, values, by=actor.name, now=now)
    given = StatusFacts(after.sub_status, after.waiting, after.closure)
    violations = check_facts(terms, before.status, given, before=before)
    if before.status is Status.RESOLVED:
        catalogue = await current_catalogue(tx)
        missing = missing_facts(catalogue, before)
        violations += [each for each in missing_facts(catalogue, after) if each not in missing]
    require_valid(violations)
    if changes := fact_changes(terms, before, after):
        fields = {change.field for change in changes}
        is_visible = not fields.isdisjoint(EVENT_TYPES[EventType.TICKET_CHANGED].visible_fields)
        await progress_store.save(tx, after, is_visible=is_visible, now=now)
        await ticket_store.append_facts(tx, actor, before.company_id, number, [TicketChanged(changes)], now=now)
    view = await ticket_store.get_view(tx, before.company_id, number, for_staff=actor.is_staff)
    if view is None:
        raise NotFound("ticket", ticket_number(number))
    return view


async def close_resolved(tx: Tx, *, after: timedelta, limit: int, now: datetime) -> int:
    """Close tickets that were resolved, and last answered, longer ago than ``after``; return how many.

    At most ``limit`` of them, those that were resolved first. A ticket never closes over an answer of the customer that
    is more recent, whether or not answers reopen tickets.
    """
    before = now - after
    tickets = await progress_store.lock_resolved(tx, before=before, limit=limit)
    answers = await progress_store.last_answers(tx, tickets) if tickets else {}
    due = [ticket for ticket in tickets if ticket.number not in answers or answers[ticket.number] < before]
    # in the order in which other transactions update the counts of companies, which prevents deadlocks
    for ticket in sorted(due, key=lambda ticket: (ticket.company_id, ticket.number)):
        answered_at = answers.get(ticket.number)
        is_answered = answered_at is not None and answered_at > ticket.status_changed_at
        since = "the customer's last answer" if is_answered else "it was resolved"
        reason = f"closed automatically {_days(after)} after {since}"
        moved, fact = change_status(ticket, Status.CLOSED, reason=reason, now=now)
        await save_move(tx, AUTOMATIC, ticket, moved, fact)
    return len(due)


def _days(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
