"""Follow tickets. Nobody follows a ticket for having raised it."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions, user_store
from clearline.errors import Forbidden, InvalidInput, NotFound, Violation
from clearline.identity import PROVIDER_ID, Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.links import watcher_store
from clearline.tickets.links.domain import Watcher


def own_user(actor: Actor) -> UUID:
    """Return the id of the user that the actor is.

    Raises:
        Forbidden: it is nobody, but the operator.
    """
    if actor.user is None:
        raise Forbidden("the operator is no user; name one")
    return actor.user.id


async def list_watchers(tx: Tx, actor: Actor, number: int, *, after: UUID | None, limit: int) -> list[Watcher]:
    """Who follows a ticket, by user id, after the id ``after``; to customers only their own people.

    Served by the primary key.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await watcher_store.page(
        tx, company_id, number, only=permissions.company_filter(actor), after=after, limit=limit
    )


async def get_watcher(tx: Tx, actor: Actor, number: int, user_id: UUID) -> Watcher:
    """One who follows a ticket.

    Raises:
        NotFound: no such ticket for this actor, or nobody of this id whom it may see follows it.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await _visible(tx, actor, company_id, number, user_id)


async def lock_watcher(tx: Tx, actor: Actor, number: int, user_id: UUID) -> Watcher:
    """One who follows a ticket and is about to stop, held until the transaction ends.

    Raises:
        NotFound: as for ``get_watcher``.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    await watcher_store.lock(tx, company_id, number, user_id)
    return await _visible(tx, actor, company_id, number, user_id)


async def watch(tx: Tx, actor: Actor, number: int, who: UUID | str, *, now: datetime) -> Watcher:
    """Have a person, named by id or e-mail address, follow a ticket; no change when it does already.

    Raises:
        NotFound: no such ticket for this actor.
        InvalidInput: there is no such active person of the ticket's company or, for the staff, of the provider.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    user = await _person(tx, actor, company_id, who)
    if user is None or not user.is_active:
        more = " or of the provider" if actor.is_staff else ""
        raise InvalidInput([Violation("user", f"must be an active user of the ticket's company{more}")])
    await watcher_store.add(tx, actor, company_id, number, user, now=now)
    found = await watcher_store.get(tx, company_id, number, user.id)
    return found or Watcher(user, now)


async def unwatch(tx: Tx, actor: Actor, number: int, who: UUID | str, *, now: datetime) -> bool:
    """Have a person follow a ticket no more; False when it does not.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    if isinstance(who, str):
        user = await _person(tx, actor, company_id, who)
        if user is None:
            return False
        who = user.id
    return await watcher_store.remove(
        tx, actor, company_id, number, who, only=permissions.company_filter(actor), now=now
    )


async def _visible(tx: Tx, actor: Actor, company_id: UUID, number: int, user_id: UUID) -> Watcher:
    found = await watcher_store.get(tx, company_id, number, user_id)
    if found is None or found.user.company_id != (permissions.company_filter(actor) or found.user.company_id):
        raise NotFound("watcher", str(user_id))
    return found


async def _person(tx: Tx, actor: Actor, company_id: UUID, who: UUID | str) -> User | None:
    """Return a user of the ticket's company or, for the staff, of the provider."""
    for place in (company_id, PROVIDER_ID) if actor.is_staff else (company_id,):
        if isinstance(who, str):
            found = await user_store.find(tx, place, who)
        else:
            found = await user_store.get(tx, place, who)
        if found is not None:
            return found
    return None
