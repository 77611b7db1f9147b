"""Tickets that come from another desk, with their history."""

from datetime import datetime
from uuid import UUID

import msgspec

from clearline.bulk.import_domain import REPAIRED, External, ImportedTicket
from clearline.events.domain import TicketCreated
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ASSESSMENT, Channel


async def hold(tx: Tx, company_id: UUID, external: External) -> None:
    """Have others who bring the same ticket wait until the transaction ends."""
    name = f"import {company_id} {external.system} {external.id}"
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def find(tx: Tx, company_id: UUID, external: External) -> int | None:
    """The number of the company's ticket that another system calls so, the oldest if several, or None.

    Served by ``ticket_external``, and by nothing else: what a company has is many more than what is called so.
    """
    found: int | None = await tx.fetchval(
        """
        with called as materialized (
            select company_id, number from ticket where external_ids @> $2::jsonb and external_ids <> '{}'
        )
        select min(number) from called where company_id = $1
        """,
        company_id,
        _ids(external),
    )
    return found


def _ids(external: External | None) -> str:
    return "{}" if external is None else msgspec.json.encode({external.system: external.id}).decode()


_INSERT = """
    with about as (
        select label from service where company_id = $1 and id = $7 and type = $6
        union all
        select null where $21
    ), added as (
        insert into ticket (company_id, title, description, issue_type, service_type, service_id, service_label,
                            severity, impact, priority, status, contact_name, contact_phone, contact_email, channel,
                            created_by, created_at, updated_at, status_changed_at, resolved_at, tags, external_ids)
        select $1, $3, $4, $5, $6, $7, about.label, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
               coalesce($19::timestamptz, $18), $19, $20::text[], $22
          from about
        returning number, is_open
    ), counted as (
        insert into ticket_count as c (company_id, shard, open, finished)
        select $1, pg_backend_pid() % 32, added.is_open::integer, (not added.is_open)::integer from added
        on conflict (company_id, shard)
        do update set open = c.open + excluded.open, finished = c.finished + excluded.finished
    ), said as (
        insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
        select $1, added.number, n.text, n.visibility, n.source, $15, n.author, n.created_at
          from added, unnest($25::text[], $26::text[], $27::text[], $28::text[], $29::timestamptz[])
               with ordinality as n (text, visibility, source, author, created_at, place)
         order by n.created_at, n.place
    ), fact as (
        insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
        select $1, $2, $23, added.number, $16, $30, $24 from added
    )
    select number from added
    """


async def insert(tx: Tx, actor: Actor, company_id: UUID, ticket: ImportedTicket, *, now: datetime) -> int | None:
    """Store a ticket with the times and notes it had, and the event that it came at ``now``; answers its number.

    None when the company has no service of that id and type. One statement: ticket, notes, count and event stand or
    fall together.
    """
    known = ASSESSMENT[ticket.issue_type]
    priority = ticket.priority or known.priority
    last = ticket.last_known
    resolved_at = (ticket.resolved_at or last) if ticket.status in REPAIRED else None
    kind, data = encode(TicketCreated(ticket.status, priority, Channel.SYSTEM))
    row = await tx.write(
        _INSERT,
        company_id,
        now,
        ticket.title,
        ticket.description,
        ticket.issue_type,
        ticket.service.type,
        ticket.service.id,
        ticket.severity or known.severity,
        known.impact,
        priority,
        ticket.status,
        ticket.contact.name,
        ticket.contact.phone,
        ticket.contact.email,
        Channel.SYSTEM,
        actor_id(actor),
        ticket.created_at,
        last,
        resolved_at,
        ticket.tags,
        ticket.service.type is ServiceType.NON_CONSOLE,
        _ids(ticket.external),
        kind,
        data,
        [note.text for note in ticket.notes],
        [note.visibility for note in ticket.notes],
        [note.source for note in ticket.notes],
        [note.author for note in ticket.notes],
        [note.created_at for note in ticket.notes],
        actor.name,
    )
    return None if row is None else row[0]
