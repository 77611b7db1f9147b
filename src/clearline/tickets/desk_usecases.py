"""Work a ticket: read it as the desk does, change its values, assign it. Status and notes have modules of their own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.errors import Forbidden, InvalidInput, NotFound, TicketFinished, Violation
from clearline.events.domain import changes_between
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.text import check_text
from clearline.tickets import access, desk_store, list_store
from clearline.tickets.contact import check_contact
from clearline.tickets.domain import OPEN, TITLE_MAX, Status, ticket_number
from clearline.tickets.handling import (
    FOR_CUSTOMERS,
    DeskTicket,
    Editable,
    check_external_ids,
    check_tags,
    editable,
    tidy_tags,
)
from clearline.tickets.list_store import Filter

MANUAL = "manual"


async def get_ticket(tx: Tx, actor: Actor, number: int) -> DeskTicket:
    """A ticket with its handling.

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    found = None if company_id is None else await desk_store.get(tx, company_id, number)
    if found is None:
        raise NotFound("ticket", ticket_number(number))
    return found


async def list_tickets(
    tx: Tx, actor: Actor, wanted: Filter, *, after: int | None, limit: int, newest_first: bool = True
) -> list[DeskTicket]:
    """At most ``limit`` tickets past the number ``after``; customers see their own company's alone.

    Raises:
        Forbidden: a customer asks by queue or assignee.
        InvalidInput: no index serves the filters: finished tickets by queue or assignee, or a service, of no company.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if not actor.is_staff:
        if wanted.queue_id or wanted.assignee_id or wanted.unassigned:
            raise Forbidden("only the provider's people list tickets by queue or assignee")
        wanted = wanted._replace(company_id=permissions.own_company(actor).id)
    elif wanted.company_id is None:
        if wanted.state != "open" and (wanted.queue_id or wanted.assignee_id or wanted.unassigned):
            raise InvalidInput([Violation("state", "must be open here; name a company, or use the search")])
        if wanted.service_id is not None:
            raise InvalidInput([Violation("company", "is required: the ids of services are a company's own")])
        if wanted.status in {Status.CANCELLED, Status.REJECTED}:
            raise InvalidInput([Violation("status", "is too rare to list for all; name a company, or use the search")])
    return await list_store.tickets(tx, wanted, after=after, limit=limit, newest_first=newest_first)


async def lock_ticket(tx: Tx, actor: Actor, number: int) -> DeskTicket:
    """A ticket that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the actor's key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.ticket_company(tx, actor, number)
    found = None if company_id is None else await desk_store.lock(tx, company_id, number)
    if found is None:
        raise NotFound("ticket", ticket_number(number))
    return found


async def change_ticket(
    tx: Tx,
    actor: Actor,
    number: int,
    values: Mapping[str, Any],
    *,
    by: str = MANUAL,
    rule: str | None = None,
    now: datetime,
) -> DeskTicket:
    """Set some of the values of ``Editable``; those that are as they were are no change, and make no event.

    ``by`` and ``rule`` tell the event how a person or a queue came to be chosen.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer may not set one of them.
        InvalidInput: a value breaks a rule, or names a queue or person that there is not.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    found = await lock_ticket(tx, actor, number)
    if not actor.is_staff and (others := sorted(set(values) - FOR_CUSTOMERS)):
        raise Forbidden("only the provider's people may set " + ", ".join(others))
    if found.ticket.status not in OPEN:
        raise TicketFinished(found.ticket.status)
    before = editable(found)
    after = replace(before, **values)
    after = replace(after, tags=tidy_tags(after.tags))
    changes = changes_between(before, after)
    if not changes:
        return found
    fields = {change.field for change in changes}
    if violations := [*_check(after), *await _check_references(tx, after, fields)]:
        raise InvalidInput(violations)
    company_id = found.ticket.company_id
    await desk_store.save(tx, company_id, number, after, now=now)
    facts = desk_store.facts_of(changes, by=by, rule=rule)
    await desk_store.append_facts(tx, actor, company_id, number, facts, now=now)
    changed = await desk_store.get(tx, company_id, number)
    if changed is None:
        raise NotFound("ticket", ticket_number(number))
    return changed


def _check(values: Editable) -> list[Violation]:
    return [
        *check_text("title", values.title, most=TITLE_MAX),
        *check_contact("contact", values.contact),
        *check_tags(values.tags),
        *check_external_ids(values.external_ids),
    ]


async def _check_references(tx: Tx, values: Editable, changed: set[str]) -> list[Violation]:
    violations = []
    if "queue_id" in changed and values.queue_id is not None and await queue_store.get(tx, values.queue_id) is None:
        violations.append(Violation("queue_id", "must be the id of a queue"))
    if "assignee_id" in changed and values.assignee_id is not None:
        person = await account_store.user(tx, PROVIDER_ID, values.assignee_id)
        if person is None or not person.is_active or not person.role.works_tickets:
            violations.append(Violation("assignee_id", "must be the id of an active agent"))
    return violations


async def assign(tx: Tx, actor: Actor, number: int, to: UUID | None, *, by: str = MANUAL, now: datetime) -> DeskTicket:
    """Give a ticket to an agent, or to nobody.

    Raises:
        As ``change_ticket``.
    """
    return await change_ticket(tx, actor, number, {"assignee_id": to}, by=by, now=now)


async def tag(
    tx: Tx, actor: Actor, number: int, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), now: datetime
) -> DeskTicket:
    """Put tags on a ticket and take tags off; those that are there, or are not, stay so.

    Raises:
        As ``change_ticket``.
    """
    found = await lock_ticket(tx, actor, number)
    kept = set(found.handling.tags) - {one.lower() for one in remove}
    return await change_ticket(tx, actor, number, {"tags": (*kept, *add)}, now=now)
