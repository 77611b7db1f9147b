"""Rewrite tickets and notes without words, and say so with an event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.events.domain import TicketRedacted
from clearline.events.store import actor_id, encode
from clearline.fields.domain import LENGTHS, FieldType
from clearline.identity import Actor
from clearline.inventory.domain import ID_MAX
from clearline.platform.database.transactions import Tx
from clearline.redactor import Redactor
from clearline.tickets.columns import CUSTOMER_VERSION, next_version
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX
from clearline.tickets.label_domain import EXTERNAL_ID_MAX, SYSTEM_MAX
from clearline.tickets.note_domain import TEXT_MAX, Visibility
from clearline.tickets.third_parties.domain import CASE_NOTES_MAX, CASE_NUMBER_MAX, PARTY_MAX

RELATED_MAX = 500
"""The most tickets that one redaction rewrites."""

_TAG = "redacted"
"""A tag that held the words; a tag cannot be written as the mark is."""


class RedactedTexts(Struct):
    """How many texts of each ticket held the words, by number: those that its customer sees, and others."""

    public: dict[int, int] = {}
    internal: dict[int, int] = {}

    def add(self, number: int, *, is_public: bool, count: int = 1) -> None:
        """Count a text."""
        counts = self.public if is_public else self.internal
        counts[number] = counts.get(number, 0) + count

    @property
    def numbers(self) -> list[int]:
        """The numbers of the tickets that held the words."""
        return sorted({*self.public, *self.internal})

    @property
    def total(self) -> int:
        """How many texts held the words."""
        return sum(self.public.values()) + sum(self.internal.values())


_FAMILY = """
    with recursive family (number) as (
        select $2::bigint
        union
        select other.number
          from family f cross join lateral (
            select into_number as number from ticket_merge where company_id = $1 and ticket_number = f.number
            union all
            select ticket_number from ticket_merge where company_id = $1 and into_number = f.number
            union all
            select other_number from ticket_link
             where company_id = $1 and ticket_number = f.number and other_company_id = $1
               and (type in ('split_into', 'split_from', 'followed_up_by', 'follow_up_of') or f.number = $2)
          ) other
    )
    select number from family order by number <> $2, number limit $3"""


async def family(tx: Tx, company_id: UUID, number: int) -> list[int]:
    """Return a ticket, and those of its company that may have copies of its words, sorted.

    They are merged with it, split from it or follow it, directly or through others, or are linked to it in another way.
    Served by the primary keys, and ``ticket_merge_into``.
    """
    rows = await tx.fetch(_FAMILY, company_id, number, RELATED_MAX)
    return sorted(row[0] for row in rows)


async def lock(tx: Tx, company_id: UUID, numbers: Sequence[int]) -> None:
    """Lock tickets in the order of their numbers until the transaction ends."""
    await tx.fetch(
        "select number from ticket where company_id = $1 and number = any($2) order by number for update",
        company_id,
        numbers,
    )


_SAVE_TICKET = """
    update ticket set title = $3, description = $4, contact_name = $5, contact_phone = $6, service_label = $7,
           service_id = $8, tags = $9, external_ids = $10::text::jsonb, reminder = $11::text::jsonb,
           fault = $12::text::jsonb, waiting = $13::text::jsonb, closure = $14::text::jsonb,
           fields = $15::text::jsonb
     where company_id = $1 and number = $2"""


async def redact_tickets(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Count the texts of tickets that hold the words; with ``saves`` rewrite them. Served by the primary key.

    The id of a service stays that the inventory has, and so does the address of a contact: both name something else.
    A value of an own field that is no text is removed. The values are derived again for the lists by a trigger.
    """
    rows = await tx.fetch(
        """select number, title, description, contact_name, contact_phone, service_label, service_id, tags,
                  external_ids::text, reminder::text, fault::text, waiting::text, closure::text, fields::text
             from ticket where company_id = $1 and number = any($2)""",
        company_id,
        numbers,
    )
    types = await _types_of_fields(tx)
    changed: list[tuple[object, ...]] = []
    for row in rows:
        number, title, description, name, phone, label, service_id, tags, ids, *documents, fields = row
        before = (title, description, name, phone, label, service_id, tags, ids, *documents, fields)
        after = (
            redactor.text(title, TITLE_MAX),
            redactor.text(description, DESCRIPTION_MAX),
            redactor.text(name, NAME_MAX),
            redactor.text(phone, PHONE_MAX),
            None if label is None else redactor.text(label),
            redactor.text(service_id, ID_MAX) if label is None else service_id,
            _tags(tags, redactor),
            _external_ids(ids, redactor),
            *(None if document is None else redactor.json_text(document) for document in documents),
            None if fields is None else _fields(fields, types, redactor),
        )
        count = sum(was != now for was, now in zip(before, after, strict=True))
        if count:
            texts.add(number, is_public=True, count=count)
            changed.append((company_id, number, *after))
    if saves and changed:
        await tx.write_many(_SAVE_TICKET, changed)


async def _types_of_fields(tx: Tx) -> dict[str, FieldType]:
    """Return the types of the own fields of tickets by their keys, also of deleted ones."""
    rows = await tx.fetch("select key, type from field where record = 'ticket'")
    return {row[0]: FieldType(row[1]) for row in rows}


def _fields(text: str, types: Mapping[str, FieldType], redactor: Redactor) -> str | None:
    """Return values of own fields: texts with a mark; without those that hold the words and cannot have a mark."""
    values: dict[str, Any] = msgspec.json.decode(text)
    redacted: dict[str, Any] = {}
    for key, value in values.items():
        if (most := LENGTHS.get(types.get(key, FieldType.TEXT))) is not None:
            redacted[key] = redactor.text(value, most) if isinstance(value, str) else value
        elif isinstance(value, list):
            redacted[key] = [each for each in value if redactor.own_value(each) == each]
        elif redactor.own_value(value) == value:
            redacted[key] = value
    redacted = {key: value for key, value in redacted.items() if value != []}
    if redacted == values:
        return text
    return msgspec.json.encode(redacted).decode() if redacted else None


