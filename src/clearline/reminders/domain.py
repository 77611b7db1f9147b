"""The reminder of a ticket: a moment, and why."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.text import check_text

REASON_MAX = 1000
KIND = "reminder"
"""The kind of the timers of reminders; their subject is the number of the ticket."""
AHEAD_MAX = timedelta(days=5 * 365)
"""How far ahead a reminder may lie: a year that is mistyped is refused."""


_SPAN = re.compile("([1-9][0-9]{0,4})([mhd])")
_DAY = re.compile("(?:(tomorrow)|(next working day)|([1-9][0-9]{0,3})d) ([01]?[0-9]|2[0-3]):([0-5][0-9])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SATURDAY = 6
WAIT_MAX = len("next working day 09:00")
"""The most characters of a wait."""
WAITS = (
    "minutes, hours or days, such as 90m, 4h or 2d, or a time of a later day, such as tomorrow 09:00, "
    "next working day 09:00 or 3d 09:00"
)
"""What a wait may be, in words."""


class DayTime(NamedTuple):
    """A time of day ``days`` after a moment; without days on the next working day, from Monday to Friday."""

    days: int | None
    time: time

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return when it is, by the clocks of a zone, in UTC.

        When the clocks skip that time, it is as long after the change as it would have been without it; when they show
        it twice, the first time (RFC 5545, section 3.3.5).
        """
        day = moment.astimezone(zone).date() + timedelta(days=self.days or 1)
        while self.days is None and day.isoweekday() >= _SATURDAY:
            day += timedelta(days=1)
        return datetime.combine(day, self.time, zone).astimezone(UTC)


def span_of(text: str) -> timedelta | None:
    """Return the time that ``90m``, ``4h`` or ``2d`` stands for: minutes, hours, days; None for another text."""
    match = _SPAN.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


def day_time_of(text: str) -> DayTime | None:
    """Return what ``tomorrow 09:00``, ``next working day 09:00`` or ``3d 09:00`` means; None for another text."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    tomorrow, working, days, hour, minute = match.groups()
    return DayTime(None if working else 1 if tomorrow else int(days), time(int(hour), int(minute)))


def check_wait(field: str, text: str) -> list[Violation]:
    """Return the rules that a wait breaks: a span, or a time of a later day."""
    span, day = span_of(text), day_time_of(text)
    if span is None and day is None:
        return [Violation(field, f"must be {WAITS}", RuleCode.FORMAT)]
    if (span or timedelta(days=(day.days or 1) + 1 if day else 0)) > AHEAD_MAX:
        return [Violation(field, "must not be more than 5 years", RuleCode.ORDER)]
    return []


def moment_after(wait: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the moment at which a wait, which was checked, ends that begins now. Times of day are those of a zone."""
    day = day_time_of(wait)
    return now + (span_of(wait) or timedelta()) if day is None else day.after(now, zone)


class Reminder(Struct, frozen=True):
    """When a ticket comes back, and why. ``set_by`` is the name of who set it, at ``set_at``.

    With ``cancelled_by_answer`` an answer of the customer removes it.
    """

    at: datetime
    reason: str
    cancelled_by_answer: bool
    set_by: str
    set_at: datetime


class ReminderChange(Struct, frozen=True):
    """What to set of a reminder; the rest stays, or is empty if there is none yet."""

    at: datetime | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    cancelled_by_answer: bool | UnsetType = UNSET


def change_to(reminder: Reminder) -> ReminderChange:
    """Return the change that gives a ticket what a reminder says."""
    return ReminderChange(reminder.at, reminder.reason, reminder.cancelled_by_answer)


def changed_reminder(
    before: Reminder | None, change: ReminderChange | None, by: str, *, now: datetime
) -> Reminder | None:
    """Return the reminder after a change that somebody makes; None removes it. Equal values leave it as it is.

    Raises:
        InvalidInput: it has no moment, or one that is past or more than 5 years ahead, or the reason is too long.
    """
    if change is None:
        return None
    at = change.at if change.at is not UNSET else None if before is None else before.at
    if at is None:
        raise InvalidInput([Violation("reminder.at", "is required", RuleCode.REQUIRED)])
    reason = change.reason if change.reason is not UNSET else "" if before is None else before.reason
    is_cancelled = change.cancelled_by_answer
    if is_cancelled is UNSET:
        is_cancelled = before is not None and before.cancelled_by_answer
    if before is not None and (at, reason, is_cancelled) == (before.at, before.reason, before.cancelled_by_answer):
        return before
    violations = check_text("reminder.reason", reason, least=0, most=REASON_MAX)
    if at <= now:
        violations.append(Violation("reminder.at", "must lie in the future", RuleCode.ORDER))
    elif at > now + AHEAD_MAX:
        violations.append(Violation("reminder.at", "must not be more than 5 years ahead", RuleCode.ORDER))
    require_valid(violations)
    return Reminder(at, reason, is_cancelled, by, now)
