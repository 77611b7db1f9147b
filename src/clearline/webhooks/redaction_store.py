"""Rewrite deliveries, and what receivers answered to them, without words."""

from collections.abc import Sequence
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.redactor import RedactedPage, Redactor
from clearline.webhooks.delivery_domain import limit_body

_ANSWER_MAX, _ERROR_MAX = 2000, 255
"""The most characters of an answer and of an error that the schema accepts."""


async def redact(
    tx: Tx, numbers: Sequence[int], redactor: Redactor, *, after: list[str] | None, limit: int, saves: bool
) -> RedactedPage:
    """Look at deliveries about tickets; with ``saves`` rewrite them. Served by ``delivery_about_ticket``."""
    rows = await tx.fetch(
        """select company_id, subscription_id, number, body from delivery
            where ticket_number = any($1) and number > $2 order by number limit $3""",
        numbers,
        0 if after is None else int(after[0]),
        limit,
    )
    changed: list[tuple[object, ...]] = []
    for company_id, subscription_id, number, body in rows:
        redacted = redactor.json_bytes(body)
        if redacted != body:
            changed.append((company_id, subscription_id, number, limit_body(redacted)))
    if saves and changed:
        await tx.write_many(
            "update delivery set body = $4 where company_id = $1 and subscription_id = $2 and number = $3", changed
        )
    count = len(changed) + await _attempts(tx, [(row[0], row[1], row[2]) for row in rows], redactor, saves=saves)
    return RedactedPage(count, None if len(rows) < limit else [str(rows[-1][2])])


async def _attempts(tx: Tx, deliveries: Sequence[tuple[UUID, UUID, int]], redactor: Redactor, *, saves: bool) -> int:
    """Rewrite the answers to deliveries. A receiver may send back what it got. Served by the primary key."""
    rows = await tx.fetch(
        """select a.company_id, a.subscription_id, a.delivery_number, a.number, a.error, a.answer
             from unnest($1::uuid[], $2::uuid[], $3::bigint[]) d (company_id, subscription_id, number)
             join delivery_attempt a on a.company_id = d.company_id and a.subscription_id = d.subscription_id
                                    and a.delivery_number = d.number""",
        [delivery[0] for delivery in deliveries],
        [delivery[1] for delivery in deliveries],
        [delivery[2] for delivery in deliveries],
    )
    changed: list[tuple[object, ...]] = []
    for *key, error, answer in rows:
        redacted = (
            None if error is None else redactor.cut_text(error, _ERROR_MAX),
            redactor.cut_text(redactor.html(answer), _ANSWER_MAX),
        )
        if redacted != (error, answer):
            changed.append((*key, *redacted))
    if saves and changed:
        await tx.write_many(
            """update delivery_attempt set error = $5, answer = $6
                where company_id = $1 and subscription_id = $2 and delivery_number = $3 and number = $4""",
            changed,
        )
    return len(changed)
