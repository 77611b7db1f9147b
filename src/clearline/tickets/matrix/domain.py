"""What a priority matrix would change of open tickets."""

from msgspec import Struct

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.identity import Company

COUNT_MAX = 10_000
"""Tickets that are counted exactly."""


class Difference(Struct, frozen=True):
    """A ticket whose priority or severity would change, and what it goes by: impact, urgency as asked, tier."""

    number: int
    title: str
    company: Company
    tier: str | None
    impact: Impact
    urgency: Priority | None
    priority: Priority
    severity: Severity
    new_priority: Priority
    new_severity: Severity


class MatrixPreview(Struct, frozen=True):
    """How many open tickets a matrix would change, and the first of them. ``count`` ends at ``COUNT_MAX``."""

    count: int
    tickets: list[Difference]
    has_more: bool
    """Whether there are more tickets after these."""
