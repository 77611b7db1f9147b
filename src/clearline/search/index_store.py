"""The entries of the index of the search: from which texts they are made, and how they are stored."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from clearline.events.store import Offset
from clearline.platform.database.transactions import Record, Tx
from clearline.search.document import NOTES_MAX, Document
from clearline.tickets.columns import AFTER_VIEW, NAMES, PARTS, VIEW, cases_in, people_in, view_of
from clearline.tickets.domain import MERGE_DEPTH_MAX

_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode
_BACKLOG = "search company "
_ALL = 10**12


class Backlog(NamedTuple):
    """Tickets that are to be indexed again: all of a company, or those about one of its services."""

    company_id: UUID
    service_id: str | None = None

    @property
    def name(self) -> str:
        """Its name in the table ``consumer``, where id is the number to continue below."""
        return f"{_BACKLOG}{self.company_id}" + ("" if self.service_id is None else f" {self.service_id}")


def _backlog(name: str) -> Backlog:
    company_id, _space, service_id = name.removeprefix(_BACKLOG).partition(" ")
    return Backlog(UUID(company_id), service_id or None)


_TEXTS = """array(select x.{column} from {table} x where x.company_id = t.company_id and x.ticket_number = t.number
        and x.visibility = '{visibility}' order by x.{order} desc limit {most})"""
_NOTES = _TEXTS.format(table="note", column="text", order="number", visibility="{visibility}", most=NOTES_MAX)
_FILES = _TEXTS.format(table="attachment", column="name", order="created_at", visibility="{visibility}", most=NOTES_MAX)

_MERGED_TEXTS = f"""
    with recursive family (company_id, root, number, depth) as (
        select company_id, number, number, 0 from unnest($1::uuid[], $2::bigint[]) wanted(company_id, number)
        union all
        select f.company_id, f.root, m.ticket_number, f.depth + 1
          from family f join ticket_merge m on m.company_id = f.company_id and m.into_number = f.number
         where f.depth < {MERGE_DEPTH_MAX}
    )
    select f.company_id, f.root, x.kind, x.visibility, x.text
      from family f cross join lateral (
        (select 'notes' as kind, visibility, text, created_at from note
          where company_id = f.company_id and ticket_number = f.number order by number desc limit {2 * NOTES_MAX})
        union all
        (select 'files', visibility, name, created_at from attachment
          where company_id = f.company_id and ticket_number = f.number order by created_at desc limit {2 * NOTES_MAX})
      ) x
     where f.depth > 0 order by x.created_at desc
    """
"""The text of notes and the names of files of what was merged into some tickets, the newest first."""

DOCUMENTS = f"""
    select {VIEW}, {_NOTES.format(visibility="public")}, {_NOTES.format(visibility="internal")},
           {_FILES.format(visibility="public")}, {_FILES.format(visibility="internal")},
           array(select user_id from ticket_watcher w
                  where w.company_id = t.company_id and w.ticket_number = t.number limit {NOTES_MAX}),
           coalesce(t.customer_updated_at, t.updated_at),
           array_remove(array[s.customer_label, s.ends #>> '{{a,device}}', s.ends #>> '{{a,port}}',
                              s.ends #>> '{{z,device}}', s.ends #>> '{{z,port}}'], null),
           array_remove(array[s.ends #>> '{{a,site}}', s.ends #>> '{{z,site}}'], null),
           array_remove(array[s.carrier, s.carrier_circuit_id], null), c.tier, s.fields,
           {PARTS[True]}, t.has_merged
      from unnest($1::uuid[], $2::bigint[]) wanted(company_id, number)
      join ticket t on t.company_id = wanted.company_id and t.number = wanted.number {NAMES}
      left join service s on s.company_id = t.company_id and s.id = t.service_id
    """


def _document(row: Record) -> Document:
    document = Document(view_of(row), *row[AFTER_VIEW:-4])
    own = {} if row[-4] is None else _decode_fields(row[-4])
    return replace(document, service_fields=own, people=people_in(row["people"]), cases=cases_in(row["cases"]))


async def documents(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> list[Document]:
    """Return tickets with all the text that they are found by, in no order, without deleted ones.

    The text of merged tickets comes after their own. Served by the primary keys and ``ticket_merge_into``.
    """
    rows = await tx.fetch(DOCUMENTS, [key[0] for key in keys], [key[1] for key in keys])
    stored = [_document(row) for row in rows]
    targets = {
        (document.view.ticket.company_id, document.view.ticket.number): document
        for document, row in zip(stored, rows, strict=True)
        if row["has_merged"]
    }
    if targets:
        texts = await tx.fetch(_MERGED_TEXTS, [key[0] for key in targets], [key[1] for key in targets])
        for company_id, number, kind, visibility, text in texts:
            getattr(targets[company_id, number], f"{visibility}_{kind}").append(text)
    return stored


async def save(tx: Tx, keys: Sequence[tuple[UUID, int]], vectors: Sequence[str]) -> None:
    """Store the index entries of tickets; unchanged entries are not written."""
    await tx.write(
        """
        insert into ticket_search as old (company_id, number, vector)
        select company_id, number, vector::tsvector
          from unnest($1::uuid[], $2::bigint[], $3::text[]) new(company_id, number, vector)
        on conflict (company_id, number) do update set vector = excluded.vector
         where old.vector is distinct from excluded.vector
        """,
        [key[0] for key in keys],
        [key[1] for key in keys],
        vectors,
    )


async def delete(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Delete the index entries of tickets."""
    await tx.write(
        """
        delete from ticket_search s using unnest($1::uuid[], $2::bigint[]) key (company_id, number)
         where s.company_id = key.company_id and s.number = key.number
        """,
        [key[0] for key in keys],
        [key[1] for key in keys],
    )


async def truncate(tx: Tx) -> None:
    """Delete all index entries, and free their disk space."""
    await tx.write("truncate ticket_search")


async def keys_below(tx: Tx, below: int | None, *, backlog: Backlog | None, limit: int) -> list[tuple[UUID, int]]:
    """Return the companies and numbers of tickets below a number, newest first: all, or those of a backlog.

    Served by ``ticket_by_number``, by the primary key for a company's, by ``ticket_by_service`` for a service's.
    """
    before = _ALL if below is None else below
    if backlog is None:
        rows = await tx.fetch(
            "select company_id, number from ticket where number < $1 order by number desc limit $2", before, limit
        )
    elif backlog.service_id is None:
        rows = await tx.fetch(
            """select company_id, number from ticket where company_id = $1 and number < $2
                order by number desc limit $3""",
            backlog.company_id,
            before,
            limit,
        )
    else:
        rows = await tx.fetch(
            """select company_id, number from ticket where company_id = $1 and number < $2 and service_id = $4
                order by number desc limit $3""",
            backlog.company_id,
            before,
            limit,
            backlog.service_id,
        )
    return [(row[0], row[1]) for row in rows]


async def orphans(tx: Tx, after: int, *, limit: int) -> tuple[list[tuple[UUID, int]], int | None]:
    """Return the entries of deleted tickets among the next ``limit``; the number to continue after, None at the end.

    Served by ``ticket_search_newest`` and the primary key of ticket.
    """
    rows = await tx.fetch(
        """
        select s.company_id, s.number, t.number is null
          from (select company_id, number from ticket_search where number > $1 order by number limit $2) s
          left join ticket t on t.company_id = s.company_id and t.number = s.number order by s.number
        """,
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows if row[2]], rows[-1][1] if len(rows) == limit else None


async def wait_for_consumer(tx: Tx) -> None:
    """Wait for the consumer's present batch, and keep it from the next one until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('consumer search', 0))")


async def estimate_tickets(tx: Tx) -> int:
    """Return the number of tickets by PostgreSQL's statistics; 0 before they are first gathered."""
    count: int = await tx.fetchval("select greatest(reltuples, 0)::bigint from pg_class where oid = 'ticket'::regclass")
    return count


async def next_backlog(tx: Tx) -> tuple[Backlog, int] | None:
    """Return a backlog, and the number to continue below; None when there is none."""
    row = await tx.fetchrow("select name, id from consumer where starts_with(name, $1) order by name limit 1", _BACKLOG)
    return None if row is None else (_backlog(row[0]), row[1])


async def end_backlog(tx: Tx, backlog: Backlog) -> None:
    """Delete a backlog: all its tickets are indexed again."""
    await tx.write("delete from consumer where name = $1", backlog.name)


BACKLOG_START = Offset(0, _ALL)
"""The offset at which a backlog begins: above every number."""
