"""Tickets: their current state, and the number of tickets of each company."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from clearline.catalogue.published import ServiceType
from clearline.events.domain import (
    Change,
    TicketAssigned,
    TicketChanged,
    TicketCreated,
    TicketFact,
    TicketRouted,
)
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets import columns
from clearline.tickets.columns import (
    AFTER_TICKET,
    CUSTOMER_VERSION,
    NAMES,
    NOTES,
    PARTS,
    TICKET,
    VIEWS,
    next_version,
    notes_of,
    ticket_of,
    whole_view_of,
)
from clearline.tickets.domain import MERGE_DEPTH_MAX, Ticket, TicketValues, TicketView
from clearline.tickets.note_domain import Note

T = TypeVar("T")

INSERTED = columns.but("number", "service_label", "version", "reminder", "is_chronic")
"""The columns that an insert takes from the ticket; the database gives the others, and a new ticket has no reminder."""

_inserted = columns.binder(INSERTED)


def _insert_statement(*, with_notes: bool) -> str:
    """Return the statement that stores a ticket, its notes if it brings any, the count and the event.

    It binds the columns of ``INSERTED``, then the time, type and data of the event and the actor's id and name, then
    an array for each of a note's text, visibility, source, author and time.
    """
    bound = {column.name: f"${place}" for place, column in enumerate(INSERTED, 1)}
    now, kind, data, actor, name, *notes = (f"${len(bound) + place}" for place in range(1, 11))
    added_notes = f"""
    , added_notes as (
        insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
        select {bound["company_id"]}, added.number, n.text, n.visibility, n.source, {bound["channel"]}, n.author,
               n.created_at
          from added, unnest({notes[0]}::text[], {notes[1]}::text[], {notes[2]}::text[], {notes[3]}::text[],
                             {notes[4]}::timestamptz[])
               with ordinality as n (text, visibility, source, author, created_at, place)
         order by n.created_at, n.place
    )"""
    return f"""
    with chosen_service as (
        select label from service
         where company_id = {bound["company_id"]} and id = {bound["service_id"]} and type = {bound["service_type"]}
        union all
        select null where {bound["service_type"]} = '{ServiceType.NON_CONSOLE}'
    ), added as (
        insert into ticket ({", ".join(bound)}, service_label, created_by)
        select {", ".join(bound.values())}, chosen_service.label, {actor} from chosen_service
        returning number, service_label, is_open, version
    ), counted as (
        insert into ticket_count as c (company_id, shard, open, finished)
        select {bound["company_id"]}, pg_backend_pid() % 32, is_open::integer, (not is_open)::integer from added
        on conflict (company_id, shard)
        do update set open = c.open + excluded.open, finished = c.finished + excluded.finished
    ), fact as (
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                           customer_version)
        select {bound["company_id"]}, {now}, {kind}, number, {actor}, {name}, {data}, version, version from added
    ){added_notes if with_notes else ""}
    select number, service_label from added
    """


INSERT = _insert_statement(with_notes=False)
_INSERT_WITH_NOTES = _insert_statement(with_notes=True)


async def insert(
    tx: Tx,
    actor: Actor,
    ticket: Ticket,
    *,
    notes: Sequence[Note] | None = None,
    sends_receipt: bool = True,
    now: datetime,
) -> Ticket | None:
    """Store a ticket with its event, and return it with its number and the label of its service.

    None when the company has no service of that id and type. ``notes`` are those of an imported ticket; they get
    new numbers. The check of the service, the ticket, its notes, the count and the event are one statement: all are
    stored, or none.
    """
    kind, data = encode(TicketCreated(ticket.status, ticket.priority, ticket.channel, sends_receipt))
    values = [*_inserted(ticket), now, kind, data, actor_id(actor), actor.name]
    if notes is None:
        row = await tx.write(INSERT, *values)
    else:
        row = await tx.write(
            _INSERT_WITH_NOTES,
            *values,
            [note.text for note in notes],
            [note.visibility for note in notes],
            [note.source for note in notes],
            [note.author for note in notes],
            [note.created_at for note in notes],
        )
    return None if row is None else replace(ticket, number=row[0], service_label=row[1])


async def company_of(tx: Tx, number: int) -> UUID | None:
    """Return the company of a ticket, or None: see ``place_of``."""
    return (await place_of(tx, number))[0]


async def place_of(tx: Tx, number: int) -> tuple[UUID | None, UUID | None]:
    """Return the company and the queue of a ticket; None and None when there is no such ticket.

    It checks no access: for a customer, use its own company instead. Served by ``ticket_by_number``.
    """
    row = await tx.fetchrow("select company_id, queue_id from ticket where number = $1", number)
    return (None, None) if row is None else (row[0], row[1])


async def places_of(tx: Tx, numbers: Collection[int]) -> dict[int, tuple[UUID, UUID | None]]:
    """Return the companies and queues of tickets by their numbers, unchecked. Served by ``ticket_by_number``."""
    rows = await tx.fetch(
        "select number, company_id, queue_id from ticket where number = any($1::bigint[])", [*numbers]
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def exists(tx: Tx, company_id: UUID, number: int) -> bool:
    """Return whether the company has such a ticket. Served by the primary key."""
    has_ticket = await tx.fetchval("select true from ticket where company_id = $1 and number = $2", company_id, number)
    return has_ticket is True


async def merge_target(tx: Tx, company_id: UUID, number: int) -> int:
    """Return the number of the ticket at the end of a chain of merges; the ticket itself when it was not merged.

    Served by the primary key.
    """
    target: int = await tx.fetchval(
        """
        with recursive chain (number, depth) as (
            select $2::bigint, 0
            union all
            select m.into_number, c.depth + 1
              from chain c join ticket_merge m on m.company_id = $1 and m.ticket_number = c.number
             where c.depth < $3
        )
        select number from chain order by depth desc limit 1
        """,
        company_id,
        number,
        MERGE_DEPTH_MAX,
    )
    return target


GET = f"""select {TICKET}, {NOTES.format(visibilities="$3")}, t.has_merged
    from ticket t where t.company_id = $1 and t.number = $2"""


async def get_with_notes(
    tx: Tx, company_id: UUID, number: int, visibilities: Sequence[str]
) -> tuple[Ticket, list[Note], bool] | None:
    """Return a ticket with its notes, and whether a ticket was merged into it; or None.

    Served by the primary keys of ticket and note.
    """
    row = await tx.fetchrow(GET, company_id, number, visibilities)
    return None if row is None else (ticket_of(row), notes_of(row[AFTER_TICKET]), row[AFTER_TICKET + 1])


GET_VIEW = {
    for_staff: f"select {view}, {PARTS[for_staff]} from ticket t {NAMES} where t.company_id = $1 and t.number = $2"
    for for_staff, view in VIEWS.items()
}


async def get_as(make: Callable[[Record], T], tx: Tx, company_id: UUID, number: int, *, for_staff: bool) -> T | None:
    """Return what ``make`` makes of the row (``VIEW``, ``PARTS``) of a ticket, or None. Served by the primary keys.

    ``for_staff`` is whose version and time it has: of the provider's people, or of its customer.
    """
    row = await tx.fetchrow(GET_VIEW[for_staff], company_id, number)
    return None if row is None else make(row)


async def get_view(tx: Tx, company_id: UUID, number: int, *, for_staff: bool) -> TicketView | None:
    """Return a ticket with the names of what it refers to, or None: see ``get_as``."""
    return await get_as(whole_view_of, tx, company_id, number, for_staff=for_staff)


_LOCK = f"select {TICKET} from ticket t where t.company_id = $1 and t.number = $2 for update"


async def lock(tx: Tx, company_id: UUID, number: int) -> Ticket | None:
    """Lock a ticket until the transaction ends, and return it, or None."""
    row = await tx.fetchrow(_LOCK, company_id, number)
    return None if row is None else ticket_of(row)


async def lock_view(tx: Tx, company_id: UUID, number: int, *, for_staff: bool) -> TicketView | None:
    """Lock a ticket until the transaction ends, and return it as ``get_view`` does.

    Two statements, because a single one that waits for the lock joins the new ticket to names read before the wait.
    """
    is_locked = await tx.fetchval(
        "select true from ticket where company_id = $1 and number = $2 for update", company_id, number
    )
    return await get_view(tx, company_id, number, for_staff=for_staff) if is_locked else None


_bind_values = columns.binder(columns.EDITABLE)
_BOUND = {column.name: f"${place}" for place, column in enumerate(columns.EDITABLE, 5)}
_SAVED = ", ".join(f"{name} = {place}" for name, place in _BOUND.items())
_SAVED_FIELDS = f"fields = nullif(jsonb_strip_nulls(coalesce(fields, '{{}}') || ${5 + len(columns.EDITABLE)}), '{{}}')"
SAVE_VALUES = f"""
    update ticket set {_SAVED},
           reminder_at = ({_BOUND["reminder"]}::jsonb ->> 'at')::timestamptz,
           {next_version("$3", visible="$4::boolean")}
     where company_id = $1 and number = $2
    """
_SAVE_VALUES_AND_FIELDS = SAVE_VALUES.replace(_SAVED, f"{_SAVED}, {_SAVED_FIELDS}", 1)


async def save_values(
    tx: Tx,
    company_id: UUID,
    number: int,
    values: TicketValues,
    *,
    is_visible: bool,
    fields: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Store the values of a locked ticket, and increment its version; also the customer's if it sees the change.

    ``fields`` are the own fields that change, with None for those that are cleared; the others stay, seen or not.
    """
    bound = values_row((company_id, number), values, is_visible=is_visible, now=now)
    if fields:
        await tx.write(_SAVE_VALUES_AND_FIELDS, *bound, msgspec.json.encode(fields).decode())
    else:
        await tx.write(SAVE_VALUES, *bound)


