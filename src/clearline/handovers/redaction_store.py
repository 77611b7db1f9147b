"""Rewrite handovers without words, where they name one of the tickets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.handovers.domain import NOTE_MAX
from clearline.platform.database.transactions import Tx
from clearline.redactor import RedactedPage, Redactor
from clearline.tickets.domain import ticket_number


async def redact(
    tx: Tx,
    numbers: Sequence[int],
    redactor: Redactor,
    *,
    since: datetime,
    after: list[str] | None,
    limit: int,
    saves: bool,
) -> RedactedPage:
    """Look at handovers signed after a time, oldest first; with ``saves`` rewrite them. Served by ``handover_by_time``.

    A handover that names none of the tickets, in its note or in its lists, keeps its words: they are not the tickets'.
    """
    at, last = (since, UUID(int=0)) if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))
    rows = await tx.fetch(
        """select id, signed_at, note, work::text from handover where (signed_at, id) > ($1, $2)
            order by signed_at, id limit $3""",
        at,
        last,
        limit,
    )
    names = [*(ticket_number(number) for number in numbers), *(f'"number": {number},' for number in numbers)]
    changed: list[tuple[object, ...]] = []
    for handover_id, _at, note, work in rows:
        if any(name in text for name in names for text in (note, work)):
            redacted = (redactor.text(note, NOTE_MAX), redactor.json_text(work))
            if redacted != (note, work):
                changed.append((handover_id, *redacted))
    if saves and changed:
        await tx.write_many("update handover set note = $2, work = $3::text::jsonb where id = $1", changed)
    is_last = len(rows) < limit
    return RedactedPage(len(changed), None if is_last else [rows[-1][1].isoformat(), str(rows[-1][0])])
