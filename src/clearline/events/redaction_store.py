"""Rewrite the data of events without words: the log is append-only but for this."""

from collections.abc import Sequence
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.redactor import Redactor


async def redact(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Return how many events of tickets hold the words; with ``saves`` rewrite them. Served by ``event_by_ticket``."""
    rows = await tx.fetch(
        """select ticket_number, id, data::text from event where company_id = $1 and ticket_number = any($2)""",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for number, event_id, data in rows:
        redacted = redactor.json_text(data)
        if redacted != data:
            changed.append((company_id, number, event_id, redacted))
    if saves and changed:
        await tx.write_many(
            """update event set data = $4::text::jsonb
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )
    return len(changed)
