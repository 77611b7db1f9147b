"""What is stored of a ticket for the search: its words with their weights and positions, and its facets.

A word of internal text is stored as another lexeme, after a tilde. A query without that lexeme cannot match internal
text, and only the index decides this. A word of an own field is stored once more, after the mark of the field: the
query of a customer has the lexemes of the fields that customers see.
"""

from binascii import b2a_base64, crc32
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from clearline.fields.domain import Field
from clearline.fields.facet_domain import value_facets, value_texts
from clearline.search.words import WORD_MAX, phone_words, units
from clearline.text import fold
from clearline.tickets.contact import NOBODY, People
from clearline.tickets.domain import Closure, Ticket, TicketView, ticket_number
from clearline.tickets.status_domain import OPEN
from clearline.tickets.third_parties.domain import Case

FORMAT = 6
"""The version of the format of index entries: which lexemes and positions the text of a ticket becomes.

Raise it with every change of that. The workers then rebuild an index of an older format.
"""

NO_FIELDS: Mapping[str, Field] = {}

NOTES_MAX = 200
"""The number of notes, and of attachments, of each visibility that are read: the newest."""

CHARACTERS_MAX = 50_000
"""The number of characters of the notes of each visibility that are read, newest first."""

BUCKETS = (("n", 1024), ("nn", 16_384), ("nnn", 262_144))
"""Name and size of the facets that consecutive tickets share, so that a query can be limited to the newest."""

INTERNAL = "~"
"""The first character of the lexemes of internal text, and of no other."""

_OWN = "^"
"""The first character of the lexemes of values of own fields, and of no other; the id of the field follows."""

_FACET = "="
"""The first character of facets, and of no word: words are letters, digits and joints."""

_PAIR = "<"
"""The first character of pairs, and of no word."""

_GAP = 10
"""The distance between the positions of two texts, so that no phrase matches across both."""

_LAST_POSITION = 16_383
"""The highest position that PostgreSQL stores; no phrase matches here."""

_POSITIONS_MAX = 250
"""The number of positions of one word that are stored; PostgreSQL stores 255."""


class Document(Struct, frozen=True):
    """A ticket with all that it is found by. Notes and names of attachments are newest first.

    ``customer_updated_at`` is the time of the last change that the ticket's company sees. ``service_ids`` has what the
    inventory says of the service: the customer's label, devices and ports; ``carrier`` is what only the provider's
    people see of it, and ``service_fields`` its own fields. ``tier`` is that of the company. ``people`` are those
    besides its contact, and ``cases`` those at third parties.
    """

    view: TicketView
    public_notes: list[str]
    internal_notes: list[str]
    public_files: list[str]
    internal_files: list[str]
    watchers: list[UUID]
    customer_updated_at: datetime
    service_ids: list[str] = []
    service_sites: list[str] = []
    carrier: list[str] = []
    tier: str | None = None
    service_fields: Mapping[str, Any] = {}
    people: People = NOBODY
    cases: tuple[Case, ...] = ()


class _Limits(NamedTuple):
    """The most different words, bytes of words and positions up to the end of a section of the document."""

    words: int
    size: int
    position: int


_DESCRIPTION = _Limits(3_000, 150_000, 7_000)
_PUBLIC = _Limits(4_500, 250_000, 12_000)
_ALL = _Limits(6_000, 350_000, 16_000)
"""All sections stay far below the megabyte that PostgreSQL accepts. Internal text comes last, with limits of its own:
what a customer finds does not depend on it."""


def facet(name: str, value: object = "") -> str:
    """Return the lexeme of a value that tickets are filtered by."""
    return f"{_FACET}{name}:{fold(str(value))[:WORD_MAX]}"


CREATED, UPDATED, UPDATED_FOR_CUSTOMER, OCCURRED, REMINDER = "", "u", "v", "o", "r"
"""How the names of the facets of a ticket's times begin: of its creation, of its last change, of the last change that
its company sees, of the beginning of the fault, of its reminder."""


def day_facets(day: date, prefix: str = CREATED) -> tuple[str, str, str]:
    """Return the facets of a day, its month and its year."""
    return (
        facet(f"{prefix}d", day.isoformat()),
        facet(f"{prefix}m", f"{day:%Y-%m}"),
        facet(f"{prefix}y", f"{day:%Y}"),
    )


