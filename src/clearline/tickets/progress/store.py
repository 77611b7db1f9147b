"""The status of a ticket and what goes with it: the sub-status, why it waits, what was found and done."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.events.domain import StatusChanged
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import CASES, CUSTOMER_VERSION, TICKET, binder, cases_in, next_version, only, ticket_of
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import Source
from clearline.tickets.third_parties.domain import Case

_bind = binder(only({"sub_status", "waiting", "closure"}))
_status_facts = binder(only({"sub_status", "waiting"}))
_bind_closure = binder(only({"company_id", "number", "closure"}))
_SAVE = f"""
    update ticket set sub_status = $5, waiting = $6::jsonb, closure = $7::jsonb, {next_version("$3", visible="$4")}
     where company_id = $1 and number = $2"""


async def save(tx: Tx, ticket: Ticket, *, is_visible: bool, now: datetime) -> None:
    """Store what goes with the status of a locked ticket, and increment its version; see ``store.save_values``."""
    await tx.write(_SAVE, ticket.company_id, ticket.number, now, is_visible, *_bind(ticket))


async def save_closure(tx: Tx, ticket: Ticket) -> None:
    """Store what was found and done on a locked ticket whose version the new status increments."""
    await tx.write(
        "update ticket set closure = $3::jsonb where company_id = $1 and number = $2",
        *_bind_closure(ticket),
    )


CHANGE_STATUS = f"""
    with changed as (
        update ticket t set status = $3, status_changed_at = $4, resolved_at = $6, sub_status = $12,
               waiting = $13::jsonb, {next_version("$5")}
         where t.company_id = $1 and t.number = $2
        returning version, {CUSTOMER_VERSION} as customer_version
    ), counted as (
        insert into ticket_count as c (company_id, shard, open, finished)
        select $1, pg_backend_pid() % 32, $7::integer, -$7::integer from changed where $7 <> 0
        on conflict (company_id, shard) do update set open = c.open + $7, finished = c.finished - $7
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $5, $8, $2, $9, $10, $11, version, customer_version from changed
    """


async def save_status(tx: Tx, actor: Actor, ticket: Ticket, fact: StatusChanged, *, opened: int) -> None:
    """Store a ticket with a new status, and the event.

    ``opened`` is the change of the number of open tickets of the company: -1, 0 or 1.
    """
    await tx.write(CHANGE_STATUS, *status_row(actor, ticket, fact, opened=opened))


def status_row(actor: Actor, ticket: Ticket, fact: StatusChanged, *, opened: int) -> tuple[object, ...]:
    """Return what ``CHANGE_STATUS`` binds."""
    kind, data = encode(fact)
    return (
        ticket.company_id, ticket.number, ticket.status, ticket.status_changed_at, ticket.updated_at,
        ticket.resolved_at, opened, kind, actor_id(actor), actor.name, data, *_status_facts(ticket),
    )  # fmt: skip


LOCK_RESOLVED = f"""
    select {TICKET} from ticket t where t.status = '{Status.RESOLVED}' and t.status_changed_at < $1
       and not exists (select from note n
                        where n.company_id = t.company_id and n.ticket_number = t.number
                          and n.source = '{Source.BUYER}' and n.created_at >= $1)
       and not exists (select from attachment a
                        where a.company_id = t.company_id and a.ticket_number = t.number
                          and a.source = '{Source.BUYER}' and a.created_at >= $1)
     order by t.status_changed_at limit $2 for update of t skip locked
    """


async def lock_resolved(tx: Tx, *, before: datetime, limit: int) -> list[Ticket]:
    """Lock tickets resolved and last answered before a time until the transaction ends, and return them.

    The ticket that was resolved first is first.

    Those that another transaction has locked are left out. An answer that was committed while the statement ran may be
    missed: see ``last_answers``. Served by ``ticket_resolved`` and the primary keys of note and attachment.
    """
    rows = await tx.fetch(LOCK_RESOLVED, before, limit)
    return [ticket_of(row) for row in rows]


LAST_ANSWERS = f"""
    select t.number, greatest(
               (select max(n.created_at) from note n
                 where n.company_id = t.company_id and n.ticket_number = t.number and n.source = '{Source.BUYER}'),
               (select max(a.created_at) from attachment a
                 where a.company_id = t.company_id and a.ticket_number = t.number and a.source = '{Source.BUYER}'))
      from unnest($1::uuid[], $2::bigint[]) t (company_id, number)
    """


async def last_answers(tx: Tx, tickets: Sequence[Ticket]) -> dict[int, datetime]:
    """Return when the customer last wrote a note or attached a file, by ticket; tickets without an answer are left out.

    Served by the primary keys of note and attachment.
    """
    rows = await tx.fetch(
        LAST_ANSWERS, [ticket.company_id for ticket in tickets], [ticket.number for ticket in tickets]
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


_CASES = f"select {CASES} from ticket t where t.company_id = $1 and t.number = $2"


async def cases_of(tx: Tx, company_id: UUID, number: int) -> tuple[Case, ...]:
    """Return the cases of a ticket, which it can wait for; that of the earliest opening first.

    Served by the primary key.
    """
    return cases_in(await tx.fetchval(_CASES, company_id, number))
