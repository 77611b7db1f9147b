"""The moments of a reminder that the console offers."""


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


REMINDER_WAITS = {
    "1h": _("In an hour"),
    "4h": _("In 4 hours"),
    "tomorrow 08:00": _("Tomorrow at 08:00"),
    "next working day 08:00": _("Next working day at 08:00"),
    "3d": _("In 3 days"),
    "7d": _("In a week"),
}
"""By the waits that they stand for: see ``check_wait`` of ``reminders/domain.py``."""
