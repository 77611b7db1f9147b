"""What the built-in fields of forms are called, their hints, and the words of their values."""

from clearline.catalogue.assessment import Priority, Severity
from clearline.tickets.faults.words import LABELS as FAULT_LABELS
from clearline.tickets.faults.words import WORDS as FAULT_WORDS


def _(text: str) -> str:
    """Mark a text for translation; who shows it translates it."""
    return text


LABELS: dict[str, str] = {
    "title": _("Summary"),
    "description": _("Description"),
    **FAULT_LABELS,
    "asked.severity": _("Severity for you"),
    "asked.priority": _("How urgent is it for you?"),
    "contacts": _("Other contacts"),
    "cc": _("Copies by mail (CC)"),
}
"""What the fields are called, by their names."""
HINTS: dict[str, str] = {
    "title": _("What does not work, and where, in one line"),
    "occurred_at": _("When the fault began. It need not be exact."),
    "intermittent": _("Of a fault that comes and goes, such as: every night from 02:00 to 02:20"),
    "testing_consent": _("Tests that interrupt the service"),
    "testing_hours": _("Within which hours, such as: 22:00 to 04:00"),
    "dispatch_allowed": _("May we send a technician?"),
    "site_access": _("How a technician gets in: whom to call, when, and what is dangerous there"),
    "contacts": _("Who else knows about it, lets engineers in, or is called at night"),
    "cc": _("They get the mail about the ticket"),
}
WORDS: dict[str, dict[str, str]] = {
    **{name: words for name, words in FAULT_WORDS.items() if name != "dispatch_allowed"},
    "asked.severity": {
        Severity.MINOR: _("Minor"),
        Severity.MODERATE: _("Moderate"),
        Severity.SIGNIFICANT: _("Significant"),
        Severity.EXTENSIVE: _("Extensive"),
    },
    "asked.priority": {
        Priority.LOW: _("Low"),
        Priority.MEDIUM: _("Medium"),
        Priority.HIGH: _("High"),
        Priority.CRITICAL: _("Critical"),
    },
}
"""The words of the values of those fields that have a list of text values."""
