"""Tickets: the current state of each, and how many a company has."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from clearline.events.domain import StatusChanged, TicketCreated
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.contact import Contact
from clearline.tickets.domain import (
    MERGES_DEEP,
    Assessment,
    Channel,
    Impact,
    IssueType,
    NewTicket,
    Priority,
    Severity,
    Status,
    Ticket,
)
from clearline.tickets.note import Note

COLUMNS = """t.company_id, t.number, t.title, t.description, t.issue_type, t.service_type, t.service_id,
    t.service_label, t.severity, t.impact, t.priority, t.status, t.contact_name, t.contact_phone, t.contact_email,
    t.channel, t.created_at, t.updated_at, t.status_changed_at, t.resolved_at, t.version"""

NOTES = """(select json_agg(json_build_object('number', n.number, 'text', n.text, 'visibility', n.visibility,
        'source', n.source, 'channel', n.channel, 'author', n.author, 'created_at', n.created_at) order by n.number)
       from note n
      where n.company_id = t.company_id and n.ticket_number = t.number and n.visibility = any({visibilities}))"""
"""The notes of ticket ``t`` in one JSON value: half the cost of the same rows decoded one by one."""

# A dictionary finds a member five times faster than calling the enumeration, and a page of tickets asks 400 times.
_ISSUE = {str(member): member for member in IssueType}
_SERVICE = {str(member): member for member in ServiceType}
_SEVERITY = {str(member): member for member in Severity}
_IMPACT = {str(member): member for member in Impact}
_PRIORITY = {str(member): member for member in Priority}
_STATUS = {str(member): member for member in Status}
_CHANNEL = {str(member): member for member in Channel}

_decode_notes = msgspec.json.Decoder(list[Note]).decode


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class TicketPage(NamedTuple):
    """One page of a list, and how many tickets the whole list has."""

    total: int
    tickets: list[tuple[Ticket, list[Note]]]


def ticket_of(row: Record) -> Ticket:
    """The ticket in a row that begins with ``COLUMNS``."""
    return Ticket(
        row[0],
        row[1],
        row[2],
        row[3],
        _ISSUE[row[4]],
        _SERVICE[row[5]],
        row[6],
        row[7],
        _SEVERITY[row[8]],
        _IMPACT[row[9]],
        _PRIORITY[row[10]],
        _STATUS[row[11]],
        Contact(row[12], row[13], row[14]),
        _CHANNEL[row[15]],
        row[16],
        row[17],
        row[18],
        row[19],
        row[20],
    )


def notes_of(value: str | None) -> list[Note]:
    """The notes in a value made by ``NOTES``, oldest first."""
    return _decode_notes(value) if value else []


INSERT = """
    with about as (
        select label from service where company_id = $1 and id = $7 and type = $6
        union all
        select null where $16
    ), added as (
        insert into ticket (company_id, title, description, issue_type, service_type, service_id, service_label,
                            severity, impact, priority, status, contact_name, contact_phone, contact_email, channel,
                            created_by, created_at, updated_at, status_changed_at,
                            asked_severity, asked_priority, tags, external_ids)
        select $1, $3, $4, $5, $6, $7, about.label, $8, $9, $10, $11, $12, $13, $14, $15, $17, $2, $2, $2,
               $21, $22, $23::text[], $24
          from about
        returning number, service_label
    ), counted as (
        insert into ticket_count as c (company_id, shard, open, finished)
        select $1, pg_backend_pid() % 32, 1, 0 from added
        on conflict (company_id, shard) do update set open = c.open + 1
    ), fact as (
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
        select $1, $2, $18, number, $17, $19, $20 from added
    )
    select number, service_label from added
    """


async def insert(
    tx: Tx, actor: Actor, company_id: UUID, new: NewTicket, assessment: Assessment, *, now: datetime
) -> Ticket | None:
    """Store a new ticket with its event, or None when the company has no service of that id and type.

    One statement: the check of the service, the ticket, the count and the event stand or fall together.
    """
    status = Status.ACKNOWLEDGED
    kind, data = encode(TicketCreated(status, assessment.priority, new.channel))
    row = await tx.write(
        INSERT,
        company_id,
        now,
        new.title,
        new.description,
        new.issue_type,
        new.service_type,
        new.service_id,
        assessment.severity,
        assessment.impact,
        assessment.priority,
        status,
        new.contact.name,
        new.contact.phone,
        new.contact.email,
        new.channel,
        new.service_type is ServiceType.NON_CONSOLE,
        actor_id(actor),
        kind,
        actor.name,
        data,
        new.asked_severity,
        new.asked_priority,
        new.tags,
        _json(new.external_ids) if new.external_ids else "{}",
    )
    if row is None:
        return None
    return Ticket(
        company_id,
        row[0],
        new.title,
        new.description,
        new.issue_type,
        new.service_type,
        new.service_id,
        row[1],
        assessment.severity,
        assessment.impact,
        assessment.priority,
        status,
        new.contact,
        new.channel,
        now,
        now,
        now,
        None,
        1,
    )


async def company_of(tx: Tx, number: int) -> UUID | None:
    """Whose ticket this is. For the operator alone: customers never look beyond their own company.

    Served by ``ticket_by_number``.
    """
    found: UUID | None = await tx.fetchval("select company_id from ticket where number = $1", number)
    return found


async def exists(tx: Tx, company_id: UUID, number: int) -> bool:
    """Whether the company has such a ticket. Served by the primary key."""
    found = await tx.fetchval("select true from ticket where company_id = $1 and number = $2", company_id, number)
    return found is True


async def merge_target(tx: Tx, company_id: UUID, number: int) -> int:
    """Return the number of the ticket at the end of a chain of merges; the ticket itself when it was not merged.

    Served by the primary key.
    """
    found: int = await tx.fetchval(
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
        MERGES_DEEP,
    )
    return found


GET = f"select {COLUMNS}, {NOTES.format(visibilities='$3')} from ticket t where t.company_id = $1 and t.number = $2"


async def get(tx: Tx, company_id: UUID, number: int, visibilities: Sequence[str]) -> tuple[Ticket, list[Note]] | None:
    """One ticket with its notes, or None. Served by the primary keys of ticket and note."""
    row = await tx.fetchrow(GET, company_id, number, visibilities)
    return None if row is None else (ticket_of(row), notes_of(row[21]))


_LOCK = f"select {COLUMNS} from ticket t where t.company_id = $1 and t.number = $2 for update"


async def lock(tx: Tx, company_id: UUID, number: int) -> Ticket | None:
    """One ticket, held against changes by others until the transaction ends, or None."""
    row = await tx.fetchrow(_LOCK, company_id, number)
    return None if row is None else ticket_of(row)


async def lock_resolved(tx: Tx, *, before: datetime, limit: int) -> list[Ticket]:
    """Tickets resolved before a time, the oldest first, held until the transaction ends, without those held already.

    Served by ``ticket_resolved``.
    """
    rows = await tx.fetch(
        f"""select {COLUMNS} from ticket t where t.status = 'resolved' and t.status_changed_at < $1
             order by t.status_changed_at limit $2 for update skip locked""",
        before,
        limit,
    )
    return [ticket_of(row) for row in rows]


PAGE = f"""
    with chosen as (
        select number from ticket where company_id = $1 and is_open = $2
         order by number desc limit $3 offset $4
    ), page as (
        select {COLUMNS}, {NOTES.format(visibilities="$5")} as notes
          from chosen join ticket t on t.company_id = $1 and t.number = chosen.number
    )
    select page.*, total.n
      from (select coalesce(sum(case when $2 then open else finished end), 0)::bigint as n
              from ticket_count where company_id = $1) total
      left join page on true
     order by page.number desc
    """


async def page(
    tx: Tx, company_id: UUID, *, is_open: bool, offset: int, limit: int, visibilities: Sequence[str]
) -> TicketPage:
    """Tickets of one company, newest first, with their notes and the length of the whole list.

    The wire numbers its pages, so this is an offset; it is walked in ``ticket_page`` alone, without touching a
    ticket before the page. The total comes from ``ticket_count``, at most 32 rows a company, however many tickets.
    """
    rows = await tx.fetch(PAGE, company_id, is_open, limit, offset, visibilities)
    return TicketPage(rows[0][22], [(ticket_of(row), notes_of(row[21])) for row in rows if row[1] is not None])


_CHANGE_STATUS = """
    with moved as (
        update ticket set status = $3, status_changed_at = $4, updated_at = $5, resolved_at = $6, version = $7
         where company_id = $1 and number = $2
        returning is_open
    ), counted as (
        insert into ticket_count as c (company_id, shard, open, finished)
        select $1, pg_backend_pid() % 32, $8::integer, -$8::integer from moved where $8 <> 0
        on conflict (company_id, shard) do update set open = c.open + $8, finished = c.finished - $8
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
    select $1, $5, $9, $2, $10, $11, $12 from moved
    """


async def save_status(tx: Tx, actor: Actor, ticket: Ticket, fact: StatusChanged, *, opened: int) -> None:
    """Store a ticket whose status was changed, with its event.

    ``opened`` is what the move adds to the company's open tickets: -1, 0 or 1.
    """
    kind, data = encode(fact)
    await tx.write(
        _CHANGE_STATUS,
        ticket.company_id,
        ticket.number,
        ticket.status,
        ticket.status_changed_at,
        ticket.updated_at,
        ticket.resolved_at,
        ticket.version,
        opened,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )


async def miscounted(tx: Tx) -> list[str]:
    """The codes of companies whose kept counts differ from their tickets: none, unless somebody wrote SQL by hand."""
    rows = await tx.fetch(
        """
        with kept as (select company_id, sum(open) as open, sum(finished) as finished
                        from ticket_count group by company_id),
             real as (select company_id, count(*) filter (where is_open) as open,
                             count(*) filter (where not is_open) as finished from ticket group by company_id)
        select company.code from company
          left join kept on kept.company_id = company.id left join real on real.company_id = company.id
         where (coalesce(kept.open, 0), coalesce(kept.finished, 0))
               is distinct from (coalesce(real.open, 0), coalesce(real.finished, 0))
        """
    )
    return [row[0] for row in rows]
