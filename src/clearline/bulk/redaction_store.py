"""Rewrite jobs, their items and what undoes their changes without words."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from clearline.bulk.domain import DETAIL_MAX
from clearline.platform.database.transactions import Tx
from clearline.redactor import RedactedPage, Redactor

_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_NO_IDS: list[tuple[str, str]] = []


async def redact(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, after: list[str] | None, saves: bool
) -> RedactedPage:
    """Look at the next job, oldest first; with ``saves`` rewrite it. Served by ``job_newest`` and ``job_by_id``.

    An item is looked at that is about one of the tickets, or that is a line of an import with an id that one of them
    has in another system. The request of a job with such an item is looked at, too.
    """
    at, last = _BEFORE_ALL if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))
    job = await tx.fetchrow(
        """select company_id, id, created_at, request::text from job
            where (created_at, id) > ($1, $2) order by created_at, id limit 1""",
        at,
        last,
    )
    if job is None:
        return RedactedPage(await _undo(tx, numbers, redactor, saves=saves), None)
    ids = await _external_ids(tx, company_id, numbers)
    in_items = await _items(tx, (job[0], job[1]), numbers, ids, redactor, saves=saves)
    if in_items is None:
        return RedactedPage(0, [job[2].isoformat(), str(job[1])])
    count = in_items
    request = redactor.json_text(job[3])
    if request != job[3]:
        count += 1
        if saves:
            await tx.write(
                "update job set request = $3::text::jsonb where company_id = $1 and id = $2", job[0], job[1], request
            )
    return RedactedPage(count, [job[2].isoformat(), str(job[1])])


async def _external_ids(tx: Tx, company_id: UUID, numbers: Sequence[int]) -> set[tuple[str, str]]:
    rows = await tx.fetch(
        """select distinct entry.key, entry.value
             from ticket t, jsonb_each_text(t.external_ids) entry
            where t.company_id = $1 and t.number = any($2)""",
        company_id,
        numbers,
    )
    return {(row[0], row[1]) for row in rows}


async def _items(
    tx: Tx,
    job: tuple[UUID, UUID],
    numbers: Sequence[int],
    ids: set[tuple[str, str]],
    redactor: Redactor,
    *,
    saves: bool,
) -> int | None:
    """Return how many items of a job hold the words; None when none is about the tickets.

    Served by the primary key. A job has at most 10,000 items.
    """
    rows = await tx.fetch(
        """select position, input::text, detail, ticket_number from job_item
            where company_id = $1 and job_id = $2
              and (ticket_number = any($3) or (ticket_number is null and input <> '{}' and $4))
            for update""",
        *job,
        numbers,
        bool(ids),
    )
    about = [row for row in rows if row[3] is not None or _has_id(row[1], ids)]
    if not about:
        return None
    changed: list[tuple[object, ...]] = []
    for position, text, detail, _number in about:
        redacted = (redactor.json_text(text), None if detail is None else redactor.cut_text(detail, DETAIL_MAX))
        if redacted != (text, detail):
            changed.append((*job, position, *redacted))
    if saves and changed:
        await tx.write_many(
            """update job_item set input = $4::text::jsonb, detail = $5
                where company_id = $1 and job_id = $2 and position = $3""",
            changed,
        )
    return len(changed)


def _has_id(text: str, ids: set[tuple[str, str]]) -> bool:
    """Return whether a line of an import names one of the ids in other systems."""
    line: dict[str, Any] = msgspec.json.decode(text)
    external, others = line.get("external"), line.get("external_ids")
    named = [*(others.items() if isinstance(others, dict) else _NO_IDS)]
    if isinstance(external, dict):
        named.append((external.get("system"), external.get("id")))
    return any(pair in ids for pair in named)


async def _undo(tx: Tx, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Rewrite what undoes the latest changes of tickets. Looks at every change that is kept: those of an hour."""
    rows = await tx.fetch(
        """select company_id, user_id, id, ticket_number, inverse::text, refusal from bulk_change
            where ticket_number = any($1)""",
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for *key, inverse, refusal in rows:
        redacted = (None if inverse is None else redactor.json_text(inverse), redactor.text(refusal))
        if redacted != (inverse, refusal):
            changed.append((*key, *redacted))
    if saves and changed:
        await tx.write_many(
            """update bulk_change set inverse = $5::text::jsonb, refusal = $6
                where company_id = $1 and user_id = $2 and id = $3 and ticket_number = $4""",
            changed,
        )
    return len(changed)
