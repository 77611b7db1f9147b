"""What a reminder becomes by a change of it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET

from clearline.errors import InvalidInput
from clearline.reminders.domain import AHEAD_MAX, REASON_MAX, Reminder, ReminderChange, changed_reminder
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
