"""The reminder of a ticket, as a form of the console gives it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.language.reader import reader
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import ReminderChange, moment_after
from clearline.tickets import change_usecases as ticket_changes
from clearline.web.console.changes import require_shown
from clearline.web.tickets.reminder_words import REMINDER_WAITS
from clearline.web.visit import Form, Visit
from clearline.web.words import full_time, gettext

FIELDS = ("reminder", "reminder_at", "reminder_reason", "reminder_answer")
"""The fields of the form."""
_SAVE, _NONE = "save", "none"


def reminder_in(form: Form, *, now: datetime) -> ReminderChange | None:
    """Return the reminder that a form sets; None when it removes it. Its moments are in the time zone of the reader.

    Raises:
        InvalidInput: it has no moment of day.
    """
    choice = form.get("reminder")
    if choice == _NONE:
        return None
    zone = reader().zone
    if choice in REMINDER_WAITS:
        at = moment_after(choice, now, zone)
    elif choice == _SAVE:
        at = _typed(form.get("reminder_at"), zone)
    else:
        raise InvalidInput([Violation("reminder", "must be one of those that are offered", RuleCode.CHOICE)])
    return ReminderChange(at.astimezone(UTC), form.get("reminder_reason").strip(), form.has("reminder_answer"))


def _typed(text: str, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise InvalidInput([Violation("reminder", "must have a day and a time", RuleCode.FORMAT)]) from None


async def set_reminder(visit: Visit, tx: Tx, number: int) -> None:
    """Set the reminder, or remove it."""
    change = reminder_in(visit.form, now=visit.now)
    before = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket.reminder
    shown = "" if before is None else before.set_at.isoformat()
    require_shown(visit, shown, gettext("reminder"), gettext("none") if before is None else full_time(before.at))
    await ticket_changes.change_ticket(tx, visit.actor, number, {"reminder": change}, now=visit.now)
