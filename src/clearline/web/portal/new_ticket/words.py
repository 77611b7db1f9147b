"""The types of problems in the words of customers."""

from msgspec import Struct

from clearline.catalogue.published import IssueType
from clearline.tickets.domain import ASSESSMENT
from clearline.web import looks
from clearline.web.looks import Look


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


class Issue(Struct, frozen=True):
    """A type of problem: what it is called, what it looks like, and the priority that a ticket of it begins with."""

    label: str
    hint: str
    priority: Look


def _issue(kind: IssueType, label: str, hint: str) -> tuple[IssueType, Issue]:
    return kind, Issue(label, hint, looks.PRIORITIES[ASSESSMENT[kind].priority])


ISSUES: dict[IssueType, Issue] = dict(
    (
        _issue(IssueType.CIRCUIT_DOWN, _("Down"), _("No traffic passes")),
        _issue(IssueType.CIRCUIT_FLAPPING, _("Flapping"), _("The link goes down and up again")),
        _issue(IssueType.UNSTABLE, _("Unstable"), _("It works at times only")),
        _issue(IssueType.PACKET_LOSS, _("Packet loss"), _("Some packets do not arrive")),
        _issue(IssueType.CIRCUIT_TAKING_ERRORS, _("Errors"), _("CRC or input errors rise")),
        _issue(IssueType.HIGH_LATENCY, _("High latency"), _("Packets take longer than usual")),
        _issue(IssueType.SLOW_RESPONSE, _("Slow"), _("Less throughput than ordered")),
        _issue(IssueType.APPLICATION, _("One application"), _("The rest of the service works")),
        _issue(IssueType.OPERATIONAL_REQUEST, _("A change or a task"), _("Nothing is broken")),
        _issue(IssueType.REQUEST_REASON_OF_OUTAGE, _("Reason of an outage"), _("It is over, and you ask why")),
        _issue(IssueType.OTHERS, _("Something else"), _("Describe it below")),
    )
)
"""In the order of the form: what stops the most traffic first."""
