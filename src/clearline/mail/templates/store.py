"""The texts of mail that admins wrote."""

from clearline.mail.templates.domain import MailText, StoredText
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = "subject, body, shipped_digest, changed_at"


def _stored(row: Record) -> StoredText:
    return StoredText(MailText(row[0], row[1]), row[2], row[3])


async def get(tx: Tx, kind: str, language: str) -> StoredText | None:
    """Return the text of a kind and a language, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from mail_template where kind = $1 and language = $2", kind, language)
    return None if row is None else _stored(row)


async def all_stored(tx: Tx) -> dict[tuple[str, str], StoredText]:
    """Return all texts, by kind and language; there are few. Kinds that this version does not know are among them."""
    rows = await tx.fetch(f"select {_COLUMNS}, kind, language from mail_template")
    return {(row[4], row[5]): _stored(row) for row in rows}


async def lock(tx: Tx) -> None:
    """Lock the texts against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('mail templates', 0))")


async def save(tx: Tx, kind: str, language: str, stored: StoredText) -> None:
    """Store a text, new or changed."""
    await tx.write(
        """insert into mail_template (kind, language, subject, body, shipped_digest, changed_at)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (kind, language) do update set subject = $3, body = $4, shipped_digest = $5, changed_at = $6""",
        kind,
        language,
        stored.text.subject,
        stored.text.body,
        stored.shipped_digest,
        stored.changed_at,
    )


async def delete(tx: Tx, kind: str, language: str) -> None:
    """Delete a text, so that the shipped one is sent."""
    await tx.write("delete from mail_template where kind = $1 and language = $2", kind, language)
