"""Rewrite drafts, and messages that can still be taken back, without words."""

from collections.abc import Sequence
from uuid import UUID

from clearline.drafts.domain import DRAFT_MAX
from clearline.platform.database.transactions import Tx
from clearline.redactor import Redactor
from clearline.tickets.note_domain import TEXT_MAX as NOTE_MAX


async def redact(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Return how many drafts and messages of tickets hold the words; with ``saves`` rewrite them.

    Looks at every draft, of which there are few; messages are served by the primary key.
    """
    return await _drafts(tx, numbers, redactor, saves=saves) + await _messages(
        tx, company_id, numbers, redactor, saves=saves
    )


async def _drafts(tx: Tx, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    rows = await tx.fetch(
        """select company_id, user_id, ticket_number, visibility, writer, text, facts::text from draft
            where ticket_number = any($1) for update""",
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for *key, text, facts in rows:
        after = redactor.text(text, DRAFT_MAX), None if facts is None else redactor.json_text(facts)
        if after != (text, facts):
            changed.append((*key, *after))
    if saves and changed:
        await tx.write_many(
            """update draft set text = $6, facts = $7::text::jsonb
                where company_id = $1 and user_id = $2 and ticket_number = $3 and visibility = $4 and writer = $5""",
            changed,
        )
    return len(changed)


async def _messages(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    rows = await tx.fetch(
        """select ticket_number, id, text, macro::text, failure, facts::text from pending_message
            where company_id = $1 and ticket_number = any($2) for update""",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for number, message_id, text, macro, failure, facts in rows:
        after = (
            redactor.text(text, NOTE_MAX),
            None if macro is None else redactor.json_text(macro),
            redactor.text(failure),
            None if facts is None else redactor.json_text(facts),
        )
        if after != (text, macro, failure, facts):
            changed.append((company_id, number, message_id, *after))
    if saves and changed:
        await tx.write_many(
            """update pending_message set text = $4, macro = $5::text::jsonb, failure = $6,
                      facts = $7::text::jsonb
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )
    return len(changed)
