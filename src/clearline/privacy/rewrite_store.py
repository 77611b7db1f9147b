"""Find and rewrite the rows of a page of a table that may hold the words of a person, whatever they store."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.privacy.data_map import Column, Form, Table
from clearline.privacy.store import Page, key_columns, key_texts, key_values, within

_TEXT_OF = {
    Form.TEXT: "t.{0}",
    Form.TEXTS: "array_to_string(t.{0}, ' ')",
    Form.TAGS: "array_to_string(t.{0}, ' ')",
    Form.JSON: "t.{0}::text",
    Form.OWN_FIELDS: "t.{0}::text",
    Form.BODY: "encode(t.{0}, 'escape')",
    Form.MAIL: "encode(t.{0}, 'escape')",
}
"""The text in which a column is searched. Bytes beyond ASCII are spelled in it."""
_JSON = {Form.JSON, Form.OWN_FIELDS}


class Finder(NamedTuple):
    """Whose rows are looked for: ``pattern`` is a regular expression of every text that may hold the words, or empty.

    Contents of mails are encoded: those of ``companies`` are all looked at, and with None those of every company.
    """

    pattern: str
    users: Sequence[UUID]
    addresses: Sequence[str]
    companies: Sequence[UUID] | None


class Found(NamedTuple):
    """A row that may hold the words: its key, its company, its ticket, its values, and whose each is by an id."""

    key: tuple[str, ...]
    company_id: UUID | None
    ticket_number: int | None
    values: tuple[Any, ...]
    authors: tuple[UUID | None, ...]


def _may_hold(table: Table, finder: Finder) -> str:
    """Return the condition that a row may hold the words: ``$1`` pattern, ``$2`` accounts, ``$3`` companies."""
    if not finder.pattern:
        return "true"
    conditions = [f"{_TEXT_OF[column.form].format(column.name)} ~* $1::text" for column in table.columns]
    conditions += [f"t.{column.author} = any($2::uuid[])" for column in table.columns if column.author is not None]
    if any(column.form is Form.MAIL for column in table.columns):
        conditions.append("$3::uuid[] is null or t.company_id is null or t.company_id = any($3::uuid[])")
    return " or ".join(conditions)


def _rows(table: Table, finder: Finder, condition: str) -> str:
    values = [f"t.{column.name}{'::text' if column.form in _JSON else ''}" for column in table.columns]
    authors = ["null::uuid" if column.author is None else f"t.{column.author}" for column in table.columns]
    company = "null::uuid" if table.company is None else f"t.{table.company}"
    ticket = "null::bigint" if table.ticket is None else f"t.{table.ticket}"
    return f"""select {key_texts(table)}, {company}, {ticket}, {", ".join([*values, *authors])} from {table.name} t
                where {condition} and ({_may_hold(table, finder)})
                  and ($1::text is not null and $2::uuid[] is not null and ($3::uuid[] is null or true))
                order by {key_columns(table)} for update of t"""


async def rows(tx: Tx, table: Table, page: Page, finder: Finder) -> list[Found]:
    """Lock the rows of a page that may hold the words, and return them. Served by the primary key."""
    condition, bounds = within(table, page, 4)
    read = await tx.fetch(_rows(table, finder, condition), finder.pattern, finder.users, finder.companies, *bounds)
    keys, width = len(table.key.split(",")), len(table.columns)
    return [
        Found(tuple(row[:keys]), row[keys], row[keys + 1], tuple(row[keys + 2 : -width]), tuple(row[-width:]))
        for row in read
    ]


async def save(tx: Tx, table: Table, changed: Sequence[tuple[Found, Sequence[Any]]]) -> None:
    """Store new values of rows. Served by the primary key."""
    first = len(table.key.split(",")) + 1
    sets = ", ".join(f"{column.name} = {_value(column, place)}" for place, column in enumerate(table.columns, first))
    await tx.write_many(
        f"update {table.name} t set {sets} where ({key_columns(table)}) = ({key_values(table, 1)})",
        [(*row.key, *values) for row, values in changed],
    )


def _value(column: Column, place: int) -> str:
    return f"${place}::text::jsonb" if column.form in _JSON else f"${place}"


def _are_persons(table: Table) -> str:
    conditions = [f"t.{column} = any($1::uuid[])" for column in table.users]
    conditions += [f"lower(t.{column}) = any($2::text[])" for column in table.addresses]
    return f"({' or '.join(conditions)}) and $1::uuid[] is not null and $2::text[] is not null"


def _count(table: Table) -> str:
    return f"select count(*) from {table.name} t where {_are_persons(table)}"


async def count_of_person(tx: Tx, table: Table, finder: Finder) -> int:
    """Return how many rows are a person's: of a table that has few."""
    count: int = await tx.fetchval(_count(table), finder.users, finder.addresses)
    return count


