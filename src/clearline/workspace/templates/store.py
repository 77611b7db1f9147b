"""Ticket templates, by company."""

from datetime import datetime
from uuid import UUID

import msgspec

from clearline.catalogue.assessment import Priority
from clearline.platform.database.transactions import Record, Tx
from clearline.workspace.templates.domain import TicketTemplate

_COLUMNS = """company_id, id, name, title, description, issue_type, priority, service_type, service_id, fields::text,
              queue_id, tags"""
_PAGE = f"""select {_COLUMNS} from ticket_template where company_id = $1 and lower(name) > lower($2)
             order by lower(name) limit $3"""
_PAGE_OF_TYPE = f"""select {_COLUMNS} from ticket_template
             where company_id = $1 and lower(name) > lower($2) and coalesce(service_type, $4) = $4
             order by lower(name) limit $3"""


def _template(row: Record) -> TicketTemplate:
    asked = None if row[6] is None else Priority(row[6])
    values = msgspec.json.decode(row[9])
    return TicketTemplate(
        row[0], row[1], row[2], row[3], row[4], row[5], asked, row[7], row[8], values, row[10], tuple(row[11])
    )


async def page(
    tx: Tx, company_id: UUID, *, service_type: str | None = None, after: str | None, limit: int
) -> list[TicketTemplate]:
    """Return the templates of a company after a name, by name in any case. Served by ``ticket_template_name``.

    With a ``service_type`` those of it, and those for services of any type.
    """
    if service_type is None:
        rows = await tx.fetch(_PAGE, company_id, after or "", limit)
    else:
        rows = await tx.fetch(_PAGE_OF_TYPE, company_id, after or "", limit, service_type)
    return [_template(row) for row in rows]


async def get(tx: Tx, template_id: UUID) -> TicketTemplate | None:
    """Return a template of any company, or None. Served by ``ticket_template_by_id``."""
    row = await tx.fetchrow(f"select {_COLUMNS} from ticket_template where id = $1", template_id)
    return None if row is None else _template(row)


async def find(tx: Tx, company_id: UUID, name: str) -> TicketTemplate | None:
    """Return the template of a company with a name, in any case, or None. Served by ``ticket_template_name``."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from ticket_template where company_id = $1 and lower(name) = lower($2)", company_id, name
    )
    return None if row is None else _template(row)


async def count(tx: Tx, company_id: UUID) -> int:
    """Return how many templates a company has. Served by the primary key."""
    total: int = await tx.fetchval("select count(*) from ticket_template where company_id = $1", company_id)
    return total


async def save(tx: Tx, template: TicketTemplate, *, now: datetime) -> None:
    """Store a template, new or changed, whose name is free in its locked company."""
    await tx.write(
        """insert into ticket_template (company_id, id, name, title, description, issue_type, priority,
                                        service_type, service_id, fields, queue_id, tags, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, $13)
           on conflict (company_id, id) do update set name = $3, title = $4, description = $5, issue_type = $6,
                  priority = $7, service_type = $8, service_id = $9, fields = $10::text::jsonb, queue_id = $11,
                  tags = $12""",
        template.company_id,
        template.id,
        template.name,
        template.title,
        template.description,
        template.issue_type,
        template.priority,
        template.service_type,
        template.service_id,
        msgspec.json.encode(template.fields).decode(),
        template.queue_id,
        template.tags,
        now,
    )


async def delete(tx: Tx, template: TicketTemplate) -> None:
    """Delete a template."""
    await tx.write("delete from ticket_template where company_id = $1 and id = $2", template.company_id, template.id)
