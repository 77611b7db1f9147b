"""Companies: customers, and the provider."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.accounts.domain import NO_NOTICE_ADDRESSES, CompanyDetails, NoticeAddresses
from clearline.identity import Company
from clearline.platform.database.errors import UniqueViolation
from clearline.platform.database.transactions import Record, Tx


class Ended(Struct, frozen=True):
    """What the deactivation of a company ended: users, webhook subscriptions, and mail to its contacts."""

    users: list[UUID]
    subscriptions: list[UUID]
    mails_contacts: bool


_FACTS = ("name", "code", "language", "tier", "time_zone", "parent_id", "shares_with_parent")
"""What is stored of a company as it is."""
_FACTS_READ = ("id", "deactivated_at", *_FACTS)
_DETAILS = ", ".join((*_FACTS_READ, "notice_addresses::text", "fields::text"))
CHILDREN = """(select json_agg(json_build_object('id', child.id, 'name', child.name, 'code', child.code)
                        order by lower(child.name))::text
          from company child
         where child.parent_id = c.id and child.shares_with_parent and child.deactivated_at is null)"""
"""The active companies that share their tickets with a company ``c``, their parent. Served by ``company_by_parent``."""
_read_children = msgspec.json.Decoder(tuple[Company, ...]).decode
_read_ended = msgspec.json.Decoder(Ended).decode
_read_addresses = msgspec.json.Decoder(NoticeAddresses).decode
_read_fields = msgspec.json.Decoder(dict[str, Any]).decode


def children_of(column: str | None) -> tuple[Company, ...]:
    """Return the companies in a column ``CHILDREN``."""
    return () if column is None else _read_children(column)


def _details(row: Record) -> CompanyDetails:
    *facts, stored, own = row
    addresses = NO_NOTICE_ADDRESSES if stored is None else _read_addresses(stored)
    fields = {} if own is None else _read_fields(own)
    return CompanyDetails(**dict(zip(_FACTS_READ, facts, strict=True)), notice_addresses=addresses, fields=fields)


def _values(company: CompanyDetails) -> tuple[object, ...]:
    """Return the values of ``_FACTS``, and the notice addresses."""
    addresses = company.notice_addresses
    stored = None if addresses == NO_NOTICE_ADDRESSES else msgspec.json.encode(addresses).decode()
    return (*(getattr(company, name) for name in _FACTS), stored)


def _fields_json(fields: Mapping[str, Any]) -> str | None:
    return msgspec.json.encode(fields).decode() if fields else None


async def insert(tx: Tx, company: CompanyDetails, *, now: datetime) -> bool:
    """Store a new company; False when its name or code is another's name or code, in any case."""
    row = await tx.write(
        """insert into company (id, name, code, language, tier, time_zone, parent_id, shares_with_parent,
                                notice_addresses, created_at, fields)
           select $1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11::text::jsonb
            where not exists (select from company where lower(name) = lower($3) or lower(code) = lower($2))
           on conflict do nothing returning id""",
        company.id,
        *_values(company),
        now,
        _fields_json(company.fields),
    )
    return row is not None


_AMONG = {False: "", True: "and id = any({}::uuid[])"}
"""The condition that a company is one of some. A condition that may be left out (``$3 is null or ...``) would have the
planner expect few rows, and sort."""
PAGES = {
    among: f"""select {_DETAILS} from company where lower(name) > lower($1) and not is_provider {only.format("$3")}
                order by lower(name) limit $2"""
    for among, only in _AMONG.items()
}
MATCHES = {
    among: f"""select {_DETAILS} from company
                where lower(name) > lower($2) and not is_provider
                  and (strpos(lower(name), lower($1)) > 0 or strpos(lower(code), lower($1)) > 0) {only.format("$4")}
                order by lower(name) limit $3"""
    for among, only in _AMONG.items()
}


async def page(
    tx: Tx, *, after: str = "", only: Sequence[UUID] | None = None, limit: int | None = None
) -> list[CompanyDetails]:
    """Return the customers after a name, by name; not the provider. Served by ``company_name``.

    With ``only`` those of these.
    """
    among = () if only is None else (only,)
    return [_details(row) for row in await tx.fetch(PAGES[only is not None], after, limit, *among)]


