"""Rewrite tickets and notes without words, and say so with an event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.events.domain import TicketRedacted
from clearline.events.store import actor_id, encode
from clearline.fields.domain import LENGTHS, WITH_OPTIONS, FieldType
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

_KEYED = WITH_OPTIONS | {FieldType.REFERENCE}
"""The types of own fields whose values are keys of the catalogue, or ids."""
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


async def redact_texts(
    tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, texts: RedactedTexts, *, saves: bool
) -> None:
    """Count the texts of tickets that hold the words; with ``saves`` rewrite them. Served by the primary keys.

    The id of a service stays that the inventory has, and so does the address of a contact: both name something else.
    The values of own fields are derived again for the lists by a trigger.
    """
    for table in (_tickets, _notes, _contacts, _cases, _merges):
        await table(tx, _Look(company_id, numbers, redactor, texts, saves))


class _Look(NamedTuple):
    """A look at tickets: for what, and whether they are rewritten."""

    company_id: UUID
    numbers: Sequence[int]
    redactor: Redactor
    texts: RedactedTexts
    saves: bool

    def rewritten(
        self, rows: Iterable[Sequence[Any]], redacted: Callable[[Sequence[Any]], Sequence[object]], *, keys: int = 1
    ) -> list[tuple[object, ...]]:
        """Return what is to be stored of rows that hold the words: the keys, and the words as ``redacted`` makes them.

        The columns of a row are the number of the ticket, whether its customer sees the words, so many ``keys`` more
        of the primary key, and the words.
        """
        changed: list[tuple[object, ...]] = []
        for number, is_public, *rest in rows:
            key, words = rest[:keys], rest[keys:]
            after = redacted(words)
            if count := sum(was != now for was, now in zip(words, after, strict=True)):
                self.texts.add(number, is_public=is_public, count=count)
                changed.append((self.company_id, number, *key, *after))
        return changed if self.saves else []

    def within(self, *limits: int | None) -> Callable[[Sequence[Any]], Sequence[object]]:
        """Return what redacts texts of at most so many characters."""

        def redacted(words: Sequence[Any]) -> Sequence[object]:
            pairs = zip(words, limits, strict=True)
            return [None if text is None else self.redactor.text(text, most) for text, most in pairs]

        return redacted

    def document(self, text: str | None, within: str = "") -> str | None:
        """Return a JSON document without the words, or none; ``within`` is as for ``Redactor.json``."""
        return None if text is None else self.redactor.json_text(text, within=within)


async def _tickets(tx: Tx, look: _Look) -> None:
    types, redactor = await types_of_fields(tx), look.redactor

    def redacted(words: Sequence[Any]) -> Sequence[object]:
        title, description, name, phone, label, service_id, tags, ids, waiting, *documents, fields = words
        return [
            redactor.text(title, TITLE_MAX),
            redactor.text(description, DESCRIPTION_MAX),
            redactor.text(name, NAME_MAX),
            redactor.text(phone, PHONE_MAX),
            None if label is None else redactor.text(label),
            redactor.text(service_id, ID_MAX) if label is None else service_id,
            redact_tags(tags, redactor),
            redact_external_ids(ids, redactor),
            look.document(waiting, "waiting"),
            *map(look.document, documents),
            None if fields is None else redact_fields(fields, types, redactor),
        ]

    rows = await tx.fetch(
        """select number, true, title, description, contact_name, contact_phone, service_label, service_id, tags,
                  external_ids::text, waiting::text, closure::text, reminder::text, fault::text, fields::text
             from ticket where company_id = $1 and number = any($2)""",
        look.company_id,
        look.numbers,
    )
    if changed := look.rewritten(rows, redacted, keys=0):
        await tx.write_many(
            """update ticket set title = $3, description = $4, contact_name = $5, contact_phone = $6,
                      service_label = $7, service_id = $8, tags = $9, external_ids = $10::text::jsonb,
                      waiting = $11::text::jsonb, closure = $12::text::jsonb, reminder = $13::text::jsonb,
                      fault = $14::text::jsonb, fields = $15::text::jsonb
                where company_id = $1 and number = $2""",
            changed,
        )


async def _notes(tx: Tx, look: _Look) -> None:
    """Rewrite notes, and what was trimmed from the mails of those."""
    rows = await tx.fetch(
        """select ticket_number, visibility = 'public', number, text, trimmed_text from note
            where company_id = $1 and ticket_number = any($2)""",
        look.company_id,
        look.numbers,
    )
    if changed := look.rewritten(rows, look.within(TEXT_MAX, None)):
        await tx.write_many(
            """update note set text = $4, trimmed_text = $5
                where company_id = $1 and ticket_number = $2 and number = $3""",
            changed,
        )


async def _contacts(tx: Tx, look: _Look) -> None:
    """Rewrite the names and phones of further contacts."""
    rows = await tx.fetch(
        """select ticket_number, true, id, name, phone from ticket_contact
            where company_id = $1 and ticket_number = any($2)""",
        look.company_id,
        look.numbers,
    )
    if changed := look.rewritten(rows, look.within(NAME_MAX, PHONE_MAX)):
        await tx.write_many(
            """update ticket_contact set name = $4, phone = $5
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )


