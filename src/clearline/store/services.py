"""The inventory: what a company's tickets can be about."""

from datetime import datetime
from uuid import UUID

from clearline.domain.service import Service, ServiceType
from clearline.store.db import Tx


async def of_company(tx: Tx, company_id: UUID) -> list[Service]:
    """A company's services by type and label. Served by ``service_by_label``."""
    rows = await tx.fetch(
        "select company_id, id, type, label from service where company_id = $1 order by type, label, id", company_id
    )
    return [Service(row[0], row[1], ServiceType(row[2]), row[3]) for row in rows]


async def find(tx: Tx, company_id: UUID, service_id: str) -> Service | None:
    """One service of a company, or None."""
    row = await tx.fetchrow(
        "select company_id, id, type, label from service where company_id = $1 and id = $2", company_id, service_id
    )
    return None if row is None else Service(row[0], row[1], ServiceType(row[2]), row[3])


async def insert(tx: Tx, service: Service, *, now: datetime) -> bool:
    """Store a service; False when the company has one of that id."""
    row = await tx.write(
        """insert into service (company_id, id, type, label, created_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning id""",
        service.company_id,
        service.id,
        service.type,
        service.label,
        now,
    )
    return row is not None


async def save_all(tx: Tx, services: list[Service], *, now: datetime) -> None:
    """Store services, replacing the type and label of those that exist."""
    rows: list[tuple[object, ...]] = [(s.company_id, s.id, s.type, s.label, now) for s in services]
    await tx.write_many(
        """insert into service (company_id, id, type, label, created_at) values ($1, $2, $3, $4, $5)
           on conflict (company_id, id) do update set type = excluded.type, label = excluded.label""",
        rows,
    )
