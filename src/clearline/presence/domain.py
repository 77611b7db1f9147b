"""What somebody does on the page of a ticket."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

GONE_AFTER_SECONDS = 45
"""Whoever was not heard of for so long is gone. Pages report every 20 seconds."""
TAB_MAX = 40
"""The longest name of a tab."""


class Activity(StrEnum):
    """What the person does in one tab. The first that one of its tabs has is that of the person."""

    WRITING = "writing"
    VIEWING = "viewing"
    HIDDEN = "hidden"
    """The tab is behind another one."""
    GONE = "gone"
    """The page was left."""


_RANK = {activity: rank for rank, activity in enumerate(Activity)}


class Report(Struct, frozen=True):
    """What a tab reports of its person and ticket."""

    number: int
    user_id: UUID
    name: str
    tab: str
    activity: Activity


class Present(Struct, frozen=True):
    """A person who is on the page of a ticket."""

    user_id: UUID
    name: str
    activity: Activity


def by_person(reports: list[Report]) -> list[Present]:
    """Return each person once, with the foremost activity of its tabs, by what they do and by name."""
    people: dict[UUID, Report] = {}
    for report in reports:
        known = people.get(report.user_id)
        if known is None or _RANK[report.activity] < _RANK[known.activity]:
            people[report.user_id] = report
    present = [Present(report.user_id, report.name, report.activity) for report in people.values()]
    return sorted(present, key=lambda person: (_RANK[person.activity], person.name.casefold(), person.user_id))
