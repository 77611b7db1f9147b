"""Keep searches for use again: one's own, and those that a company shares."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from clearline.events import store as event_store
from clearline.events.domain import changes_between, record
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.workspace import view_store
from clearline.workspace.domain import SavedView, check_view

KIND = "view"


async def list_views(
    tx: Tx, actor: Actor, *, of: User | None = None, after: tuple[str, UUID] | None, limit: int
) -> list[SavedView]:
    """A person's views and its company's shared ones by name and id, behind the view of this name and id.

    The person is the actor, or the one that the operator names with ``of``. Served by ``saved_view_by_name``.

    Raises:
        Forbidden: the actor is nobody and names nobody, or its key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    person = _person(actor, of)
    return await view_store.page(tx, person.company_id, person.id, after=after, limit=limit)


async def get_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None) -> SavedView:
    """One view.

    Raises:
        NotFound: there is none of this id that the person may see.
        Forbidden: as for ``list_views``.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    person = _person(actor, of)
    found = await view_store.get(tx, person.company_id, person.id, view_id)
    if found is None:
        raise NotFound(KIND, str(view_id))
    return found


async def add_view(
    tx: Tx, actor: Actor, name: str, query: str, *, is_shared: bool = False, of: User | None = None, now: datetime
) -> SavedView:
    """Keep a new view. Shared ones make an event, a person's own none.

    Raises:
        Forbidden: it is to be shared, and the actor is no admin of its company; or the key may not write.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the person has a view of that name.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    person = _person(actor, of)
    view = SavedView(person.company_id, uuid4(), person.id, name, query, is_shared, now)
    if is_shared:
        _admin(actor)
    await _save(tx, view)
    if is_shared:
        await event_store.append(tx, actor, view.company_id, record(KIND, "created", view), now=now)
    return view


async def lock_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None) -> SavedView:
    """A view that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        NotFound: there is none of this id that the person may see.
        Forbidden: it is another's, and the actor is no admin of the company; or the key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    person = _person(actor, of)
    found = await view_store.lock(tx, person.company_id, person.id, view_id)
    if found is None:
        raise NotFound(KIND, str(view_id))
    if found.user_id != person.id:
        _admin(actor)
    return found


async def change_view(
    tx: Tx, actor: Actor, view_id: UUID, values: Mapping[str, Any], *, of: User | None = None, now: datetime
) -> SavedView:
    """Set a view's name, query or ``is_shared``; those that are as they were are no change.

    Raises:
        NotFound, Forbidden: as for ``lock_view``; or it is to be shared by somebody who is no admin.
        InvalidInput, AlreadyExists: as for ``add_view``.
    """
    before = await lock_view(tx, actor, view_id, of=of)
    after = replace(before, **values)
    changes = changes_between(before, after)
    if not changes:
        return before
    if after.is_shared and not before.is_shared:
        _admin(actor)
    await _save(tx, after)
    if before.is_shared or after.is_shared:
        await event_store.append(tx, actor, after.company_id, record(KIND, "changed", after, changes), now=now)
    return after


async def delete_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None, now: datetime) -> None:
    """Forget a view.

    Raises:
        NotFound, Forbidden: as for ``lock_view``.
    """
    view = await lock_view(tx, actor, view_id, of=of)
    await view_store.delete(tx, view.company_id, view_id)
    if view.is_shared:
        await event_store.append(tx, actor, view.company_id, record(KIND, "deleted", view), now=now)


def _person(actor: Actor, of: User | None) -> User:
    """Whose views are meant: the actor's own, or those of somebody whom the operator names."""
    if actor.user is not None and of is None:
        return actor.user
    if actor.user is not None or of is None:
        raise Forbidden("the operator, and nobody else, names whose views are meant")
    permissions.require_desk_admin(actor)
    return of


def _admin(actor: Actor) -> None:
    if not actor.is_company_admin:
        raise Forbidden("only an admin may share a view, or change another's")


async def _save(tx: Tx, view: SavedView) -> None:
    if violations := check_view(view.name, view.query):
        raise InvalidInput(violations)
    await view_store.hold_names(tx, view.user_id)
    if await view_store.is_named(tx, view):
        raise AlreadyExists(KIND, view.name)
    await view_store.save(tx, view)
