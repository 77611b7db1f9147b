"""How the provider handles a ticket, beside what the customer said: who works on it, where, and how urgent it is."""

import re
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from clearline.errors import Violation
from clearline.identity import Company
from clearline.text import check_text
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Impact, IssueType, Priority, Severity, Ticket

TAG_MAX = 50
TAGS_MAX = 50
EXTERNAL_IDS_MAX = 20
SYSTEM_MAX = 50
EXTERNAL_ID_MAX = 255
TAG = r"^[0-9A-Za-z\u00c0-\u024f][0-9A-Za-z\u00c0-\u024f._:/-]*$"
_TAG = re.compile(TAG)


class Handling(Struct, frozen=True):
    """What only the desk needs.

    ``asked_*`` are the customer's own words, from which the provider's assessment (``severity``, ``priority``) may
    differ (MEF 124 keeps both voices). ``external_ids`` maps another system's name to its number for this ticket.
    """

    asked_severity: Severity | None = None
    asked_priority: Priority | None = None
    queue_id: UUID | None = None
    assignee_id: UUID | None = None
    tags: tuple[str, ...] = ()
    external_ids: dict[str, str] = {}


class DeskTicket(Struct, frozen=True):
    """A ticket as the desk shows it, with the names of what its handling refers to."""

    ticket: Ticket
    handling: Handling
    company: Company
    queue_name: str | None
    assignee_name: str | None
    merged_into: int | None


class Editable(Struct, frozen=True):
    """What a change of a ticket may set, besides its status."""

    title: str
    issue_type: IssueType
    severity: Severity
    impact: Impact
    priority: Priority
    contact: Contact
    asked_severity: Severity | None
    asked_priority: Priority | None
    queue_id: UUID | None
    assignee_id: UUID | None
    tags: Annotated[tuple[str, ...], Meta(max_length=TAGS_MAX)]
    external_ids: dict[str, str]


FOR_CUSTOMERS = frozenset({"contact", "asked_severity", "asked_priority", "external_ids"})
"""What a customer may set."""


def editable(found: DeskTicket) -> Editable:
    """The values that a change starts from."""
    ticket, handling = found.ticket, found.handling
    return Editable(
        ticket.title,
        ticket.issue_type,
        ticket.severity,
        ticket.impact,
        ticket.priority,
        ticket.contact,
        handling.asked_severity,
        handling.asked_priority,
        handling.queue_id,
        handling.assignee_id,
        handling.tags,
        handling.external_ids,
    )


def check_tags(tags: tuple[str, ...]) -> list[Violation]:
    """The rules that tags break.

    At most 50, each of up to 50 letters, digits and ``. _ : / -``, beginning with a letter or digit.
    """
    violations = []
    if len(tags) > TAGS_MAX:
        violations.append(Violation("tags", f"must be at most {TAGS_MAX}"))
    if any(len(tag) > TAG_MAX or not _TAG.fullmatch(tag) for tag in tags):
        violations.append(
            Violation("tags", f"must each be 1 to {TAG_MAX} letters, digits and . _ : / -, with no sign in front")
        )
    return violations


def tidy_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags in lower case, sorted, each once."""
    return tuple(sorted({tag.lower() for tag in tags}))


def check_external_ids(ids: dict[str, str]) -> list[Violation]:
    """The rules that references to other systems break: at most 20, names up to 50 characters, numbers up to 255."""
    violations = []
    if len(ids) > EXTERNAL_IDS_MAX:
        violations.append(Violation("external_ids", f"must be at most {EXTERNAL_IDS_MAX}"))
    for system, number in ids.items():
        violations += check_text("external_ids", system, most=SYSTEM_MAX)
        violations += check_text(f"external_ids.{system[:SYSTEM_MAX]}", number, most=EXTERNAL_ID_MAX)
    return violations
