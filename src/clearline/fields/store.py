"""Definitions of own fields, and what is asked about their values."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from clearline.fields.domain import (
    Definitions,
    Field,
    FieldAudience,
    FieldType,
    Option,
    RecordKind,
    RefersTo,
    Required,
)
from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """id, record, key, label, type, label_de, help, help_de, refers_to, required, visible_to, edited_by,
              initial, minimum, maximum, pattern, options, place, is_active, deleted_at"""
_decode = msgspec.json.decode
_decode_options = msgspec.json.Decoder(tuple[Option, ...]).decode


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _field(row: Record) -> Field:
    initial, minimum, maximum = (None if row[place] is None else _decode(row[place]) for place in (12, 13, 14))
    return Field(
        row[0],
        RecordKind(row[1]),
        row[2],
        row[3],
        FieldType(row[4]),
        row[5],
        row[6],
        row[7],
        None if row[8] is None else RefersTo(row[8]),
        Required(row[9]),
        FieldAudience(row[10]),
        FieldAudience(row[11]),
        initial,
        minimum,
        maximum,
        row[15],
        _decode_options(row[16]),
        *row[17:20],
    )


async def definitions(tx: Tx) -> Definitions:
    """Return all fields. There are few: all are read."""
    return Definitions([_field(row) for row in await tx.fetch(f"select {_COLUMNS} from field")])


async def lock_definitions(tx: Tx) -> None:
    """Lock the definitions until the transaction ends: nobody else changes any."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('clearline fields', 0))")


async def save(tx: Tx, field: Field, *, now: datetime) -> None:
    """Store a field, new or changed. Record, key and id never change."""
    await tx.write(
        f"""
        insert into field ({_COLUMNS}, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
        on conflict (id) do update set label = $4, type = $5, label_de = $6, help = $7, help_de = $8, refers_to = $9,
               required = $10, visible_to = $11, edited_by = $12, initial = $13, minimum = $14, maximum = $15,
               pattern = $16, options = $17, place = $18, is_active = $19, deleted_at = $20
        """,
        field.id,
        field.record,
        field.key,
        field.label,
        field.type,
        field.label_de,
        field.help,
        field.help_de,
        field.refers_to,
        field.required,
        field.visible_to,
        field.edited_by,
        _json(field.default),
        _json(field.minimum),
        _json(field.maximum),
        field.pattern,
        _json(field.options),
        field.place,
        field.active,
        field.deleted_at,
        now,
    )


_COUNTS = {
    RecordKind.TICKET: """select count(distinct (company_id, ticket_number)) from ticket_field
                           where field_id = $1 and $2::text is not null""",
    RecordKind.SERVICE: "select count(*) from service where fields ? $2 and $1::uuid is not null",
    RecordKind.COMPANY: "select count(*) from company where fields ? $2 and $1::uuid is not null",
}


async def count_values(tx: Tx, field: Field) -> int:
    """Return how many records have a value. Served by ``ticket_field_value``; services and companies are all read."""
    count: int = await tx.fetchval(_COUNTS[field.record], field.id, field.key)
    return count


_HAS_VALUES = {
    RecordKind.TICKET: """select exists (select from ticket_field
        where field_id = $1 and $2::text is not null and ($3::text is null or value = $3))""",
    RecordKind.SERVICE: """select exists (select from service where fields ? $2 and $1::uuid is not null
        and ($3::text is null or fields -> $2 @> to_jsonb($3::text)))""",
    RecordKind.COMPANY: """select exists (select from company where fields ? $2 and $1::uuid is not null
        and ($3::text is null or fields -> $2 @> to_jsonb($3::text)))""",
}


async def has_values(tx: Tx, field: Field, option: str | None = None) -> bool:
    """Return whether a record has a value, or this option. Served as ``count_values``."""
    has_any: bool = await tx.fetchval(_HAS_VALUES[field.record], field.id, field.key, option)
    return has_any


async def deleted_before(tx: Tx, at: datetime) -> list[Field]:
    """Return the fields that were deleted before a time."""
    return [field for field in (await definitions(tx)).all if field.deleted_at is not None and field.deleted_at < at]


_PURGE = {
    RecordKind.TICKET: """update ticket r set fields = nullif(r.fields - $2, '{}')
        from (select distinct company_id, ticket_number from ticket_field where field_id = $1 limit $3) few
       where r.company_id = few.company_id and r.number = few.ticket_number""",
    RecordKind.SERVICE: """update service r set fields = nullif(r.fields - $2, '{}')
        from (select company_id, id from service where fields ? $2 limit $3) few
       where r.company_id = few.company_id and r.id = few.id and $1::uuid is not null""",
    RecordKind.COMPANY: """update company r set fields = nullif(r.fields - $2, '{}')
        from (select id from company where fields ? $2 limit $3) few
       where r.id = few.id and $1::uuid is not null""",
}


