"""The definitions of forms."""

from datetime import datetime

import msgspec

from clearline.fields.domain import FieldAudience
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.forms.domain import Form, FormField, Forms

_decode = msgspec.json.Decoder(tuple[FormField, ...]).decode


def _form(row: Record) -> Form:
    return Form(row[0], row[1], FieldAudience(row[2]), _decode(row[3]))


async def forms(tx: Tx) -> Forms:
    """Return all forms by the places of their types of issues. They are few: all are read."""
    rows = await tx.fetch(
        """
        select form.id, issue_type.key, form.audience, form.fields
          from form join issue_type on issue_type.id = form.issue_type_id
         order by issue_type.position, lower(issue_type.name), form.audience
        """
    )
    return Forms(map(_form, rows))


async def lock(tx: Tx) -> None:
    """Lock the forms against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('clearline forms', 0))")


async def save(tx: Tx, form: Form, *, now: datetime) -> None:
    """Store a form, new or changed. Its type of issue and its audience never change."""
    await tx.write(
        """
        insert into form (id, issue_type_id, audience, fields, created_at)
        select $1, issue_type.id, $3, $4, $5 from issue_type where issue_type.key = $2
            on conflict (id) do update set fields = excluded.fields
        """,
        form.id,
        form.issue_type,
        form.audience,
        msgspec.json.encode(form.fields).decode(),
        now,
    )


async def delete(tx: Tx, form: Form) -> None:
    """Delete a form."""
    await tx.write("delete from form where id = $1", form.id)
