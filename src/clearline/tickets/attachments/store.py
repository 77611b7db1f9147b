"""Attachments without their content, which is in ``blobs.py``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from clearline.events.domain import AttachmentAdded, AttachmentRemoved
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.columns import CUSTOMER_VERSION, next_version
from clearline.tickets.domain import MERGE_DEPTH_MAX
from clearline.tickets.links.store import FAMILY
from clearline.tickets.lists.many_store import Key, by_ticket, keys_apart, of_many
from clearline.tickets.note_domain import Source, Visibility

COLUMNS = """a.company_id, a.ticket_number, a.id, a.name, a.media_type, a.size, a.sha256, a.visibility, a.source,
    a.author, a.created_by, a.created_at"""


def attachment_of(row: Record) -> Attachment:
    """Return the attachment in a row of ``COLUMNS``."""
    company_id, number, attachment_id, name, media_type, size, sha256, visibility, source, author, created_by, at = row
    side = Source(source)
    return Attachment(
        company_id,
        number,
        attachment_id,
        name,
        media_type,
        size,
        sha256,
        Visibility(visibility),
        side,
        author,
        created_by,
        at,
    )


_IS_PUBLIC = f"({{}} = '{Visibility.PUBLIC}')"

INSERT = f"""
    with t as (
        update ticket t set {next_version("$3", visible=_IS_PUBLIC.format("$9"))}
         where t.company_id = $1 and t.number = $2
        returning number, version, {CUSTOMER_VERSION} as customer_version
    ), added as (
        insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility, source,
                                author, created_by, created_at)
        select $1, t.number, $4, $5, $6, $7, $8, $9, $10, $11, $12, $3 from t
        returning ticket_number
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $3, $13, added.ticket_number, $12, $11, $14, t.version, t.customer_version from added, t
    """


async def insert(tx: Tx, added: Attachment) -> None:
    """Store an attachment of a locked ticket with its event, and increment the ticket's version."""
    kind, data = encode(AttachmentAdded(str(added.id), added.size, added.visibility))
    await tx.write(
        INSERT,
        added.company_id,
        added.ticket_number,
        added.created_at,
        added.id,
        added.name,
        added.media_type,
        added.size,
        added.sha256,
        added.visibility,
        added.source,
        added.author,
        added.created_by,
        kind,
        data,
    )


async def count(tx: Tx, company_id: UUID, ticket_number: int) -> int:
    """Return how many attachments a ticket has, including internal ones. Served by the primary key."""
    total: int = await tx.fetchval(
        "select count(*) from attachment where company_id = $1 and ticket_number = $2", company_id, ticket_number
    )
    return total


async def has_same(tx: Tx, company_id: UUID, ticket_number: int, name: str, sha256: bytes) -> bool:
    """Return whether a ticket has a file of this name and content. Served by the primary key."""
    found: bool = await tx.fetchval(
        """select exists (select from attachment
                           where company_id = $1 and ticket_number = $2 and name = $3 and sha256 = $4)""",
        company_id,
        ticket_number,
        name,
        sha256,
    )
    return found


SIZE = "select coalesce(sum(size), 0)::bigint from attachment where company_id = $1"


async def size_of_company(tx: Tx, company_id: UUID) -> int:
    """Return the bytes of all files of a company. Served by ``attachment_size``."""
    size: int = await tx.fetchval(SIZE, company_id)
    return size


GET = f"""{FAMILY}
    select {COLUMNS}
      from family f join attachment a on a.company_id = $1 and a.ticket_number = f.number and a.id = $4
     order by f.depth limit 1"""


async def get(tx: Tx, company_id: UUID, ticket_number: int, attachment_id: UUID) -> Attachment | None:
    """Return an attachment of a ticket or of something merged into it, or None. Served as ``page``."""
    row = await tx.fetchrow(GET, company_id, ticket_number, MERGE_DEPTH_MAX, attachment_id)
    return None if row is None else attachment_of(row)


_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))

PAGE = f"""{FAMILY}
    select {COLUMNS}
      from family f join attachment a on a.company_id = $1 and a.ticket_number = f.number
     where a.visibility = any($4) and (a.created_at, a.id) > ($5, $6)
     order by a.created_at, a.id limit $7
    """


PAGE_OF_MANY = of_many(PAGE)


async def first_pages(
    tx: Tx, keys: Sequence[Key], visibilities: Sequence[str], *, limit: int
) -> dict[int, list[Attachment]]:
    """Return the first attachments of each of many tickets: see ``page``, which says the indexes."""
    rows = await tx.fetch(PAGE_OF_MANY, *keys_apart(keys), MERGE_DEPTH_MAX, visibilities, *_BEFORE_ALL, limit)
    return by_ticket(rows, attachment_of)


async def page(
    tx: Tx,
    company_id: UUID,
    ticket_number: int,
    visibilities: Sequence[str],
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Attachment]:
    """Return attachments of a ticket and of everything merged into it, oldest first.

    ``after`` is the time and id of the last one of the previous page. Served by ``ticket_merge_into`` and the primary
    key, which is scanned once for each ticket: the attachments of each, at most 100, are sorted.
    """
    at, last = after or _BEFORE_ALL
    rows = await tx.fetch(PAGE, company_id, ticket_number, MERGE_DEPTH_MAX, visibilities, at, last, limit)
    return [attachment_of(row) for row in rows]


DELETE = f"""
    with deleted as (
        delete from attachment where company_id = $1 and ticket_number = $2 and id = $3
        returning ticket_number, visibility
    ), changed as (
        update ticket t set {next_version("$4", visible=_IS_PUBLIC.format("deleted.visibility"))}
          from deleted where t.company_id = $1 and t.number = deleted.ticket_number
        returning number, version, {CUSTOMER_VERSION} as customer_version
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $4, $5, number, $6, $7, $8, version, customer_version from changed
    """


async def delete(tx: Tx, actor: Actor, attachment: Attachment, *, now: datetime) -> None:
    """Remove an attachment, with an event that stays, and increment the ticket's version."""
    kind, data = encode(AttachmentRemoved(str(attachment.id), attachment.visibility))
    await tx.write(
        DELETE,
        attachment.company_id,
        attachment.ticket_number,
        attachment.id,
        now,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )


async def orphans(tx: Tx, stored: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """Return the contents, each by company and id, that belong to no attachment, and to no file that waits for one.

    Served by ``attachment_by_id`` and ``held_file_by_id``, and by ``job_item_waiting`` for imports that go on.

    Contents of companies that are not in this database are left out: they probably belong to another installation.
    """
    rows = await tx.fetch(
        """
        select s.company_id, s.id from unnest($1::uuid[], $2::uuid[]) s (company_id, id)
         where exists (select from company c where c.id = s.company_id)
           and not exists (select from attachment a where a.company_id = s.company_id and a.id = s.id)
           and not exists (select from held_file h where h.company_id = s.company_id and h.id = s.id)
           and s.id::text not in (select i.input ->> 'content' from job_item i
                                   where i.outcome is null and i.input ->> 'content' is not null)
        """,
        [company_id for company_id, _ in stored],
        [content_id for _, content_id in stored],
    )
    return [(row[0], row[1]) for row in rows]