async def purge_values(tx: Tx, field: Field, *, limit: int) -> int:
    """Remove the values of a field from at most ``limit`` records; return from how many.

    Neither their versions nor their times change: the values have been hidden since the deletion. Served by
    ``ticket_field_value``.
    """
    row = await tx.write(
        f"with purged as ({_PURGE[field.record]} returning 1) select count(*) from purged", field.id, field.key, limit
    )
    return 0 if row is None else int(row[0])


async def delete(tx: Tx, field: Field) -> None:
    """Delete a field for good; no record has a value of it any more."""
    await tx.write("delete from field where id = $1", field.id)


_REFERENCES = {
    "service": "select id from service where company_id = $1 and id = any($2::text[])",
    "company": f"""select id::text from company where id = any($2::text[]::uuid[])
                    and ($1::uuid is not null) and id <> '{PROVIDER_ID}'""",
    "user": f"""select id::text from app_user
                 where company_id in ($1, '{PROVIDER_ID}') and id = any($2::text[]::uuid[])""",
}


async def known_references(tx: Tx, kind: str, company_id: UUID, ids: Sequence[str]) -> set[str]:
    """Return which ids name a service of the company, a customer, or a user of the company or the provider.

    Served by the primary keys.
    """
    return {row[0] for row in await tx.fetch(_REFERENCES[kind], company_id, ids)}


_NAMES = f"""
    select 'service', id, label from service where company_id = $1 and id = any($2::text[])
    union all select 'company', id::text, name from company where id = any($3::text[]::uuid[])
    union all select 'user', id::text, name from app_user
     where company_id in ($1, '{PROVIDER_ID}') and id = any($4::text[]::uuid[])"""


async def reference_names(
    tx: Tx, company_id: UUID, ids: Mapping[RefersTo, Collection[str]]
) -> dict[tuple[RefersTo, str], str]:
    """Return the names of what references name: services and users of a company, the provider's users, companies.

    Served by the primary keys.
    """
    wanted = (list(ids[kind]) for kind in (RefersTo.SERVICE, RefersTo.COMPANY, RefersTo.USER))
    return {(RefersTo(row[0]), row[1]): row[2] for row in await tx.fetch(_NAMES, company_id, *wanted)}


_NAMES_OF_MANY = """
    select 'service', s.company_id, s.id, s.label from unnest($1::uuid[], $2::text[]) wanted(company_id, id)
      join service s on s.company_id = wanted.company_id and s.id = wanted.id
    union all select 'company', id, id::text, name from company where id = any($3::text[]::uuid[])
    union all select 'user', company_id, id::text, name from app_user where id = any($4::text[]::uuid[])"""


async def names_of_many(
    tx: Tx, services: Sequence[tuple[UUID, str]], companies: Collection[str], users: Collection[str]
) -> list[tuple[RefersTo, UUID, str, str]]:
    """Return what references of records of several companies name: each with its company, its id and its name.

    A service is named by its company and id. Served by the primary keys.
    """
    owners, ids = [owner for owner, _id in services], [each for _owner, each in services]
    rows = await tx.fetch(_NAMES_OF_MANY, owners, ids, list(companies), list(users))
    return [(RefersTo(row[0]), row[1], row[2], row[3]) for row in rows]


_CHOICES = {
    RefersTo.SERVICE: """select id, label from service
        where company_id = $1 and ($2::uuid[] is null or company_id = any($2)) order by label, id limit $3""",
    RefersTo.COMPANY: f"""select id::text, name from company
        where $1::uuid is not null and ($2::uuid[] is null or id = any($2)) and id <> '{PROVIDER_ID}'
        order by lower(name) limit $3""",
    RefersTo.USER: f"""select id::text, name from app_user
        where company_id in ($1, '{PROVIDER_ID}') and is_active and ($2::uuid[] is null or company_id = any($2))
        order by lower(name), id limit $3""",
}


async def reference_choices(
    tx: Tx, refers_to: RefersTo, company_id: UUID, *, only: Sequence[UUID] | None, limit: int
) -> list[tuple[str, str]]:
    """Return the ids and names of services and active users of a company, of the provider's users, or of companies.

    By name; with ``only`` those of these companies.
    """
    return [(row[0], row[1]) for row in await tx.fetch(_CHOICES[refers_to], company_id, only, limit)]
