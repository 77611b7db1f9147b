"""Change a user together with its tickets: an agent who stops working tickets hands them over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import company_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import DEFAULT_LIMITS, AccountLimits
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, User
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import can_be_assigned

HAND_OVER_TO = "hand_over_to"
"""The value that names the heir among the values of a user."""


async def change_user(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    user_ref: UUID | str,
    values: Mapping[str, Any],
    *,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> User:
    """Change a user as ``accounts.change_user`` does. See ``change_user_and_tickets``."""
    return (await change_user_and_tickets(tx, actor, company_ref, user_ref, values, limits=limits, now=now))[0]


async def change_user_and_tickets(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    user_ref: UUID | str,
    values: Mapping[str, Any],
    *,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> tuple[User, int]:
    """Change a user; return it with the number of tickets that it handed over.

    The open tickets of an agent who is made inactive, or gets a role that works no tickets, lose their assignee, and so
    wait in their queues. So do those that a new limit of its access does not leave to it. ``hand_over_to`` among the
    values is the id or address of an agent who gets them instead.

    Raises:
        InvalidInput: a limit names no queue or customer, ``hand_over_to`` names no active agent, or the user does not
            stop working tickets. As ``accounts.change_user``.
    """
    before = await accounts.lock_user(tx, actor, company_ref, user_ref)
    await _check_limits(tx, values)
    heir_ref = values.get(HAND_OVER_TO)
    changes = {name: value for name, value in values.items() if name != HAND_OVER_TO}
    after = await accounts.change_user(tx, actor, company_ref, user_ref, changes, limits=limits, now=now)
    is_leaving = can_be_assigned(before) and not can_be_assigned(after)
    if heir_ref is not None and not is_leaving:
        raise _invalid("is for an agent who is made inactive, or gets a role that works no tickets")
    # Whoever may end the work of an agent need not be allowed to write tickets.
    acting = replace(actor, scopes=ALL_SCOPES)
    if not is_leaving:
        is_narrowed = (before.only_queues, before.only_companies) != (after.only_queues, after.only_companies)
        return after, await _release_unreachable(tx, acting, after, now=now) if is_narrowed else 0
    heir = None if heir_ref is None else await _heir(tx, heir_ref)
    return after, await hand_over_tickets(tx, acting, after.id, None if heir is None else heir.id, now=now)


async def _check_limits(tx: Tx, values: Mapping[str, Any]) -> None:
    violations = []
    queues, companies = values.get("only_queues"), values.get("only_companies")
    for place, queue_id in enumerate(queues or ()):
        if await queue_store.get(tx, queue_id) is None:
            violations.append(Violation(f"only_queues.{place}", "must be the id of a queue", RuleCode.REFERENCE))
    for place, company_id in enumerate(companies or ()):
        if company_id == PROVIDER_ID or await company_store.get(tx, company_id) is None:
            violations.append(Violation(f"only_companies.{place}", "must be the id of a customer", RuleCode.REFERENCE))
    require_valid(violations)


async def _release_unreachable(tx: Tx, actor: Actor, agent: User, *, now: datetime) -> int:
    """Unassign the open tickets of an agent that its limits do not leave to it; return how many."""
    released = 0
    for number in await ticket_store.lock_open_of_assignee(tx, agent.id):
        company_id, queue_id = await ticket_store.place_of(tx, number)
        if company_id is not None and not agent.reaches_ticket(company_id, queue_id):
            await ticket_changes.assign(tx, actor, number, None, now=now)
            released += 1
    return released


async def hand_over_tickets(
    tx: Tx, actor: Actor, agent_id: UUID, heir_id: UUID | None, *, by: str = ticket_changes.MANUAL, now: datetime
) -> int:
    """Assign the open tickets of an agent to another one; return how many.

    Without an heir they lose their assignee, and so wait in their queues. ``by`` is stored in their events.

    Raises:
        ScopeMissing: the actor may not write tickets.
    """
    numbers = await ticket_store.lock_open_of_assignee(tx, agent_id)
    for number in numbers:
        await ticket_changes.assign(tx, actor, number, heir_id, by=by, now=now)
    return len(numbers)


async def _heir(tx: Tx, ref: UUID | str) -> User:
    user = await accounts.find_user(tx, PROVIDER_ID, ref)
    if user is None or not can_be_assigned(user):
        raise _invalid(f"must be the {'id' if isinstance(ref, UUID) else 'address'} of an active agent")
    return user


def _invalid(rule: str) -> InvalidInput:
    return InvalidInput([Violation(HAND_OVER_TO, rule, RuleCode.REFERENCE)])
