"""The services of companies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from clearline.inventory.domain import ENDS, Service
from clearline.inventory.facts_domain import End, ServiceState
from clearline.platform.database.transactions import Record, Tx

_PLAIN = tuple(name for name in Service.__struct_fields__ if name not in {*ENDS, "fields"})
_COLUMNS = ", ".join((*_PLAIN, "ends::text", "fields::text"))
FIRST = ("", "", "")
"""The key (type, label, id) before every service."""


class _Ends(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ends of a service as they are stored."""

    a: End | None = None
    z: End | None = None


_NO_ENDS = _Ends()
_read_ends = msgspec.json.Decoder(_Ends).decode
_read_fields = msgspec.json.Decoder(dict[str, Any]).decode


def _service(row: Record) -> Service:
    *plain, stored, own = row
    values: dict[str, Any] = dict(zip(_PLAIN, plain, strict=True))
    values["state"] = ServiceState(values["state"])
    ends = _NO_ENDS if stored is None else _read_ends(stored)
    fields = {} if own is None else _read_fields(own)
    return Service(**values, a_end=ends.a, z_end=ends.z, fields=fields)


def _values(service: Service) -> tuple[object, ...]:
    """Return the values of a service in the order of ``_COLUMNS``, but for its own fields."""
    ends = _Ends(service.a_end, service.z_end)
    stored = None if ends == _NO_ENDS else msgspec.json.encode(ends).decode()
    return (*(getattr(service, name) for name in _PLAIN), stored)


_PLACES = ", ".join(f"${place}" for place in range(1, len(_PLAIN) + 1))
_FIELDS_AFTER = "nullif(jsonb_strip_nulls(coalesce(service.fields, '{}') || coalesce(excluded.fields, '{}')), '{}')"
"""The own fields of a service after a change: those that it does not name stay, seen or not."""
_SET = ", ".join([f"{name} = excluded.{name}" for name in (*_PLAIN[2:], "ends")] + [f"fields = {_FIELDS_AFTER}"])
_INSERT = f"""
    insert into service ({", ".join(_PLAIN)}, ends, created_at, changed_at, fields)
    values ({_PLACES}, ${len(_PLAIN) + 1}::text::jsonb, ${len(_PLAIN) + 2}, ${len(_PLAIN) + 2},
            ${len(_PLAIN) + 3}::text::jsonb)"""


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


async def of_type(tx: Tx, company_id: UUID, kind: str, *, limit: int) -> list[Service]:
    """Return a company's services of a type by label and id. Served by ``service_by_label``."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from service where company_id = $1 and type = $2 order by label, id limit $3",
        company_id,
        kind,
        limit,
    )
    return [_service(row) for row in rows]


_HAS_TEXT = """
    (strpos(lower(id), lower($2)) > 0 or strpos(lower(label), lower($2)) > 0
     or strpos(lower(customer_label), lower($2)) > 0
     or exists (select from jsonb_each(ends) side, jsonb_each_text(side.value) part
                 where strpos(lower(part.value), lower($2)) > 0)
     or ($3 and strpos(lower(carrier_circuit_id), lower($2)) > 0))"""
_MATCHING = f"""select {_COLUMNS} from service
    where company_id = $1 and (type, label, id) > ('', '', '') and {_HAS_TEXT} order by type, label, id limit $4"""
_MATCHING_OF_TYPE = f"""select {_COLUMNS} from service
    where company_id = $1 and type = $5 and {_HAS_TEXT} order by type, label, id limit $4"""


async def matching(
    tx: Tx, company_id: UUID, text: str, *, kind: str | None = None, for_staff: bool, limit: int
) -> list[Service]:
    """Return a company's services with a text in one of their ids or labels, in any case, by type, label and id.

    With ``kind`` those of that type. The ids of the carrier are read for the staff only. Served by
    ``service_by_label``, which it walks until the limit.
    """
    if kind is None:
        rows = await tx.fetch(_MATCHING, company_id, text, for_staff, limit)
    else:
        rows = await tx.fetch(_MATCHING_OF_TYPE, company_id, text, for_staff, limit, kind)
    return [_service(row) for row in rows]


_CANDIDATES = 200


async def with_words(
    tx: Tx, text: str, *, is_begun: bool, only: Sequence[UUID] | None = None, limit: int
) -> list[Service]:
    """Return services of all companies with every word of a text in their ids and labels, by label and id.

    With ``only`` those of these companies. With ``is_begun`` the last word is the beginning of one. Served by
    ``service_by_words``: of more than 200 matches the first that it has are sorted.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from (
                   select * from service
                    where array_to_tsvector(service_words(service)) @@ name_query($1, $2)
                      and ($4::uuid[] is null or company_id = any($4))
                    limit {_CANDIDATES}) candidate
             order by label, id, company_id limit $3""",
        text,
        is_begun,
        limit,
        only,
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


def _fields_json(fields: Mapping[str, Any]) -> str | None:
    return msgspec.json.encode(fields).decode() if fields else None


async def insert(tx: Tx, service: Service, *, now: datetime) -> bool:
    """Store a new service; False when the company has one of that id."""
    bound = (*_values(service), now, _fields_json(service.fields))
    row = await tx.write(f"{_INSERT} on conflict do nothing returning id", *bound)
    return row is not None


async def save_all(
    tx: Tx, services: Sequence[Service], fields: Mapping[str, Mapping[str, Any]], *, now: datetime
) -> None:
    """Store services of a company, new or changed.

    ``fields`` are the own fields that change, by the ids of services, with None for those that are cleared.
    """
    in_order = sorted(services, key=lambda service: service.id)  # in one order, so that two imports cannot deadlock
    await tx.write_many(
        f"{_INSERT} on conflict (company_id, id) do update set {_SET}, changed_at = excluded.changed_at",
        [(*_values(service), now, _fields_json(fields.get(service.id, {}))) for service in in_order],
    )


async def changed_at(tx: Tx, company_id: UUID, at: datetime, *, limit: int) -> list[str]:
    """Return the ids of a company's services that were changed at a time. Served by ``service_changed``."""
    rows = await tx.fetch(
        "select id from service where company_id = $1 and changed_at = $2 limit $3", company_id, at, limit
    )
    return [row[0] for row in rows]


async def delete(tx: Tx, company_id: UUID, service_id: str) -> None:
    """Delete a service; tickets keep the id and label that they were raised with."""
    await tx.write("delete from service where company_id = $1 and id = $2", company_id, service_id)
