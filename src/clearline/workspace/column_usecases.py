"""Choose the columns of lists that nobody saved as views; a saved view has its own."""

from clearline.accounts import permissions
from clearline.errors import Forbidden
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.workspace import column_store
from clearline.workspace.column_domain import Columns


async def chosen_columns(tx: Tx, actor: Actor, name: str) -> Columns | None:
    """Return the columns that the acting user chose for a list; None if it chose none, or nobody is acting."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return None if actor.user is None else await column_store.get(tx, actor.user, name)


async def choose_columns(tx: Tx, actor: Actor, name: str, columns: Columns | None) -> None:
    """Store the columns of a list that is there, for the acting user; None for the default ones."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if actor.user is None:
        raise Forbidden("only people choose the columns of lists")
    if columns is None:
        await column_store.delete(tx, actor.user, name)
    else:
        await column_store.save(tx, actor.user, name, columns)
