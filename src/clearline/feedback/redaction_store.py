"""Rewrite what customers wrote beside their ratings without words."""

from collections.abc import Sequence
from uuid import UUID

from clearline.feedback.domain import COMMENT_MAX
from clearline.platform.database.transactions import Tx
from clearline.redactor import Redactor


async def redact(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Return how many comments on tickets hold the words; with ``saves`` rewrite them. Served by the primary key."""
    rows = await tx.fetch(
        "select id, comment from feedback where company_id = $1 and ticket_number = any($2) for update",
        company_id,
        numbers,
    )
    redacted = [(feedback_id, comment, redactor.text(comment, COMMENT_MAX)) for feedback_id, comment in rows]
    changed: list[tuple[object, ...]] = [(row[0], row[2]) for row in redacted if row[1] != row[2]]
    if saves and changed:
        await tx.write_many("update feedback set comment = $2 where id = $1", changed)
    return len(changed)
