"""What the text of a mail is made of: paragraphs and headings, and blocks that placeholders stand for."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import Struct

TemplateEntry = tuple[str, str, str, str]
"""The author, the time in the recipient's time zone, the text and its channel."""


class Paragraph(Struct, frozen=True):
    """A paragraph of Markdown. Where a value goes, it has the index of the value between two marks."""

    kind: ClassVar[str] = "paragraph"

    text: str
    values: Sequence[str] = ()


class Heading(Struct, frozen=True):
    """A heading."""

    kind: ClassVar[str] = "heading"

    text: str


class Block(Struct, frozen=True):
    """What a placeholder on a line of its own stands for. ``kind`` names what it looks like."""

    kind: ClassVar[str] = ""


class TicketHeading(Block, frozen=True):
    """Which ticket a mail is about, and what happened in a few words."""

    kind: ClassVar[str] = "ticket_heading"

    number: str
    title: str
    headline: str


class Entries(Block, frozen=True):
    """What was written and what happened, oldest first."""

    kind: ClassVar[str] = "entries"

    entries: Sequence[TemplateEntry]


class Facts(Block, frozen=True):
    """Names with their values; those without a value are left out."""

    kind: ClassVar[str] = "facts"

    pairs: Sequence[tuple[str, str]]


class Button(Block, frozen=True):
    """The main action: a link."""

    kind: ClassVar[str] = "button"

    url: str
    label: str


class Choices(Block, frozen=True):
    """A question whose answers are links: by their words, in order."""

    kind: ClassVar[str] = "choices"

    question: str
    links: Mapping[str, str]


class Remark(Block, frozen=True):
    """A sentence of less weight."""

    kind: ClassVar[str] = "remark"

    text: str


class Commands(Block, frozen=True):
    """Requests of the house API, one a line."""

    kind: ClassVar[str] = "commands"

    lines: Sequence[str]


class DigestTicket(Struct, frozen=True):
    """A ticket in a digest: its current state, its entries, oldest first, and its page; an empty ``url`` for none.

    ``company`` is empty for the people of the company itself.
    """

    number: str
    title: str
    status: str
    company: str
    entries: Sequence[TemplateEntry]
    url: str


class DigestTickets(Block, frozen=True):
    """The tickets of a digest."""

    kind: ClassVar[str] = "tickets"

    tickets: Sequence[DigestTicket]


Value = str | Block | None
"""What a placeholder stands for: words in a line, or a block. An empty one leaves its paragraph out."""
Piece = Paragraph | Heading | Block