async def matching(
    tx: Tx, text: str, *, after: str = "", only: Sequence[UUID] | None = None, limit: int
) -> list[CompanyDetails]:
    """Return the customers with a text in their name or code, in any case, by name, after a name.

    With ``only`` those of these. Served by ``company_name``, which it walks until the limit.
    """
    among = () if only is None else (only,)
    return [_details(row) for row in await tx.fetch(MATCHES[only is not None], text, after, limit, *among)]


async def children(tx: Tx, company_id: UUID) -> list[CompanyDetails]:
    """Return the companies whose parent a company is, by name; at most ``CHILDREN_MAX``.

    Served by ``company_by_parent``.
    """
    rows = await tx.fetch(f"select {_DETAILS} from company where parent_id = $1 order by lower(name)", company_id)
    return [_details(row) for row in rows]


async def get(tx: Tx, company_id: UUID) -> Company | None:
    """Return a company, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1", company_id)
    return None if row is None else Company(*row)


async def lock(tx: Tx, company_id: UUID) -> Company | None:
    """Lock a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1 for no key update", company_id)
    return None if row is None else Company(*row)


async def details(tx: Tx, company_id: UUID) -> CompanyDetails | None:
    """Return a company with its state, or None."""
    row = await tx.fetchrow(f"select {_DETAILS} from company where id = $1", company_id)
    return None if row is None else _details(row)


async def lock_details(tx: Tx, company_id: UUID) -> CompanyDetails | None:
    """Lock a company until the transaction ends; return it with its state, or None."""
    row = await tx.fetchrow(f"select {_DETAILS} from company where id = $1 for no key update", company_id)
    return None if row is None else _details(row)


async def language_of_mail(tx: Tx, company_id: UUID) -> str | None:
    """Return the language of mail to those of a company who have set none: the company's, or else the desk's."""
    language: str | None = await tx.fetchval(
        """select coalesce((select language from company where id = $1),
                           (select language from company where is_provider))""",
        company_id,
    )
    return language


async def set_ended(tx: Tx, company_id: UUID, ended: Ended | None, *, now: datetime) -> None:
    """Deactivate a locked company, and store what that ended; activate it with None."""
    await tx.write(
        """update company set ended = $2::text::jsonb,
                  deactivated_at = case when $2::text is null then null else $3::timestamptz end
            where id = $1""",
        company_id,
        None if ended is None else msgspec.json.encode(ended).decode(),
        now,
    )


async def ended(tx: Tx, company_id: UUID) -> Ended | None:
    """Return what the deactivation of a company ended; None when it is active."""
    text = await tx.fetchval("select ended::text from company where id = $1", company_id)
    return None if text is None else _read_ended(text)


async def save(tx: Tx, company: CompanyDetails, fields: Mapping[str, Any]) -> bool:
    """Store the values of a locked company; ``fields`` are the own fields that change, with None to clear one.

    Return False when its name or code is another's name or code: the transaction must then be rolled back.
    """
    try:
        row = await tx.write(
            """with former as (
                   insert into former_parent (company_id, parent_id)
                   select id, parent_id from company
                    where id = $1 and shares_with_parent and (not $8 or parent_id is distinct from $7)
                   on conflict do nothing)
               update company set name = $2, code = $3, language = $4, tier = $5, time_zone = $6, parent_id = $7,
                      shares_with_parent = $8, notice_addresses = $9::text::jsonb,
                      fields = nullif(jsonb_strip_nulls(
                          coalesce(fields, '{}') || coalesce($10::text::jsonb, '{}')), '{}')
                where id = $1 and not exists (
                      select from company where id <> $1 and (lower(name) = lower($3) or lower(code) = lower($2)))
               returning id""",
            company.id,
            *_values(company),
            _fields_json(fields),
        )
    except UniqueViolation:
        return False
    return row is not None


async def find(tx: Tx, name: str) -> Company | None:
    """Return the company of this code or, if none, of this name, in any case; None when there is neither."""
    row = await tx.fetchrow(
        """select id, name, code from company where lower(name) = lower($1) or lower(code) = lower($1)
            order by lower(code) = lower($1) desc limit 1""",
        name,
    )
    return None if row is None else Company(*row)


async def of_tiers(tx: Tx, tiers: Sequence[str], *, limit: int) -> list[UUID]:
    """Return the ids of at most ``limit`` companies of some tiers, in no order."""
    rows = await tx.fetch("select id from company where tier = any($1::text[]) limit $2", tiers, limit)
    return [row[0] for row in rows]
