"""Tickets as the desk works them: with their handling, and the names of what it refers to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from clearline.events.domain import Change, TicketAssigned, TicketChanged, TicketFact, TicketRouted
from clearline.events.store import actor_id, encode
from clearline.identity import PROVIDER_ID, Actor, Company
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.domain import Priority, Severity
from clearline.tickets.handling import DeskTicket, Editable, Handling
from clearline.tickets.store import COLUMNS, ticket_of

_AFTER = 21
"""How many columns ``COLUMNS`` has."""

DESK = f"""{COLUMNS}, t.asked_severity, t.asked_priority, t.queue_id, t.assignee_id, t.tags, t.external_ids,
    c.name, c.code, q.name, u.name, m.into_number"""

NAMES = f"""join company c on c.id = t.company_id
    left join queue q on q.id = t.queue_id
    left join app_user u on u.company_id = '{PROVIDER_ID}' and u.id = t.assignee_id
    left join ticket_merge m on m.company_id = t.company_id and m.ticket_number = t.number"""

_SEVERITY: dict[str | None, Severity | None] = {None: None, **{str(member): member for member in Severity}}
_PRIORITY: dict[str | None, Priority | None] = {None: None, **{str(member): member for member in Priority}}
_decode_ids = msgspec.json.Decoder(dict[str, str]).decode


def desk_ticket_of(row: Record) -> DeskTicket:
    """The ticket in a row that begins with ``DESK``."""
    severity, priority, queue_id, assignee_id, tags, ids = row[_AFTER : _AFTER + 6]
    return DeskTicket(
        ticket_of(row),
        Handling(
            _SEVERITY[severity],
            _PRIORITY[priority],
            queue_id,
            assignee_id,
            tuple(tags),
            _decode_ids(ids) if len(ids) > 2 else {},
        ),
        Company(row[0], row[27], row[28]),
        row[29],
        row[30],
        row[31],
    )


GET = f"select {DESK} from ticket t {NAMES} where t.company_id = $1 and t.number = $2"


async def get(tx: Tx, company_id: UUID, number: int) -> DeskTicket | None:
    """One ticket, or None. Served by the primary keys."""
    row = await tx.fetchrow(GET, company_id, number)
    return None if row is None else desk_ticket_of(row)


async def lock(tx: Tx, company_id: UUID, number: int) -> DeskTicket | None:
    """One ticket, held against changes by others until the transaction ends, or None.

    Two statements: one that had to wait would join the ticket as it is now to the names as they were before.
    """
    held = await tx.fetchval(
        "select true from ticket where company_id = $1 and number = $2 for update", company_id, number
    )
    return await get(tx, company_id, number) if held else None


async def save(tx: Tx, company_id: UUID, number: int, values: Editable, *, now: datetime) -> None:
    """Store the values of a locked ticket, and count its version up."""
    await tx.write(
        """
        update ticket set title = $3, issue_type = $4, severity = $5, impact = $6, priority = $7, contact_name = $8,
               contact_phone = $9, contact_email = $10, asked_severity = $11, asked_priority = $12, queue_id = $13,
               assignee_id = $14, tags = $15, external_ids = $16, updated_at = $17, version = version + 1
         where company_id = $1 and number = $2
        """,
        company_id,
        number,
        values.title,
        values.issue_type,
        values.severity,
        values.impact,
        values.priority,
        values.contact.name,
        values.contact.phone,
        values.contact.email,
        values.asked_severity,
        values.asked_priority,
        values.queue_id,
        values.assignee_id,
        values.tags,
        msgspec.json.encode(values.external_ids).decode(),
        now,
    )


async def append_facts(
    tx: Tx, actor: Actor, company_id: UUID, number: int, facts: Sequence[TicketFact], *, now: datetime
) -> None:
    """Store what happened to a ticket, in one round trip."""
    rows: list[tuple[object, ...]] = []
    for fact in facts:
        kind, data = encode(fact)
        rows.append((company_id, now, kind, number, actor_id(actor), actor.name, data))
    await tx.write_many(
        """insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        rows,
    )


def facts_of(changes: Sequence[Change], *, by: str, rule: str | None) -> list[TicketFact]:
    """What changes of a ticket mean: going to a queue and to a person have facts of their own."""
    facts: list[TicketFact] = []
    rest = []
    for change in changes:
        if change.field == "queue_id":
            facts.append(TicketRouted(_text(change.before), _text(change.after), rule))
        elif change.field == "assignee_id":
            facts.append(TicketAssigned(_text(change.before), _text(change.after), by))
        else:
            rest.append(change)
    if rest:
        facts.insert(0, TicketChanged(rest))
    return facts


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
