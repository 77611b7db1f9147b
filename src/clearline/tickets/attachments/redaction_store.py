"""Redact names of files, and find the copies of a file."""

from collections.abc import Sequence
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.redactor import Redactor
from clearline.tickets.attachments.domain import NAME_MAX, Attachment
from clearline.tickets.attachments.store import COLUMNS, attachment_of
from clearline.tickets.note_domain import Visibility
from clearline.tickets.redaction.store import RedactedTexts


async def redact_names(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Count the files of tickets whose names hold the words; with ``saves`` rename them. Served by the primary keys."""
    rows = await tx.fetch(
        "select ticket_number, id, name, visibility from attachment where company_id = $1 and ticket_number = any($2)",
        company_id,
        numbers,
    )
    changed = _renamed(company_id, rows, redactor, texts)
    if saves and changed:
        await tx.write_many(
            "update attachment set name = $4 where company_id = $1 and ticket_number = $2 and id = $3", changed
        )
    rows = await tx.fetch(
        "select ticket_number, id, name, 'internal' from held_file where company_id = $1 and ticket_number = any($2)",
        company_id,
        numbers,
    )
    changed = _renamed(company_id, rows, redactor, texts)
    if saves and changed:
        await tx.write_many(
            "update held_file set name = $4 where company_id = $1 and ticket_number = $2 and id = $3", changed
        )


def _renamed(
    company_id: UUID, rows: Sequence[Record], redactor: Redactor, texts: RedactedTexts
) -> list[tuple[object, ...]]:
    """Return the files whose names hold the words, with their new names."""
    changed: list[tuple[object, ...]] = []
    for number, file_id, name, visibility in rows:
        redacted = redactor.text(name, NAME_MAX)
        if redacted != name:
            texts.add(number, is_public=visibility == Visibility.PUBLIC)
            changed.append((company_id, number, file_id, redacted))
    return changed


async def copies(tx: Tx, company_id: UUID, numbers: Sequence[int], sha256: bytes) -> list[Attachment]:
    """Return the attachments of tickets with this content, oldest first. Served by the primary key."""
    rows = await tx.fetch(
        f"""select {COLUMNS} from attachment a
             where a.company_id = $1 and a.ticket_number = any($2) and a.sha256 = $3 order by a.created_at, a.id""",
        company_id,
        numbers,
        sha256,
    )
    return [attachment_of(row) for row in rows]


async def delete_held(tx: Tx, company_id: UUID, numbers: Sequence[int], sha256: bytes) -> list[UUID]:
    """Delete the files with this content that wait to be attached; return their ids. Served by the primary key."""
    row = await tx.write(
        """with deleted as (
               delete from held_file where company_id = $1 and ticket_number = any($2) and sha256 = $3 returning id)
           select coalesce(array_agg(id), '{}') from deleted""",
        company_id,
        numbers,
        sha256,
    )
    return [] if row is None else list(row[0])


async def count_held(tx: Tx, company_id: UUID, numbers: Sequence[int], sha256: bytes) -> int:
    """Return how many files with this content wait to be attached. Served by the primary key."""
    count: int = await tx.fetchval(
        "select count(*) from held_file where company_id = $1 and ticket_number = any($2) and sha256 = $3",
        company_id,
        numbers,
        sha256,
    )
    return count