def values_row(key: tuple[UUID, int], values: TicketValues, *, is_visible: bool, now: datetime) -> tuple[object, ...]:
    """Return what ``SAVE_VALUES`` binds."""
    return *key, now, is_visible, *_bind_values(values)


APPEND_FACT = f"""
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $2, $3, $4, $5, $6, $7, t.version, {CUSTOMER_VERSION} from ticket t
     where t.company_id = $1 and t.number = $4
    """


async def append_facts(
    tx: Tx, actor: Actor, company_id: UUID, number: int, facts: Sequence[TicketFact], *, now: datetime
) -> None:
    """Store events of a locked ticket with its present version, in one round trip."""
    await tx.write_many(APPEND_FACT, [fact_row(actor, company_id, number, fact, now=now) for fact in facts])


def fact_row(actor: Actor, company_id: UUID, number: int, fact: TicketFact, *, now: datetime) -> tuple[object, ...]:
    """Return what ``APPEND_FACT`` binds."""
    kind, data = encode(fact)
    return company_id, now, kind, number, actor_id(actor), actor.name, data


def facts_of(changes: Sequence[Change], *, by: str, rule: str | None) -> list[TicketFact]:
    """Return the events of changed values: a new queue and a new assignee have events of their own."""
    facts: list[TicketFact] = []
    other_changes = []
    for change in changes:
        if change.field == "queue_id":
            facts.append(TicketRouted(_text(change.before), _text(change.after), rule))
        elif change.field == "assignee_id":
            facts.append(TicketAssigned(_text(change.before), _text(change.after), by))
        else:
            other_changes.append(change)
    if other_changes:
        facts.insert(0, TicketChanged(other_changes))
    return facts


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


async def lock_open_of_assignee(tx: Tx, user_id: UUID) -> list[int]:
    """Lock the open tickets of an agent until the transaction ends; return their numbers.

    In order of company and number, in which other transactions lock them. A ticket that another transaction finishes or
    assigns meanwhile is left out. Served by ``ticket_open_by_assignee``.
    """
    rows = await tx.fetch(
        "select number from ticket where assignee_id = $1 and is_open order by company_id, number for update", user_id
    )
    return [row[0] for row in rows]
