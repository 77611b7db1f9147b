"""Handovers of shifts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.errors import Violation
from clearline.text import check_text
from clearline.tickets.domain import Status, TicketView

NOTE_MAX = 4000
GROUP_MAX = 50
"""The most critical tickets, and the most held ones, that a handover names."""
LONGEST_MAX = 10
"""How many of the tickets that have waited longest a handover names."""


class TicketLine(Struct, frozen=True):
    """A ticket as it was when a shift ended."""

    number: int
    title: str
    company: str
    status: Status
    priority: Priority
    assignee: str | None
    updated_at: datetime


class Group(Struct, frozen=True):
    """Tickets of a kind. ``has_more``: there were others."""

    tickets: list[TicketLine]
    has_more: bool


class Work(Struct, frozen=True):
    """What was open when a shift ended: critical tickets, those on hold, and those longest without a change."""

    critical: Group
    held: Group
    longest: Group


class Handover(Struct, frozen=True):
    """A shift that was signed off. ``open_count`` is the number of open tickets, or at least that when not exact."""

    id: UUID
    at: datetime
    user_id: UUID
    user_name: str
    note: str
    open_count: int
    open_is_exact: bool

    @property
    def name(self) -> str:
        """Its name in the audit: when it was, in UTC."""
        return f"{self.at:%Y-%m-%d %H:%M}"


class HandoverDetails(Handover, frozen=True, kw_only=True):
    """A handover with what was open then."""

    work: Work


def check_note(note: str) -> list[Violation]:
    """Return the rules that the note of a handover breaks; it may be empty."""
    return check_text("note", note, least=0, most=NOTE_MAX)


def group_of(views: Sequence[TicketView], most: int) -> Group:
    """Return some tickets as a handover keeps them; of more than ``most`` the first."""
    lines = [
        TicketLine(
            view.ticket.number, view.ticket.title, view.company.name, view.ticket.status, view.ticket.priority,
            view.assignee_name, view.ticket.updated_at,
        )
        for view in views[:most]
    ]  # fmt: skip
    return Group(lines, len(views) > most)