async def delete_of_person(tx: Tx, table: Table, finder: Finder) -> int:
    """Delete the rows that are a person's; return how many."""
    row = await tx.write(
        f"""with deleted as (delete from {table.name} t where {_are_persons(table)} returning 1)
            select count(*) from deleted""",
        finder.users,
        finder.addresses,
    )
    return 0 if row is None else int(row[0])


async def sizes(tx: Tx, files: Sequence[Found]) -> dict[str, int]:
    """Return the sizes of attachments by their ids. Served by ``attachment_by_id``."""
    rows = await tx.fetch(
        """select a.id::text, a.size from unnest($1::uuid[], $2::uuid[]) as f (company_id, id)
             join attachment a on a.company_id = f.company_id and a.id = f.id""",
        [file.company_id for file in files],
        [file.key[-1] for file in files],
    )
    return {row[0]: row[1] for row in rows}


async def end_accounts(tx: Tx, users: Sequence[UUID], *, name: str, address: str) -> None:
    """Give accounts a pseudonym, end their sessions, and forget how they proved who they are."""
    await tx.write(
        """with keys as (
               update api_key set revoked_at = coalesce(revoked_at, now()) where user_id = any($1)
           ), codes as (
               delete from recovery_code where user_id = any($1)
           ), challenges as (
               delete from sign_in_challenge where user_id = any($1)
           )
           update app_user set name = $2, email = $3, phone = '', is_active = false, is_available = false,
                  is_confirmed = false, language = null, version = version + 1, session_epoch = session_epoch + 1
            where id = any($1)""",
        users,
        name,
        address,
    )


class Known(NamedTuple):
    """How a record names the person with an address, and the company of the record."""

    company_id: UUID
    name: str
    phone: str


async def known_as(tx: Tx, address: str, users: Sequence[UUID]) -> list[Known]:
    """Return how tickets name the person with an address: as their contact, further contact, or that of a case.

    Served by ``ticket_by_contact``; further contacts and cases have no index by address.
    """
    rows = await tx.fetch(
        """select distinct company_id, contact_name, contact_phone from ticket where lower(contact_email) = $1
           union select company_id, name, phone from ticket_contact where lower(email) = $1
           union select company_id, contact_name, contact_phone from ticket_case where lower(contact_email) = $1
           union select company_id, author, '' from note n
                  where mail_id in (select id from inbound_mail where lower(sender) = $1 and company_id = n.company_id)
                    and created_by is null
           union select company_id, name, phone from app_user where id = any($2)""",
        address,
        users,
    )
    return [Known(row[0], row[1] or "", row[2] or "") for row in rows]


async def namesakes(
    tx: Tx, names: Sequence[str], phones: Sequence[str], users: Sequence[UUID]
) -> tuple[int, list[str]]:
    """Return how many other accounts have one of these names, and which of these phone numbers others have, too."""
    rows = await tx.fetch(
        """select lower(name) = any($1), phone from app_user
            where id <> all($3) and (lower(name) = any($1) or phone = any($2))""",
        [name.lower() for name in names],
        phones,
        users,
    )
    return sum(row[0] for row in rows), [row[1] for row in rows if row[1] in phones]
