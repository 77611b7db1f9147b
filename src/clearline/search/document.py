"""What is kept of a ticket for the search: its words with their weight and place, and its facets.

A word of what only the provider's people see is kept as another word, behind a tilde: whoever does not ask for that one
cannot find by it, and the index alone can tell.
"""

from binascii import b2a_base64, crc32
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from clearline.search.words import WORD_MAX, fold, phone_words, units
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.status_domain import OPEN

NOTES_MAX = 200
"""Of each kind of note and attachment, so many are read, the newest ones."""

CHARACTERS_MAX = 50_000
"""So many characters of each kind of note are read, newest first."""

BUCKETS = (("n", 1024), ("nn", 16_384), ("nnn", 262_144))
"""Tickets whose numbers follow each other share facets, small to large, so that the newest can be looked at alone."""

INTERNAL = "~"
"""How a word begins that only the provider's people may find by, and no other word."""

_FACET = "="
"""How a facet begins, and no word: words are letters, digits and what joins them."""

_PAIR = "<"
"""How a pair begins, and no word."""

_GAP = 10
"""Places between two texts, so that no phrase reaches from one into the other."""

_LAST_PLACE = 16_383
"""The greatest place that PostgreSQL keeps; a phrase is not found here."""

_PLACES_MAX = 250
"""Places of one word that are kept; PostgreSQL keeps 255."""


class Document(Struct, frozen=True):
    """A ticket with all that it is found by. Notes and names of attachments are newest first."""

    found: TicketView
    public_notes: list[str]
    internal_notes: list[str]
    public_files: list[str]
    internal_files: list[str]
    watchers: list[UUID]


class _Room(NamedTuple):
    """How many different words, bytes of words and places may be taken when a part of the ticket is done."""

    words: int
    size: int
    place: int


_DESCRIPTION = _Room(3_000, 150_000, 7_000)
_PUBLIC = _Room(4_500, 250_000, 12_000)
_ALL = _Room(6_000, 350_000, 16_000)
"""Together far below the megabyte that PostgreSQL takes. What only the provider sees comes last and has room of its
own: what a customer finds does not depend on it."""


def facet(name: str, value: object = "") -> str:
    """A value that tickets are filtered by, as it is kept beside the words."""
    return f"{_FACET}{name}:{fold(str(value))[:WORD_MAX]}"


def day_facets(day: date) -> tuple[str, str, str]:
    """The facets of a day, its month and its year."""
    return facet("d", day.isoformat()), facet("m", f"{day:%Y-%m}"), facet("y", f"{day:%Y}")


def facets(document: Document) -> list[str]:
    """Everything that a ticket is filtered by."""
    ticket = document.found.ticket
    return [
        facet("company", ticket.company_id),
        facet("number", ticket.number),
        *(facet(name, ticket.number // size) for name, size in BUCKETS),
        facet("is", "open" if ticket.status in OPEN else "closed"),
        facet("status", ticket.status),
        facet("service", ticket.service_type),
        facet("service-id", ticket.service_id),
        facet("issue", ticket.issue_type),
        facet("priority", ticket.priority),
        facet("severity", ticket.severity),
        facet("assignee", ticket.assignee_id or "none"),
        facet("queue", ticket.queue_id or "none"),
        *(facet("tag", tag) for tag in ticket.tags),
        *(facet("watcher", user) for user in document.watchers),
        *day_facets(ticket.created_at.date()),
    ]


def pairs(words: Sequence[str]) -> list[str]:
    """What stands for each two words that follow each other: a phrase is looked for by it.

    It is 18 bits of a checksum, which take little room. Other pairs may have the same: look for the words, too.
    """
    sums = (crc32(f"{first} {second}".encode()) & 0x3FFFF for first, second in pairwise(words))
    return [_PAIR + b2a_base64(one.to_bytes(3, "big"))[1:4].decode() for one in sums]


class _Vector:
    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._pairs: set[str] = set()
        self._words = 0
        self._size = 0
        self._at = 1

    def facet(self, value: str) -> None:
        self._places[value] = ["1A"]

    def put(self, lexeme: str, weight: str, room: _Room, at: int) -> None:
        if weight == "D":
            lexeme = INTERNAL + lexeme
        known = self._places.get(lexeme)
        if known is None:
            if self._words >= room.words or self._size >= room.size:
                return
            known = self._places[lexeme] = []
            self._words += 1
            self._size += len(lexeme.encode())
        place = f"{at if at < room.place else _LAST_PLACE}{weight}"
        if len(known) < _PLACES_MAX and (not known or known[-1] != place):
            known.append(place)

    def text(self, text: str, weight: str, room: _Room) -> None:
        words: list[str] = []
        room_left = max(0, room.place - self._at + 1)
        for unit in units(text):
            words += unit.parts
            for place, part in enumerate(unit.parts, self._at):
                self.put(part, weight, room, place)
            for place, lexeme in unit.more:
                self.put(lexeme, weight, room, self._at + place)
            self._at += len(unit.parts)
        mark = INTERNAL if weight == "D" else ""
        self._pairs.update(mark + pair for pair in pairs(words[:room_left]))
        self._at = min(self._at, room.place) + _GAP

    def texts(self, texts: Iterable[str], weight: str, room: _Room) -> None:
        left = CHARACTERS_MAX
        for text in texts:
            self.text(text[:left], weight, room)
            left -= len(text)
            if left <= 0:
                return

    def __str__(self) -> str:
        words = [f"{quoted(lexeme)}:{','.join(places)}" for lexeme, places in self._places.items()]
        return " ".join([*words, *map(quoted, self._pairs)])


def quoted(lexeme: str) -> str:
    """A lexeme as PostgreSQL reads it in a ``tsvector`` or ``tsquery``."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def vector(document: Document) -> str:
    """A ticket as a ``tsvector``, in the spelling that PostgreSQL reads."""
    ticket, company = document.found.ticket, document.found.company
    made = _Vector()
    for value in facets(document):
        made.facet(value)
    for text in (ticket_number(ticket.number), ticket.service_id, *ticket.external_ids.values()):
        made.text(text, "A", _DESCRIPTION)
    contact = ticket.contact
    made.texts(
        (ticket.title, ticket.service_label or "", contact.name, contact.email, contact.phone), "B", _DESCRIPTION
    )
    for digits in phone_words(contact.phone):
        made.put(digits, "B", _DESCRIPTION, _LAST_PLACE)
    made.texts((company.name, company.code), "B", _DESCRIPTION)
    made.text(ticket.description, "C", _DESCRIPTION)
    made.texts(document.public_files, "C", _PUBLIC)
    made.texts(document.public_notes, "C", _PUBLIC)
    made.texts(ticket.tags, "D", _ALL)
    made.texts(document.internal_files, "D", _ALL)
    made.texts(document.internal_notes, "D", _ALL)
    return str(made)
