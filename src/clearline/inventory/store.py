"""The services of companies."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.catalogue.published import ServiceType
from clearline.inventory.domain import Service
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = "company_id, id, type, label"
FIRST = ("", "", "")
"""The key (type, label, id) before every service."""


def _service(row: Record) -> Service:
    return Service(row[0], row[1], ServiceType(row[2]), row[3])


async def of_company(tx: Tx, company_id: UUID) -> list[Service]:
    """Return a company's services by type and label. Served by ``service_by_label``."""
    rows = await tx.fetch(f"select {_COLUMNS} from service where company_id = $1 order by type, label, id", company_id)
    return [_service(row) for row in rows]


async def page(tx: Tx, company_id: UUID, *, after: tuple[str, str, str], limit: int | None) -> list[Service]:
    """Return a company's services after (type, label, id), in that order. Served by ``service_by_label``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from service where company_id = $1 and (type, label, id) > ($2, $3, $4)
             order by type, label, id limit $5""",
        company_id,
        *after,
        limit,
    )
    return [_service(row) for row in rows]


async def matching(tx: Tx, company_id: UUID, text: str, *, limit: int) -> list[Service]:
    """Return a company's services with a text in their id or label, in any case, by type, label and id.

    Served by ``service_by_label``, which it walks until the limit.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from service
             where company_id = $1 and (type, label, id) > ('', '', '')
               and (strpos(lower(id), lower($2)) > 0 or strpos(lower(label), lower($2)) > 0)
             order by type, label, id limit $3""",
        company_id,
        text,
        limit,
    )
    return [_service(row) for row in rows]


_CANDIDATES = 200


async def with_words(tx: Tx, text: str, *, is_begun: bool, limit: int) -> list[Service]:
    """Return services of all companies with every word of a text in their id or label, by label and id.

    With ``is_begun`` the last word is the beginning of one. Served by ``service_by_words``: of more than 200
    matches the first that it has are sorted.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from (
                   select * from service
                    where array_to_tsvector(name_words(id || ' ' || label)) @@ name_query($1, $2)
                    limit {_CANDIDATES}) candidate
             order by label, id, company_id limit $3""",
        text,
        is_begun,
        limit,
    )
    return [_service(row) for row in rows]


async def count_each(tx: Tx, company_ids: Sequence[UUID], *, limit: int) -> list[int]:
    """Return how many services each of these companies has, up to a limit. Served by the primary key."""
    rows = await tx.fetch(
        """select (select count(*) from (select from service s where s.company_id = c.id limit $2) services)
             from unnest($1::uuid[]) with ordinality c (id, place) order by c.place""",
        company_ids,
        limit,
    )
    return [row[0] for row in rows]


async def find(tx: Tx, company_id: UUID, service_id: str) -> Service | None:
    """Return a service of a company, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from service where company_id = $1 and id = $2", company_id, service_id)
    return None if row is None else _service(row)


async def with_ids(tx: Tx, company_id: UUID, service_ids: Sequence[str]) -> list[Service]:
    """Return those services of a company that have one of these ids, in the order of the ids.

    Served by the primary key.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from service where company_id = $1 and id = any($2::text[])
             order by array_position($2::text[], id)""",
        company_id,
        service_ids,
    )
    return [_service(row) for row in rows]


async def lock(tx: Tx, company_id: UUID, service_id: str) -> Service | None:
    """Lock a service of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from service where company_id = $1 and id = $2 for update", company_id, service_id
    )
    return None if row is None else _service(row)


async def insert(tx: Tx, service: Service, *, now: datetime) -> bool:
    """Store a new service; False when the company has one of that id."""
    row = await tx.write(
        """insert into service (company_id, id, type, label, created_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning id""",
        *astuple(service),
        now,
    )
    return row is not None


async def save(tx: Tx, service: Service) -> None:
    """Store the type and label of a locked service."""
    await tx.write(
        "update service set type = $3, label = $4 where company_id = $1 and id = $2",
        *astuple(service),
    )


async def delete(tx: Tx, company_id: UUID, service_id: str) -> None:
    """Delete a service; tickets keep the id and label that they were raised with."""
    await tx.write("delete from service where company_id = $1 and id = $2", company_id, service_id)


async def save_all(tx: Tx, services: list[Service], *, now: datetime) -> None:
    """Store services, new or changed."""
    in_order = sorted(services, key=lambda service: service.id)  # in one order, so that two imports cannot deadlock
    rows: list[tuple[object, ...]] = [(s.company_id, s.id, s.type, s.label, now) for s in in_order]
    await tx.write_many(
        """insert into service (company_id, id, type, label, created_at) values ($1, $2, $3, $4, $5)
           on conflict (company_id, id) do update set type = excluded.type, label = excluded.label""",
        rows,
    )