async def _cases(tx: Tx, look: _Look) -> None:
    """Rewrite the cases at third parties, which no customer sees."""
    rows = await tx.fetch(
        """select ticket_number, false, id, party, number, contact_name, contact_phone, notes from ticket_case
            where company_id = $1 and ticket_number = any($2)""",
        look.company_id,
        look.numbers,
    )
    limits = look.within(PARTY_MAX, CASE_NUMBER_MAX, NAME_MAX, PHONE_MAX, CASE_NOTES_MAX)
    if changed := look.rewritten(rows, limits):
        await tx.write_many(
            """update ticket_case set party = $4, number = $5, contact_name = $6, contact_phone = $7, notes = $8
                where company_id = $1 and ticket_number = $2 and id = $3""",
            changed,
        )


async def _merges(tx: Tx, look: _Look) -> None:
    """Rewrite why merged tickets waited, which undoing the merge restores."""
    rows = await tx.fetch(
        """select ticket_number, false, waiting_before::text from ticket_merge
            where company_id = $1 and ticket_number = any($2) and waiting_before is not null""",
        look.company_id,
        look.numbers,
    )
    if changed := look.rewritten(rows, lambda words: [look.document(words[0], "waiting")], keys=0):
        await tx.write_many(
            "update ticket_merge set waiting_before = $3::text::jsonb where company_id = $1 and ticket_number = $2",
            changed,
        )


async def fields_of_keys(tx: Tx) -> frozenset[str]:
    """Return the own fields of tickets whose values are keys of options or ids of records, and nobody's words."""
    return frozenset(key for key, type_ in (await types_of_fields(tx)).items() if type_ in _KEYED)


async def types_of_fields(tx: Tx) -> dict[str, FieldType]:
    """Return the types of the own fields of tickets by their keys, also of deleted ones."""
    rows = await tx.fetch("select key, type from field where record = 'ticket'")
    return {row[0]: FieldType(row[1]) for row in rows}


def redact_fields(text: str, types: Mapping[str, FieldType], redactor: Redactor) -> str | None:
    """Return values of own fields: texts with a mark; without those that hold the words and cannot have a mark."""
    values: dict[str, Any] = msgspec.json.decode(text)
    redacted: dict[str, Any] = {}
    for key, value in values.items():
        type_ = types.get(key, FieldType.TEXT)
        if type_ in _KEYED:
            redacted[key] = value
        elif (most := LENGTHS.get(type_)) is not None:
            redacted[key] = redactor.text(value, most) if isinstance(value, str) else value
        elif redactor.own_value(value) == value:
            redacted[key] = value
    if redacted == values:
        return text
    return msgspec.json.encode(redacted).decode() if redacted else None


def redact_tags(tags: list[str], redactor: Redactor) -> list[str]:
    """Return tags, of which those that held the words are one that says so."""
    return list(dict.fromkeys(_TAG if redactor.text(tag) != tag else tag for tag in tags))


def redact_external_ids(text: str, redactor: Redactor) -> str:
    """Return ids in other systems without the words."""
    ids: dict[str, str] = msgspec.json.decode(text)
    redacted = {redactor.text(name, SYSTEM_MAX): redactor.text(value, EXTERNAL_ID_MAX) for name, value in ids.items()}
    return text if redacted == ids else msgspec.json.encode(redacted).decode()


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
