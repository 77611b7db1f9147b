"""Saved views."""

from uuid import UUID

from msgspec.structs import astuple, replace

from clearline.platform.database.transactions import Record, Tx
from clearline.workspace.column_domain import in_order
from clearline.workspace.domain import SavedView

_COLUMNS = "v.company_id, v.id, v.user_id, v.name, v.query, v.is_shared, v.created_at, v.sort, v.columns"
_VISIBLE = "v.company_id = $1 and (v.user_id = $2 or v.is_shared)"


def _view(row: Record) -> SavedView:
    view = SavedView(*row)
    return view if view.columns is None else replace(view, columns=in_order(view.columns))


async def page(
    tx: Tx, company_id: UUID, user_id: UUID, *, after: tuple[str, UUID] | None, limit: int
) -> list[SavedView]:
    """Return a user's views and the shared ones of its company, by name in any case, and id.

    Served by ``saved_view_by_name``.
    """
    name, view_id = after or ("", UUID(int=0))
    rows = await tx.fetch(
        f"""select {_COLUMNS} from saved_view v
             where {_VISIBLE} and (lower(v.name), v.id) > (lower($3), $4)
             order by lower(v.name), v.id limit $5""",
        company_id,
        user_id,
        name,
        view_id,
        limit,
    )
    return [_view(row) for row in rows]


_GET = f"select {_COLUMNS} from saved_view v where {_VISIBLE} and v.id = $3"


async def get(tx: Tx, company_id: UUID, user_id: UUID, view_id: UUID) -> SavedView | None:
    """Return a view that a user can see, or None. Served by the primary key."""
    row = await tx.fetchrow(_GET, company_id, user_id, view_id)
    return None if row is None else _view(row)


_LOCK = f"{_GET} for update"


async def lock(tx: Tx, company_id: UUID, user_id: UUID, view_id: UUID) -> SavedView | None:
    """Lock a view that a user can see, until the transaction ends; return it, or None."""
    row = await tx.fetchrow(_LOCK, company_id, user_id, view_id)
    return None if row is None else _view(row)


async def lock_names(tx: Tx, user_id: UUID) -> None:
    """Lock the names of a user's views until the transaction ends, so that ``is_name_taken`` stays true."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('saved views ' || $1::text, 0))", str(user_id))


async def is_name_taken(tx: Tx, view: SavedView) -> bool:
    """Return whether another view of the same user has the view's name, in any case. Served by ``saved_view_name``."""
    is_taken: bool = await tx.fetchval(
        """select exists (select from saved_view
            where company_id = $1 and user_id = $2 and lower(name) = lower($3) and id <> $4)""",
        view.company_id,
        view.user_id,
        view.name,
        view.id,
    )
    return is_taken


async def count(tx: Tx, company_id: UUID, user_id: UUID) -> int:
    """Return how many views are a user's own. Served by ``saved_view_name``."""
    total: int = await tx.fetchval(
        "select count(*) from saved_view where company_id = $1 and user_id = $2", company_id, user_id
    )
    return total


async def save(tx: Tx, view: SavedView) -> None:
    """Store a view, new or changed, whose name is free."""
    await tx.write(
        """
        insert into saved_view (company_id, id, user_id, name, query, is_shared, created_at, sort, columns)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (company_id, id) do update set name = $4, query = $5, is_shared = $6, sort = $8, columns = $9
        """,
        *astuple(view),
    )


async def delete(tx: Tx, company_id: UUID, view_id: UUID) -> None:
    """Delete a view."""
    await tx.write("delete from saved_view where company_id = $1 and id = $2", company_id, view_id)