def progress_facets(ticket: Ticket) -> list[str]:
    """Return the facets of what goes with the status of a ticket: those that it has."""
    waiting, closure = ticket.waiting, ticket.closure or Closure()
    values = {
        "sub-status": ticket.sub_status,
        "waiting": None if waiting is None else waiting.reason,
        "cause": closure.cause,
        "action": closure.action,
        "responsibility": closure.responsibility,
    }
    return [facet(name, value) for name, value in values.items() if value is not None]


def hour_facet(hour: datetime) -> str:
    """Return the facet of the hour in which a reminder is due."""
    return facet(f"{REMINDER}h", f"{hour.astimezone(UTC):%Y-%m-%dt%H}")


def reminder_facets(at: datetime | None) -> list[str]:
    """Return the facets of a reminder: its hour, day, month and year; and whether there is one."""
    if at is None:
        return [facet("reminder", "none")]
    return [facet("reminder", "any"), hour_facet(at), *day_facets(at.astimezone(UTC).date(), REMINDER)]


def facets(document: Document) -> list[str]:
    """Return all facets of a ticket."""
    ticket = document.view.ticket
    return [
        facet("company", ticket.company_id),
        facet("number", ticket.number),
        *(facet(name, ticket.number // size) for name, size in BUCKETS),
        facet("is", "open" if ticket.status in OPEN else "closed"),
        facet("status", ticket.status),
        facet("service", ticket.service_type),
        facet("service-id", ticket.service_id),
        facet("tier", document.tier or "none"),
        facet("issue", ticket.issue_type),
        facet("priority", ticket.priority),
        facet("severity", ticket.severity),
        facet("assignee", ticket.assignee_id or "none"),
        facet("queue", ticket.queue_id or "none"),
        *progress_facets(ticket),
        *(facet("tag", tag) for tag in ticket.tags),
        *(facet("watcher", user) for user in document.watchers),
        *day_facets(ticket.created_at.date()),
        *day_facets(ticket.updated_at.date(), UPDATED),
        *day_facets(document.customer_updated_at.date(), UPDATED_FOR_CUSTOMER),
        *(() if ticket.occurred_at is None else day_facets(ticket.occurred_at.date(), OCCURRED)),
        *([facet("is", "chronic")] if ticket.is_chronic else []),
        *_people_facets(document),
        *(facet("case", case.number) for case in document.cases if case.number),
        *(facet("external", f"{system}:{number}") for system, number in ticket.external_ids.items()),
        *([facet("file", "any")] if document.public_files or document.internal_files else []),
        *([facet("file", "public")] if document.public_files else []),
        *reminder_facets(ticket.reminder_at),
    ]


def _people_facets(document: Document) -> Iterable[str]:
    """Return the facets of the contacts and copies of a ticket: the addresses, and the names and their words."""
    contact, people = document.view.ticket.contact, document.people
    named = [("contact", contact.email, contact.name)]
    named += [("contact", person.email, person.name) for person in people.contacts]
    named += [("cc", person.email, person.name) for person in people.cc]
    values = (
        (name, value) for name, email, full_name in named for value in (email, full_name, *full_name.split()) if value
    )
    return dict.fromkeys(facet(name, value) for name, value in values)


def own_mark(field: Field) -> str:
    """Return what the lexemes of the values of an own field begin with."""
    return _OWN + b2a_base64(field.id.bytes, newline=False).decode().rstrip("=")


def pairs(words: Sequence[str]) -> list[str]:
    """Return the lexeme of each two adjacent words, by which the index narrows down a phrase.

    It has 18 bits of a checksum, to be short. Other pairs can have the same lexeme: look the words up, too.
    """
    sums = (crc32(f"{first} {second}".encode()) & 0x3FFFF for first, second in pairwise(words))
    return [_PAIR + b2a_base64(checksum.to_bytes(3, "big"))[1:4].decode() for checksum in sums]


class _Vector:
    def __init__(self) -> None:
        self._positions: dict[str, list[str]] = {}
        self._pairs: set[str] = set()
        self._words = 0
        self._size = 0
        self._next = 1

    def facet(self, value: str) -> None:
        self._positions[value] = ["1A"]

    def put(self, lexeme: str, weight: str, limits: _Limits, position: int) -> None:
        positions = self._positions.get(lexeme)
        if positions is None:
            if self._words >= limits.words or self._size >= limits.size:
                return
            positions = self._positions[lexeme] = []
            self._words += 1
            self._size += len(lexeme.encode())
        weighted = f"{position if position < limits.position else _LAST_POSITION}{weight}"
        if len(positions) < _POSITIONS_MAX and (not positions or positions[-1] != weighted):
            positions.append(weighted)

    def text(self, text: str, weight: str, limits: _Limits, own: str = "") -> None:
        """Store the words of a text: internal ones with their mark, those of an own field also with its mark."""
        marks = [INTERNAL if weight == "D" else "", *([own] if own else [])]
        words: list[str] = []
        positions_left = max(0, limits.position - self._next + 1)
        for unit in units(text):
            words += unit.parts
            for mark in marks:
                for position, part in enumerate(unit.parts, self._next):
                    self.put(mark + part, weight, limits, position)
                for index, lexeme in unit.variants:
                    self.put(mark + lexeme, weight, limits, self._next + index)
            self._next += len(unit.parts)
        self._pairs.update(mark + pair for mark in marks for pair in pairs(words[:positions_left]))
        self._next = min(self._next, limits.position) + _GAP

    def texts(self, texts: Iterable[str], weight: str, limits: _Limits) -> None:
        left = CHARACTERS_MAX
        for text in texts:
            self.text(text[:left], weight, limits)
            left -= len(text)
            if left <= 0:
                return

    def own_values(self, values: Iterable[tuple[Field, str]]) -> None:
        """Store the words of values of own fields."""
        left = CHARACTERS_MAX
        for field, value in values:
            self.text(value[:left], "D", _ALL, own_mark(field))
            left -= len(value)
            if left <= 0:
                return

    def __str__(self) -> str:
        words = [f"{quoted(lexeme)}:{','.join(positions)}" for lexeme, positions in self._positions.items()]
        return " ".join([*words, *map(quoted, self._pairs)])


def quoted(lexeme: str) -> str:
    """Return a lexeme as it is written in a ``tsvector`` or ``tsquery``."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def vector(
    document: Document, fields: Mapping[str, Field] = NO_FIELDS, service_fields: Mapping[str, Field] = NO_FIELDS
) -> str:
    """Return the text of a ticket's ``tsvector``. ``fields`` are the own fields of tickets by their keys.

    ``service_fields`` are those of services.

    The values of own fields are internal text, and words of their fields: customers find those of the fields that they
    see now, whatever they saw when the ticket was indexed.
    """
    ticket, company = document.view.ticket, document.view.company
    builder = _Vector()
    for value in (*facets(document), *value_facets(fields, ticket.fields)):
        builder.facet(value)
    for text in (
        ticket_number(ticket.number), ticket.service_id, *ticket.external_ids.values(), *document.service_ids,
    ):  # fmt: skip
        builder.text(text, "A", _DESCRIPTION)
    contact = ticket.contact
    builder.texts(
        (ticket.title, ticket.service_label or "", contact.name, contact.email, contact.phone), "B", _DESCRIPTION
    )
    for digits in phone_words(contact.phone):
        builder.put(digits, "B", _DESCRIPTION, _LAST_POSITION)
    people = (*document.people.contacts, *document.people.cc)
    builder.texts((text for person in people for text in (person.name, person.email, person.phone)), "B", _DESCRIPTION)
    for person in people:
        for digits in phone_words(person.phone):
            builder.put(digits, "B", _DESCRIPTION, _LAST_POSITION)
    builder.texts((company.name, company.code, *document.service_sites), "B", _DESCRIPTION)
    builder.text(ticket.description, "C", _DESCRIPTION)
    closure = ticket.closure or Closure()
    if closure.resolution:
        builder.text(closure.resolution, "C", _DESCRIPTION)
    builder.texts(document.public_files, "C", _PUBLIC)
    builder.texts(document.public_notes, "C", _PUBLIC)
    builder.own_values((*value_texts(fields, ticket.fields), *value_texts(service_fields, document.service_fields)))
    builder.texts((*ticket.tags, *document.carrier), "D", _ALL)
    for case in document.cases:
        builder.texts(filter(None, (case.number, case.party, case.contact_name, case.notes)), "D", _ALL)
    why = "" if ticket.waiting is None else ticket.waiting.text
    builder.texts(filter(None, (closure.root_cause, why)), "D", _ALL)
    builder.texts(document.internal_files, "D", _ALL)
    builder.texts(document.internal_notes, "D", _ALL)
    return str(builder)
