"""Cases of tickets at third parties. Only the provider's people see and change them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import TicketFinished, require_found, require_free, require_valid
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyCases
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.cases import store as case_store
from clearline.tickets.domain import Ticket
from clearline.tickets.progress import store as progress_store
from clearline.tickets.status_domain import OPEN
from clearline.tickets.third_parties.domain import (
    CASES_MAX,
    Case,
    CaseKind,
    CaseState,
    added,
    case_named,
    changed,
    check_case,
    ref_of,
    removed,
)

KIND = "case"
PARTIES_MAX = 200
"""The most names of third parties that are suggested."""


async def list_cases(
    tx: Tx, actor: Actor, number: int, *, after: tuple[datetime, UUID] | None = None, limit: int = CASES_MAX
) -> list[Case]:
    """Return the cases of a ticket, that of the earliest opening first, after a time of opening and an id.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor is a customer.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    cases = await progress_store.cases_of(tx, await access.require_ticket(tx, actor, number), number)
    return [case for case in cases if after is None or (case.opened_at, case.id) > after][:limit]


async def get_case(tx: Tx, actor: Actor, number: int, case_id: UUID) -> Case:
    """Return a case of a ticket.

    Raises:
        NotFound: no such ticket for this actor, or no such case.
        Forbidden: the actor is a customer.
    """
    cases = await list_cases(tx, actor, number)
    return require_found(case_named(cases, case_id), KIND, case_id)


async def lock_case(tx: Tx, actor: Actor, number: int, case_id: UUID) -> Case:
    """Lock the ticket of a case that is about to change until the transaction ends, and return the case.

    Raises:
        As ``get_case``.
    """
    _ticket, case, _cases = await _locked(tx, actor, number, case_id)
    return case


async def known_parties(tx: Tx, actor: Actor) -> list[str]:
    """Return the third parties that cases name, by name: what pages suggest. An agent with limits gets none.

    Raises:
        Forbidden: the actor is a customer.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    return [] if actor.limits is not None else await case_store.parties(tx, limit=PARTIES_MAX)


async def add_case(tx: Tx, actor: Actor, number: int, values: Mapping[str, Any], *, now: datetime) -> Case:
    """Add a case to a ticket; ``values`` are editable fields of ``Case``, its party at least.

    Without more it is an open case of a carrier, opened now.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor is a customer.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the ticket has the case of this party with this number.
        TooManyCases: the ticket has 20 cases.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    ticket = await access.lock_ticket(tx, actor, number)
    if ticket.status not in OPEN:
        raise TicketFinished(ticket.status)
    cases = await progress_store.cases_of(tx, ticket.company_id, number)
    if len(cases) >= CASES_MAX:
        raise TooManyCases(CASES_MAX)
    case = new_case(values, by=actor.name, now=now)
    _require_valid(case, cases, now=now)
    await _save(tx, ticket, case, now=now)
    await ticket_store.append_facts(tx, actor, ticket.company_id, number, [added(case)], now=now)
    return case


def new_case(values: Mapping[str, Any], *, by: str, now: datetime) -> Case:
    """Return a case of these values, with an id."""
    first = Case(
        uuid4(), "", "", CaseKind.CARRIER, CaseState.OPEN, now, None, "", "", "", "", now, by, now, by
    )  # fmt: skip
    return _trimmed(replace(first, **values))


def _trimmed(case: Case) -> Case:
    names = ("party", "number", "contact_name", "contact_phone", "contact_email")
    return replace(case, **{name: getattr(case, name).strip() for name in names})


async def change_case(
    tx: Tx, actor: Actor, number: int, case_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> Case:
    """Set some values of a case, whatever the status of its ticket. If nothing changes, no event is stored.

    A ticket that waits for the case names it as it is then.

    Raises:
        NotFound: no such ticket for this actor, or no such case.
        Forbidden: the actor is a customer.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the ticket has another case of this party with this number.
    """
    ticket, before, cases = await _locked(tx, actor, number, case_id)
    after = _trimmed(replace(before, **values))
    fact = changed(before, after)
    if fact is None:
        return before
    after = replace(after, updated_at=now, updated_by=actor.name)
    _require_valid(after, [case for case in cases if case.id != case_id], now=now)
    await _save(tx, ticket, after, now=now)
    await ticket_store.append_facts(tx, actor, ticket.company_id, number, [fact], now=now)
    return after


async def remove_case(tx: Tx, actor: Actor, number: int, case_id: UUID, *, now: datetime) -> Case:
    """Remove a case from a ticket, whatever its status, and return it. A ticket that waits for it still names it.

    Raises:
        NotFound: no such ticket for this actor, or no such case.
        Forbidden: the actor is a customer.
    """
    ticket, case, _cases = await _locked(tx, actor, number, case_id)
    await case_store.delete(tx, ticket.company_id, number, case_id)
    await case_store.touch(tx, ticket.company_id, number, now=now)
    await ticket_store.append_facts(tx, actor, ticket.company_id, number, [removed(case)], now=now)
    return case


async def copy_cases(tx: Tx, actor: Actor, source: Ticket, target: Ticket, *, now: datetime) -> None:
    """Copy the cases of a ticket to another locked ticket of its company, with an event for each.

    Those that the other has already are left out, and those beyond its most: they stay where they are.
    """
    existing = await progress_store.cases_of(tx, target.company_id, target.number)
    known = {case.key for case in existing if case.key is not None}
    copies = [
        replace(case, id=uuid4())
        for case in await progress_store.cases_of(tx, source.company_id, source.number)
        if case.key not in known
    ][: CASES_MAX - len(existing)]
    if copies:
        await begin_with(tx, actor, target, copies, now=now)
        await case_store.touch(tx, target.company_id, target.number, now=now)


async def begin_with(tx: Tx, actor: Actor, ticket: Ticket, cases: Sequence[Case], *, now: datetime) -> None:
    """Store cases that a locked ticket did not have, with an event for each, and leave its version as it is."""
    await case_store.save(tx, ticket.company_id, ticket.number, cases)
    facts = [added(case) for case in cases]
    await ticket_store.append_facts(tx, actor, ticket.company_id, ticket.number, facts, now=now)


async def _locked(tx: Tx, actor: Actor, number: int, case_id: UUID) -> tuple[Ticket, Case, tuple[Case, ...]]:
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    ticket = await access.lock_ticket(tx, actor, number)
    cases = await progress_store.cases_of(tx, ticket.company_id, number)
    return ticket, require_found(case_named(cases, case_id), KIND, case_id), cases


def _require_valid(case: Case, others: Sequence[Case], *, now: datetime) -> None:
    require_valid(check_case(case, now=now))
    require_free(case.key is None or all(other.key != case.key for other in others), KIND, case.name)


async def _save(tx: Tx, ticket: Ticket, case: Case, *, now: datetime) -> None:
    """Store a case, and its name where the ticket waits for it."""
    await case_store.save(tx, ticket.company_id, ticket.number, [case])
    waiting = ticket.waiting
    if waiting is None or waiting.case is None or waiting.case.id != case.id or waiting.case == ref_of(case):
        await case_store.touch(tx, ticket.company_id, ticket.number, now=now)
        return
    after = replace(ticket, waiting=replace(waiting, case=ref_of(case)))
    await progress_store.save(tx, after, is_visible=False, now=now)
