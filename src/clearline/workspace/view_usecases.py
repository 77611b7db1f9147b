"""Saved views: searches that a user keeps, or that an admin shares with the company."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import Forbidden, require_found, require_free, require_valid
from clearline.events.domain import changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Scope, User
from clearline.limit_errors import TooManyViews
from clearline.platform.database.transactions import Tx
from clearline.tickets.list_usecases import order_named
from clearline.workspace import view_store
from clearline.workspace.column_domain import Columns
from clearline.workspace.domain import VIEWS_MAX, SavedView, check_view

KIND = "view"


async def list_views(
    tx: Tx, actor: Actor, *, of: User | None = None, after: tuple[str, UUID] | None, limit: int
) -> list[SavedView]:
    """Return a user's views and the shared ones of its company, by name and id, after a name and id.

    The user is the actor's, or the one that the operator names with ``of``. Served by ``saved_view_by_name``.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    user = _user(actor, of)
    return await view_store.page(tx, user.company_id, user.id, after=after, limit=limit)


async def get_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None) -> SavedView:
    """Return a view that the user can see."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    user = _user(actor, of)
    return require_found(await view_store.get(tx, user.company_id, user.id, view_id), KIND, view_id)


async def add_view(
    tx: Tx,
    actor: Actor,
    name: str,
    query: str,
    *,
    sort: str | None = None,
    columns: Columns | None = None,
    is_shared: bool = False,
    of: User | None = None,
    now: datetime,
) -> SavedView:
    """Add a view; ``sort`` is the name of an order. A shared one makes an event, a user's own does not.

    Raises:
        Forbidden: the view is shared, and the actor is no admin of its company.
        AlreadyExists: the user has a view of that name.
        TooManyViews: the user has ``VIEWS_MAX``.
        InvalidInput: there is no such order for the actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    user = _user(actor, of)
    if sort is not None:
        await order_named(tx, actor, sort)
    view = SavedView(user.company_id, uuid4(), user.id, name, query, is_shared, now, sort, columns)
    if is_shared:
        _require_admin(actor)
    await _save(tx, view)
    if await view_store.count(tx, user.company_id, user.id) > VIEWS_MAX:
        raise TooManyViews(VIEWS_MAX)
    if is_shared:
        await append_record_event(tx, actor, KIND, "created", view, company_id=view.company_id, now=now)
    return view


async def lock_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None) -> SavedView:
    """Lock a view that the actor is about to change, until the transaction ends.

    Raises:
        Forbidden: the view is another user's, and the actor is no admin of the company.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    user = _user(actor, of)
    view = require_found(await view_store.lock(tx, user.company_id, user.id, view_id), KIND, view_id)
    if view.user_id != user.id:
        _require_admin(actor)
    return view


async def change_view(
    tx: Tx, actor: Actor, view_id: UUID, values: Mapping[str, Any], *, of: User | None = None, now: datetime
) -> SavedView:
    """Set a view's name, query, ``sort``, ``columns`` or ``is_shared``.

    Raises:
        Forbidden: as for ``lock_view``; or the view becomes shared, and the actor is no admin of the company.
        AlreadyExists: the user has another view of that name.
        InvalidInput: there is no such order for the actor.
    """
    before = await lock_view(tx, actor, view_id, of=of)
    after = replace(before, **values)
    changes = changes_between(before, after)
    if not changes:
        return before
    if after.sort is not None and after.sort != before.sort:
        await order_named(tx, actor, after.sort)
    if after.is_shared and not before.is_shared:
        _require_admin(actor)
    await _save(tx, after)
    if before.is_shared or after.is_shared:
        await append_record_event(tx, actor, KIND, "changed", after, changes, company_id=after.company_id, now=now)
    return after


async def delete_view(tx: Tx, actor: Actor, view_id: UUID, *, of: User | None = None, now: datetime) -> None:
    """Delete a view.

    Raises:
        Forbidden: as for ``lock_view``.
    """
    view = await lock_view(tx, actor, view_id, of=of)
    await view_store.delete(tx, view.company_id, view_id)
    if view.is_shared:
        await append_record_event(tx, actor, KIND, "deleted", view, company_id=view.company_id, now=now)


def _user(actor: Actor, of: User | None) -> User:
    """Return the user whose views are meant: the acting user, or the one that the operator names."""
    if actor.user is not None and of is None:
        return actor.user
    if actor.user is not None or of is None:
        raise Forbidden("the operator, and nobody else, names whose views are meant")
    permissions.require_desk_admin(actor)
    return of


def _require_admin(actor: Actor) -> None:
    if not actor.is_company_admin:
        raise Forbidden("only an admin may share a view, or change another's")


async def _save(tx: Tx, view: SavedView) -> None:
    require_valid(check_view(view))
    await view_store.lock_names(tx, view.user_id)
    require_free(not await view_store.is_name_taken(tx, view), KIND, view.name)
    await view_store.save(tx, view)
