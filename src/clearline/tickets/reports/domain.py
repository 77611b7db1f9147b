"""Figures about many tickets. Each is counted up to a bound, so that its cost is bounded, too."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.clock import Span

COUNT_MAX = 1_000
"""Up to this number the tickets of a day, and those of an age, are counted exactly."""
AGES = (0, 1, 3, 7, 30)
"""The age in days that the tickets of each group are older than; a group ends where the next begins."""


class Tally(Struct, frozen=True):
    """A number of tickets, or at least that number when not ``is_exact``."""

    count: int
    is_exact: bool = True


class Day(Struct, frozen=True):
    """A day, and how many tickets were created and finished in it."""

    day: date
    created: Tally
    closed: Tally


class AgeGroup(Struct, frozen=True):
    """The open tickets that are more than ``least`` and at most ``below`` days old, by priority.

    When their number is not exact, ``priorities`` are those of the newest ``COUNT_MAX`` and one more.
    """

    least: int
    below: int | None
    priorities: dict[Priority, int]

    @property
    def total(self) -> Tally:
        """The number of tickets."""
        return tally(sum(self.priorities.values()))


def tally(counted: int) -> Tally:
    """Return what a count says that stops after ``COUNT_MAX`` and one more."""
    return Tally(min(counted, COUNT_MAX), counted <= COUNT_MAX)


def last_days(now: datetime, zone: ZoneInfo, count: int) -> list[tuple[date, Span]]:
    """Return the last days in a time zone, today included, oldest first, each with its span of time."""
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=count - 1 - at) for at in range(count + 1)]
    midnights = [datetime.combine(day, time.min, zone) for day in days]
    return [(day, Span(since, until)) for day, since, until in zip(days, midnights, midnights[1:], strict=False)]


def age_groups(now: datetime) -> list[tuple[int, int | None, Span]]:
    """Return the groups of ages with the spans in which their tickets were created, youngest first."""
    groups = []
    for least, below in zip(AGES, (*AGES[1:], None), strict=True):
        until = Span().until if least == 0 else now - timedelta(days=least)
        since = Span().since if below is None else now - timedelta(days=below)
        groups.append((least, below, Span(since, until)))
    return groups
