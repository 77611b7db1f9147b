"""Rewrite kept answers without words: a retry still receives the status and the id of the first answer."""

from collections.abc import Sequence
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.redactor import RedactedPage, Redactor


async def redact(
    tx: Tx,
    company_ids: Sequence[UUID],
    names: Sequence[str],
    redactor: Redactor,
    *,
    after: list[str] | None,
    limit: int,
    saves: bool,
) -> RedactedPage:
    """Look at answers kept for some companies, in the order of their keys; with ``saves`` rewrite them.

    Only an answer that names one of ``names``, the numbers of the tickets, is rewritten: in its body, its address or
    the path of the request. Served by the primary key.
    """
    first, last = min(company_ids), max(company_ids)
    key = [str(first), str(UUID(int=0)), "", ""] if after is None else after
    rows = await tx.fetch(
        """select company_id, api_key_id, route, key, body, location from idempotency_key
            where (company_id, api_key_id, route, key) > ($1, $2, $3, $4) and company_id <= $5
            order by company_id, api_key_id, route, key limit $6""",
        UUID(key[0]),
        UUID(key[1]),
        key[2],
        key[3],
        last,
        limit,
    )
    changed: list[tuple[object, ...]] = []
    for row in rows:
        if row[0] not in company_ids:
            continue
        body: bytes = row[4]
        location: str | None = row[5]
        texts = f"{row[2]} {location}"
        if not any(name in texts or name.encode() in body for name in names):
            continue
        redacted = (redactor.json_bytes(body), None if location is None else redactor.text(location))
        if redacted != (body, location):
            changed.append((*row[:4], *redacted))
    if saves and changed:
        await tx.write_many(
            """update idempotency_key set body = $5, location = $6
                where company_id = $1 and api_key_id = $2 and route = $3 and key = $4""",
            changed,
        )
    return RedactedPage(len(changed), None if len(rows) < limit else [str(part) for part in rows[-1][:4]])
