"""The columns that users chose for lists that nobody saved as views."""

from clearline.identity import User
from clearline.platform.database.transactions import Tx
from clearline.workspace.column_domain import Columns, in_order


async def get(tx: Tx, user: User, name: str) -> Columns | None:
    """Return the columns that a user chose for a list, or None. Served by the primary key."""
    names = await tx.fetchval(
        "select columns from list_columns where company_id = $1 and user_id = $2 and list = $3",
        user.company_id,
        user.id,
        name,
    )
    return None if names is None else in_order(names)


async def save(tx: Tx, user: User, name: str, columns: Columns) -> None:
    """Store the columns that a user chose for a list."""
    await tx.write(
        """insert into list_columns (company_id, user_id, list, columns) values ($1, $2, $3, $4)
           on conflict (company_id, user_id, list) do update set columns = excluded.columns""",
        user.company_id,
        user.id,
        name,
        columns,
    )


async def delete(tx: Tx, user: User, name: str) -> None:
    """Delete what a user chose for a list."""
    await tx.write(
        "delete from list_columns where company_id = $1 and user_id = $2 and list = $3", user.company_id, user.id, name
    )