def _tags(tags: list[str], redactor: Redactor) -> list[str]:
    return list(dict.fromkeys(_TAG if redactor.text(tag) != tag else tag for tag in tags))


def _external_ids(text: str, redactor: Redactor) -> str:
    ids: dict[str, str] = msgspec.json.decode(text)
    redacted = {redactor.text(name, SYSTEM_MAX): redactor.text(value, EXTERNAL_ID_MAX) for name, value in ids.items()}
    return text if redacted == ids else msgspec.json.encode(redacted).decode()


async def redact_notes(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Do as ``redact_tickets`` with their notes, and what was trimmed from the mails of those. Served by the same."""
    rows = await tx.fetch(
        """select ticket_number, number, visibility, text, trimmed_text from note
            where company_id = $1 and ticket_number = any($2)""",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for ticket_number, number, visibility, text, trimmed in rows:
        redacted = redactor.text(text, TEXT_MAX)
        rest = None if trimmed is None else redactor.text(trimmed)
        count = (redacted != text) + (rest != trimmed)
        if count:
            texts.add(ticket_number, is_public=visibility == Visibility.PUBLIC, count=count)
            changed.append((company_id, ticket_number, number, redacted, rest))
    if saves and changed:
        await tx.write_many(
            """update note set text = $4, trimmed_text = $5
                where company_id = $1 and ticket_number = $2 and number = $3""",
            changed,
        )


async def redact_contacts(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Do as ``redact_tickets`` with the names and phones of further contacts; addresses stay. Served by the same."""
    rows = await tx.fetch(
        "select ticket_number, id, name, phone from ticket_contact where company_id = $1 and ticket_number = any($2)",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for ticket_number, contact_id, name, phone in rows:
        redacted = (redactor.text(name, NAME_MAX), redactor.text(phone, PHONE_MAX))
        if redacted != (name, phone):
            texts.add(ticket_number, is_public=True)
            changed.append((company_id, ticket_number, contact_id, *redacted))
    if saves and changed:
        await tx.write_many(
            """update ticket_contact set name = $4, phone = $5
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )


async def redact_cases(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Do as ``redact_tickets`` with the cases at third parties, which no customer sees; addresses stay.

    Served by the same.
    """
    rows = await tx.fetch(
        """select ticket_number, id, party, number, contact_name, contact_phone, notes from ticket_case
            where company_id = $1 and ticket_number = any($2)""",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    limits = (PARTY_MAX, CASE_NUMBER_MAX, NAME_MAX, PHONE_MAX, CASE_NOTES_MAX)
    for ticket_number, case_id, *words in rows:
        redacted = [redactor.text(text, most) for text, most in zip(words, limits, strict=True)]
        count = sum(was != now for was, now in zip(words, redacted, strict=True))
        if count:
            texts.add(ticket_number, is_public=False, count=count)
            changed.append((company_id, ticket_number, case_id, *redacted))
    if saves and changed:
        await tx.write_many(
            """update ticket_case set party = $4, number = $5, contact_name = $6, contact_phone = $7, notes = $8
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )


async def redact_merges(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Do as ``redact_tickets`` with why merged tickets waited, which undoing the merge restores. Served by the same."""
    rows = await tx.fetch(
        """select ticket_number, waiting_before::text from ticket_merge
            where company_id = $1 and ticket_number = any($2) and waiting_before is not null""",
        company_id,
        numbers,
    )
    changed: list[tuple[object, ...]] = []
    for ticket_number, waiting in rows:
        redacted = redactor.json_text(waiting)
        if redacted != waiting:
            texts.add(ticket_number, is_public=False)
            changed.append((company_id, ticket_number, redacted))
    if saves and changed:
        await tx.write_many(
            "update ticket_merge set waiting_before = $3::text::jsonb where company_id = $1 and ticket_number = $2",
            changed,
        )


async def note_texts(tx: Tx, company_id: UUID, numbers: Sequence[int], note: int) -> list[str] | None:
    """Return the text of a note of some tickets, and what was trimmed from its mail; or None.

    Served by the primary key.
    """
    row = await tx.fetchrow(
        "select text, trimmed_text from note where company_id = $1 and ticket_number = any($2) and number = $3",
        company_id,
        numbers,
        note,
    )
    return None if row is None else [text for text in row if text is not None]


_REDACTED = f"""
    with changed as (
        update ticket t set {next_version("$3", visible="$4::boolean")}
         where t.company_id = $1 and t.number = $2
        returning number, version, {CUSTOMER_VERSION} as customer_version
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $3, $5, number, $6, $7, $8, version, customer_version from changed
    """


async def append_redacted(
    tx: Tx, actor: Actor, company_id: UUID, number: int, fact: TicketRedacted, *, now: datetime
) -> None:
    """Store that something was redacted in a locked ticket, and increment its version."""
    kind, data = encode(fact)
    is_visible = fact.visibility == Visibility.PUBLIC
    await tx.write(_REDACTED, company_id, number, now, is_visible, kind, actor_id(actor), actor.name, data)


async def known_since(tx: Tx, company_id: UUID, numbers: Sequence[int]) -> datetime:
    """Return when the first of some tickets was created. Served by the primary key."""
    since: datetime = await tx.fetchval(
        "select min(created_at) from ticket where company_id = $1 and number = any($2)", company_id, numbers
    )
    return since
