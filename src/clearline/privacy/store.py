"""Read tables of the data map page by page, whatever they store."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.privacy.data_map import Form, Table


class Page(NamedTuple):
    """A part of a table in the order of its key: after a key, up to another; None is the beginning, or the end."""

    after: list[str] | None
    upto: list[str] | None


def _keys(table: Table) -> list[tuple[str, str]]:
    """Return the columns of a primary key with their types."""
    pairs = [part.strip().partition(" ") for part in table.key.split(",")]
    return [(name, type_) for name, _space, type_ in pairs]


def key_columns(table: Table) -> str:
    """Return the columns of a primary key."""
    return ", ".join(f"t.{name}" for name, _type in _keys(table))


def key_texts(table: Table) -> str:
    """Return the columns of a primary key as texts."""
    return ", ".join(f"t.{name}::text" for name, _type in _keys(table))


def key_values(table: Table, first: int) -> str:
    """Return the places of the values of a primary key, which are bound as texts from a number on."""
    return ", ".join(f"${place}::text::{type_}" for place, (_name, type_) in enumerate(_keys(table), first))


def _next_bound(table: Table, *, is_first: bool) -> str:
    after = "" if is_first else f"where ({key_columns(table)}) > ({key_values(table, 2)})"
    return f"""select {key_texts(table)} from {table.name} t {after}
                order by {key_columns(table)} offset $1 limit 1"""


async def next_page(tx: Tx, table: Table, after: list[str] | None) -> Page:
    """Return the page of a table after a key: ``table.at_once`` rows. Served by the primary key."""
    row = await tx.fetchrow(_next_bound(table, is_first=after is None), table.at_once - 1, *(after or ()))
    return Page(after, None if row is None else [*row])


def within(table: Table, page: Page, first: int) -> tuple[str, list[str]]:
    """Return the condition that a row is on a page, and the values that it binds from a number on."""
    conditions, values = ["true"], list[str]()
    for sign, bound in ((">", page.after), ("<=", page.upto)):
        if bound is not None:
            conditions.append(f"({key_columns(table)}) {sign} ({key_values(table, first + len(values))})")
            values += bound
    return " and ".join(conditions), values


def _is_of_person(table: Table) -> str:
    """Return the condition that a row is the person's with the accounts ``$1`` and the addresses ``$2``."""
    conditions = [f"t.{column} = any($1::uuid[])" for column in table.users]
    conditions += [f"lower(t.{column}) = any($2::text[])" for column in table.addresses]
    if table.condition is not None:
        named = table.condition.replace("$users", "$1::uuid[]").replace("$addresses", "$2::text[]")
        conditions.append(named)
    return "(" + " or ".join(conditions) + ") and $1::uuid[] is not null and $2::text[] is not null"


def _documents(table: Table, condition: str) -> str:
    return f"""select (to_jsonb(t) - $3::text[])::text from {table.name} t
                where {_is_of_person(table)} and {condition} order by {key_columns(table)}"""


async def documents(tx: Tx, table: Table, page: Page, users: Sequence[UUID], addresses: Sequence[str]) -> list[str]:
    """Return the rows of a page that are a person's, each as JSON without the hidden columns."""
    condition, values = within(table, page, 4)
    rows = await tx.fetch(_documents(table, condition), users, addresses, table.hidden, *values)
    return [row[0] for row in rows]


async def mails(
    tx: Tx, table: Table, page: Page, users: Sequence[UUID], addresses: Sequence[str]
) -> list[tuple[UUID, bytes]]:
    """Return the ids and contents of the mails of a page that are a person's, of those that still have a content."""
    condition, values = within(table, page, 3)
    rows = await tx.fetch(_contents(table, condition), users, addresses, *values)
    return [(row[0], row[1]) for row in rows]


def _contents(table: Table, condition: str) -> str:
    content = next(column.name for column in table.columns if column.form is Form.MAIL)
    return f"""select t.id, t.{content} from {table.name} t
                where {_is_of_person(table)} and {condition} and t.{content} is not null
                order by {key_columns(table)}"""
