"""Watchers of tickets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.events.domain import WatcherChanged
from clearline.events.store import actor_id, encode
from clearline.identity import Actor, User
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import CUSTOMER_VERSION
from clearline.tickets.links.domain import Watcher
from clearline.tickets.lists.many_store import Key, by_ticket, keys_apart, of_many

_WATCHER = f"{USER}, w.created_at"
_USER = "join app_user u on u.company_id = w.user_company_id and u.id = w.user_id"

_FIRST = UUID(int=0)

_LOCKED = f"""locked as materialized (
            select t.version, {CUSTOMER_VERSION} as customer_version from ticket t
             where t.company_id = $1 and t.number = {{number}} for no key update
        )"""
"""The version of a ticket, which no other transaction changes before the event with it is committed."""


def _watcher(row: Record) -> Watcher:
    return Watcher(user_of(row), row[USER_WIDTH])


_PAGES = {
    is_restricted: f"""
    select {_WATCHER} from ticket_watcher w {_USER}
     where w.company_id = $1 and w.ticket_number = $2 and w.user_id > $3{" and w.user_company_id = $5" * is_restricted}
     order by w.user_id limit $4
    """
    for is_restricted in (True, False)
}
"""The watchers of a ticket: those of one company, or all."""

_PAGES_OF_MANY = {is_restricted: of_many(statement) for is_restricted, statement in _PAGES.items()}


async def page(
    tx: Tx, company_id: UUID, number: int, *, only: UUID | None, after: UUID | None, limit: int
) -> list[Watcher]:
    """Return the watchers of a ticket by user id; with ``only``, those of that company.

    Served by the primary key.
    """
    restricted = () if only is None else (only,)
    rows = await tx.fetch(_PAGES[only is not None], company_id, number, after or _FIRST, limit, *restricted)
    return [_watcher(row) for row in rows]


async def first_pages(tx: Tx, keys: Sequence[Key], *, only: UUID | None, limit: int) -> dict[int, list[Watcher]]:
    """Return the first watchers of each of many tickets: see ``page``. Served by the primary key, once for each."""
    restricted = () if only is None else (only,)
    rows = await tx.fetch(_PAGES_OF_MANY[only is not None], *keys_apart(keys), _FIRST, limit, *restricted)
    return by_ticket(rows, _watcher)


async def get(tx: Tx, company_id: UUID, number: int, user_id: UUID) -> Watcher | None:
    """Return a watcher of a ticket, or None. Served by the primary key."""
    row = await tx.fetchrow(
        f"""select {_WATCHER} from ticket_watcher w {_USER}
             where w.company_id = $1 and w.ticket_number = $2 and w.user_id = $3""",
        company_id,
        number,
        user_id,
    )
    return None if row is None else _watcher(row)


async def lock(tx: Tx, company_id: UUID, number: int, user_id: UUID) -> None:
    """Lock a watcher until the transaction ends."""
    await tx.fetchval(
        "select true from ticket_watcher where company_id = $1 and ticket_number = $2 and user_id = $3 for update",
        company_id,
        number,
        user_id,
    )


async def add(tx: Tx, actor: Actor, company_id: UUID, number: int, user: User, *, now: datetime) -> bool:
    """Store a watcher and the event; return False if the user already watches the ticket."""
    kind, data = encode(WatcherChanged(str(user.id), watches=True))
    row = await tx.write(
        f"""
        with {_LOCKED.format(number="$2")}, added as (
            insert into ticket_watcher (company_id, ticket_number, user_company_id, user_id, created_at)
            select $1, $2, $3::uuid, $4::uuid, $5 from locked on conflict do nothing returning user_id
        )
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select $1, $5, $6, $2, $7, $8, $9, version, customer_version from added, locked
        returning id
        """,
        company_id,
        number,
        user.company_id,
        user.id,
        now,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )
    return row is not None


async def remove(
    tx: Tx, actor: Actor, company_id: UUID, number: int, user_id: UUID, *, only: UUID | None, now: datetime
) -> bool:
    """Delete a watcher and store the event; return False if there is none, or it is not of the company ``only``."""
    kind, data = encode(WatcherChanged(str(user_id), watches=False))
    row = await tx.write(
        f"""
        with {_LOCKED.format(number="$2")}, deleted as (
            delete from ticket_watcher using locked
             where company_id = $1 and ticket_number = $2 and user_id = $3
               and ($4::uuid is null or user_company_id = $4)
            returning user_id
        )
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select $1, $5, $6, $2, $7, $8, $9, version, customer_version from deleted, locked
        returning id
        """,
        company_id,
        number,
        user_id,
        only,
        now,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )
    return row is not None


async def copy(tx: Tx, actor: Actor, company_id: UUID, number: int, to: int, *, now: datetime) -> None:
    """Copy the watchers of a ticket to another ticket of the company, with an event for each."""
    kind, data = encode(WatcherChanged("", watches=True))
    await tx.write(
        f"""
        with {_LOCKED.format(number="$3")}, added as (
            insert into ticket_watcher (company_id, ticket_number, user_company_id, user_id, created_at)
            select $1, $3, user_company_id, user_id, $4
              from ticket_watcher where company_id = $1 and ticket_number = $2
            on conflict do nothing returning user_id
        )
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select $1, $4, $5, $3, $6, $7, $8::jsonb || jsonb_build_object('user_id', user_id), version, customer_version
          from added, locked
        """,
        company_id,
        number,
        to,
        now,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )
