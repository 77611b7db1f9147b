"""Watch tickets. Creating a ticket does not add a watcher."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import PROVIDER_ID, Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.links import watcher_store
from clearline.tickets.links.domain import Watcher
from clearline.tickets.lists.many_store import Key


def own_user(actor: Actor) -> UUID:
    """Return the id of the acting user.

    Raises:
        Forbidden: the actor is the operator, who is not a user.
    """
    if actor.user is None:
        raise Forbidden("the operator is not a user: name a user")
    return actor.user.id


async def list_watchers(tx: Tx, actor: Actor, number: int, *, after: UUID | None, limit: int) -> list[Watcher]:
    """Return the watchers of a ticket by user id, after the id ``after``; customers see only their own users.

    Served by the primary key.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await watcher_store.page(
        tx, company_id, number, only=permissions.company_filter(actor), after=after, limit=limit
    )


async def first_watchers(tx: Tx, actor: Actor, keys: Sequence[Key], *, limit: int) -> dict[int, list[Watcher]]:
    """Return the first watchers of each ticket of a list, by the tickets' numbers: see ``list_watchers``."""
    access.require_listed(actor, keys)
    return await watcher_store.first_pages(tx, keys, only=permissions.company_filter(actor), limit=limit)


async def get_watcher(tx: Tx, actor: Actor, number: int, user_id: UUID) -> Watcher:
    """Return a watcher of a ticket.

    Raises:
        NotFound: no such ticket for this actor, or no watcher with this id that the actor may see.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await _visible(tx, actor, company_id, number, user_id)


async def lock_watcher(tx: Tx, actor: Actor, number: int, user_id: UUID) -> Watcher:
    """Lock a watcher that is about to be removed until the transaction ends, and return it.

    Raises:
        NotFound: as for ``get_watcher``.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    await watcher_store.lock(tx, company_id, number, user_id)
    return await _visible(tx, actor, company_id, number, user_id)


async def watch(tx: Tx, actor: Actor, number: int, user_ref: UUID | str, *, now: datetime) -> Watcher:
    """Add a watcher, by user id or e-mail address. No effect if the user already watches the ticket.

    Raises:
        NotFound: no such ticket for this actor.
        InvalidInput: there is no such active user of the ticket's company or, for the provider's people, of the
            provider.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    user = await _user(tx, actor, company_id, user_ref)
    if user is None or not user.is_active:
        more = " or of the provider" if actor.is_staff else ""
        raise InvalidInput(
            [Violation("user", f"must be an active user of the ticket's company{more}", RuleCode.REFERENCE)]
        )
    await watcher_store.add(tx, actor, company_id, number, user, now=now)
    return await watcher_store.get(tx, company_id, number, user.id) or Watcher(user, now)


async def unwatch(tx: Tx, actor: Actor, number: int, user_ref: UUID | str, *, now: datetime) -> bool:
    """Remove a watcher; return False if the user does not watch the ticket.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    if isinstance(user_ref, str):
        user = await _user(tx, actor, company_id, user_ref)
        if user is None:
            return False
        user_ref = user.id
    return await watcher_store.remove(
        tx, actor, company_id, number, user_ref, only=permissions.company_filter(actor), now=now
    )


async def _visible(tx: Tx, actor: Actor, company_id: UUID, number: int, user_id: UUID) -> Watcher:
    watcher = await watcher_store.get(tx, company_id, number, user_id)
    if watcher is None or watcher.user.company_id != (permissions.company_filter(actor) or watcher.user.company_id):
        raise NotFound("watcher", str(user_id))
    return watcher


async def _user(tx: Tx, actor: Actor, company_id: UUID, user_ref: UUID | str) -> User | None:
    """Return a user of the ticket's company or, for the provider's people, of the provider; None if there is none."""
    for owner_id in (company_id, PROVIDER_ID) if actor.is_staff else (company_id,):
        user = await accounts.find_user(tx, owner_id, user_ref)
        if user is not None:
            return user
    return None
