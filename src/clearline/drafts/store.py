"""Drafts, by their person and ticket."""

from datetime import datetime

import msgspec

from clearline.drafts.domain import Draft, Version
from clearline.identity import User
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts

_decode_facts = msgspec.json.Decoder(StatusFacts).decode


def read_facts(text: str | None) -> StatusFacts:
    """Return what goes with the status of a draft or a message from its column."""
    return NO_FACTS if text is None else _decode_facts(text)


def written_facts(facts: StatusFacts) -> str | None:
    """Return what goes with the status of a draft or a message as its column has it."""
    return None if facts == NO_FACTS else msgspec.json.encode(facts).decode()


async def of_ticket(tx: Tx, user: User, number: int) -> list[Draft]:
    """Return a person's drafts about a ticket, newest first. Served by the primary key."""
    rows = await tx.fetch(
        """select visibility, writer, text, then_status, saved_at, facts::text from draft
            where company_id = $1 and user_id = $2 and ticket_number = $3 order by saved_at desc, writer""",
        user.company_id,
        user.id,
        number,
    )
    return [
        Draft(Visibility(visibility), writer, text, Status(then) if then else None, saved_at, read_facts(facts))
        for visibility, writer, text, then, saved_at, facts in rows
    ]


async def count(tx: Tx, user: User) -> int:
    """Return how many drafts a person has. Served by the primary key."""
    total: int = await tx.fetchval(
        "select count(*) from draft where company_id = $1 and user_id = $2", user.company_id, user.id
    )
    return total


async def save(tx: Tx, user: User, number: int, draft: Draft) -> None:
    """Store the draft of a form; it replaces what the form stored before."""
    await tx.write(
        """insert into draft (company_id, user_id, ticket_number, visibility, writer, text, then_status, saved_at,
                              facts)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb)
           on conflict (company_id, user_id, ticket_number, visibility, writer) do update
              set text = excluded.text, then_status = excluded.then_status, saved_at = excluded.saved_at,
                  facts = excluded.facts""",
        user.company_id,
        user.id,
        number,
        draft.visibility,
        draft.writer,
        draft.text,
        draft.then or "",
        draft.saved_at,
        written_facts(draft.facts),
    )


async def delete(tx: Tx, user: User, number: int, visibility: Visibility, writer: str) -> None:
    """Delete the draft of a form, if it is there."""
    await tx.write(
        """delete from draft
            where company_id = $1 and user_id = $2 and ticket_number = $3 and visibility = $4 and writer = $5""",
        user.company_id,
        user.id,
        number,
        visibility,
        writer,
    )


async def delete_version(tx: Tx, user: User, number: int, visibility: Visibility, version: Version) -> None:
    """Delete a draft unless it was changed since it had this version."""
    await tx.write(
        """delete from draft
            where company_id = $1 and user_id = $2 and ticket_number = $3 and visibility = $4 and writer = $5
              and saved_at = $6""",
        user.company_id,
        user.id,
        number,
        visibility,
        version.writer,
        version.saved_at,
    )


async def delete_same(tx: Tx, user: User, number: int, draft: Draft) -> None:
    """Delete other drafts of the same kind with exactly the words of a draft."""
    await tx.write(
        """delete from draft
            where company_id = $1 and user_id = $2 and ticket_number = $3 and visibility = $4 and writer <> $5
              and text = $6""",
        user.company_id,
        user.id,
        number,
        draft.visibility,
        draft.writer,
        draft.text,
    )


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` drafts that were saved before a time; return how many. Served by ``draft_age``."""
    row = await tx.write(
        """with deleted as (
               delete from draft where ctid = any(array(
                   select ctid from draft where saved_at < $1 limit $2 for update skip locked))
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
