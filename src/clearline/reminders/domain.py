"""The reminder of a ticket: a moment, and why."""

import re
from datetime import datetime, timedelta

from msgspec import UNSET, Struct, UnsetType

from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.text import check_text

REASON_MAX = 1000
KIND = "reminder"
"""The kind of the timers of reminders; their subject is the number of the ticket."""
AHEAD_MAX = timedelta(days=5 * 365)
"""How far ahead a reminder may lie: a year that is mistyped is refused."""


_WAIT = re.compile("([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def wait_of(text: str) -> timedelta | None:
    """Return the time that ``90m``, ``4h`` or ``2d`` stands for: minutes, hours, days; None for another text."""
    match = _WAIT.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


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
