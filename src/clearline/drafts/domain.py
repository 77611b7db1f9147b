"""Drafts: what a person wrote about a ticket and has not sent."""

from datetime import datetime

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.text import check_text
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts, texts_of

DRAFT_MAX = 16_000
"""The most characters of a draft: words beyond the limit of a message are kept, too."""
DRAFTS_MAX = 500
"""The most drafts of a person."""
WRITER_MAX = 64


class Version(Struct, frozen=True):
    """Names a draft as it was at a time: a form that began with it replaces it unless it was changed since."""

    writer: str
    saved_at: datetime


class Draft(Struct, frozen=True):
    """Unsent words of a person about a ticket. ``writer`` is the form in which they were typed.

    ``then`` is the status that the ticket is to have after the message, with ``facts``; None keeps it.
    """

    visibility: Visibility
    writer: str
    text: str
    then: Status | None
    saved_at: datetime
    facts: StatusFacts = NO_FACTS

    @property
    def version(self) -> Version:
        """Names the draft as it is now."""
        return Version(self.writer, self.saved_at)


def check_draft(writer: str, text: str, facts: StatusFacts = NO_FACTS) -> list[Violation]:
    """Return the rules that a draft breaks. It may be blank, which deletes it."""
    violations = check_text("text", text, least=0, most=DRAFT_MAX)
    for words in texts_of(facts):
        violations += check_text("text", words, least=0, most=DRAFT_MAX)
    if not (0 < len(writer) <= WRITER_MAX and writer.isascii() and writer.isprintable()):
        violations.append(Violation("writer", f"must have 1 to {WRITER_MAX} ASCII characters", RuleCode.FORMAT))
    return violations
