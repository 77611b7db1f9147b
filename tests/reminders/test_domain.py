"""What a reminder becomes by a change of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import UNSET

from clearline.errors import InvalidInput
from clearline.reminders.domain import (
    AHEAD_MAX,
    REASON_MAX,
    WAIT_MAX,
    Reminder,
    ReminderChange,
    changed_reminder,
    check_wait,
    moment_after,
)
from tests.builders.people import NOW

AT = NOW + timedelta(hours=1)
SET = Reminder(AT, "Call", True, "Mara Lind", NOW - timedelta(days=1))


def change(**values: Any) -> ReminderChange:
    return ReminderChange(**values)


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        (None, change(at=AT), Reminder(AT, "", False, "Ben Ito", NOW)),
        (None, change(at=AT, reason="x" * REASON_MAX), Reminder(AT, "x" * REASON_MAX, False, "Ben Ito", NOW)),
        (None, change(at=NOW + AHEAD_MAX), Reminder(NOW + AHEAD_MAX, "", False, "Ben Ito", NOW)),
        (None, None, None),
        (SET, None, None),
        (SET, change(), SET),
        (SET, change(at=AT, reason="Call", cancelled_by_answer=True), SET),
        (SET, change(reason=""), Reminder(AT, "", True, "Ben Ito", NOW)),
        (SET, change(cancelled_by_answer=False), Reminder(AT, "Call", False, "Ben Ito", NOW)),
    ],
)
def test_a_change_replaces_what_it_names(
    before: Reminder | None, values: ReminderChange | None, after: Reminder | None
) -> None:
    assert changed_reminder(before, values, "Ben Ito", now=NOW) == after


def test_what_a_past_reminder_says_can_stay_but_not_be_changed() -> None:
    """It is due this moment: the worker has not come to it yet."""
    late = NOW + timedelta(hours=2)
    assert changed_reminder(SET, change(at=AT), "Ben Ito", now=late) is SET
    with pytest.raises(InvalidInput):
        changed_reminder(SET, change(reason="More", at=UNSET), "Ben Ito", now=late)


BERLIN, FRIDAY = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 27, 15, 30, tzinfo=UTC)
"""The clocks of Berlin go forward in the night to Sunday 29 March 2026, and back on 25 October."""


@pytest.mark.parametrize(
    ("wait", "now", "at"),
    [
        ("90m", FRIDAY, "2026-03-27T17:00Z"),
        ("2d", FRIDAY, "2026-03-29T15:30Z"),
        ("tomorrow 09:00", FRIDAY, "2026-03-28T08:00Z"),
        ("tomorrow 9:00", FRIDAY, "2026-03-28T08:00Z"),
        ("tomorrow 00:00", FRIDAY, "2026-03-27T23:00Z"),
        ("tomorrow 09:00", FRIDAY + timedelta(hours=8), "2026-03-29T07:00Z"),  # it is Saturday in Berlin
        ("1d 23:59", FRIDAY, "2026-03-28T22:59Z"),
        ("3d 09:00", FRIDAY, "2026-03-30T07:00Z"),
        ("next working day 09:00", FRIDAY, "2026-03-30T07:00Z"),
        ("next working day 09:00", FRIDAY - timedelta(days=1), "2026-03-27T08:00Z"),
        ("next working day 09:00", FRIDAY + timedelta(days=1), "2026-03-30T07:00Z"),
        ("next working day 09:00", FRIDAY + timedelta(days=2), "2026-03-30T07:00Z"),
        ("2d 02:30", FRIDAY, "2026-03-29T01:30Z"),  # skipped: 03:30 by the clock
        ("tomorrow 02:30", datetime(2026, 10, 24, 12, tzinfo=UTC), "2026-10-25T00:30Z"),  # twice: the first
    ],
)
def test_a_wait_ends_at_a_moment(wait: str, now: datetime, at: str) -> None:
    assert check_wait("wait", wait) == []
    assert len(wait) <= WAIT_MAX
    assert moment_after(wait, now, BERLIN) == datetime.fromisoformat(at)


@pytest.mark.parametrize(
    "wait",
    ["", "4", "4w", "0h", "09:00", "tomorrow", "tomorrow 9", "tomorrow 24:00", "tomorrow 09:60", "Tomorrow 09:00",
     "today 09:00", "0d 09:00", "2h 09:00", "next day 09:00", "tomorrow 09:00 ", "1826d", "1825d 09:00"],
)  # fmt: skip
def test_another_text_is_no_wait(wait: str) -> None:
    [violation] = check_wait("wait", wait)
    assert violation.field == "wait"
