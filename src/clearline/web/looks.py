"""How tickets are shown: the word, icon and colour of each status, priority and channel."""

from msgspec import Struct

from clearline.tickets.domain import Channel, Impact, Priority, Severity, Status
from clearline.tickets.links.domain import LinkType


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


class Look(Struct, frozen=True):
    """A word with its icon, and the class of its colour."""

    label: str
    icon: str
    colour: str


STATUSES: dict[str, Look] = {
    Status.ACKNOWLEDGED: Look(_("New"), "circle-dashed", "blue"),
    Status.IN_PROGRESS: Look(_("In progress"), "circle-dot", "accent"),
    Status.PENDING: Look(_("Waiting on customer"), "clock", "violet"),
    Status.HELD: Look(_("On hold"), "circle-pause", "violet"),
    Status.RESOLVED: Look(_("Resolved"), "circle-check", "green"),
    Status.REOPENED: Look(_("Reopened"), "rotate-ccw", "blue"),
    Status.CANCELLATION_REQUESTED: Look(_("Cancellation asked"), "message-square-x", "violet"),
    Status.CANCELLED: Look(_("Cancelled"), "ban", "quiet"),
    Status.CLOSED: Look(_("Closed"), "circle-x", "quiet"),
    Status.REJECTED: Look(_("Rejected"), "ban", "quiet"),
}
PRIORITIES: dict[str, Look] = {
    Priority.CRITICAL: Look(_("Critical"), "critical", "red"),
    Priority.HIGH: Look(_("High"), "high", "orange"),
    Priority.MEDIUM: Look(_("Medium"), "medium", "ink2"),
    Priority.LOW: Look(_("Low"), "low", "quiet"),
}
SEVERITIES: dict[str, str] = {
    Severity.EXTENSIVE: _("Extensive"),
    Severity.SIGNIFICANT: _("Significant"),
    Severity.MODERATE: _("Moderate"),
    Severity.MINOR: _("Minor"),
}
IMPACTS: dict[str, str] = {
    Impact.DOWN: _("Down"),
    Impact.INTERMITTENT: _("Intermittent"),
    Impact.DEGRADED: _("Degraded"),
}
CHANNELS: dict[str, str] = {
    Channel.API: _("via API"),
    Channel.PHONE: _("by phone"),
    Channel.EMAIL: _("by e-mail"),
    Channel.PORTAL: _("via portal"),
    Channel.CONSOLE: _("in the console"),
    Channel.SYSTEM: _("automatic"),
}
LINKS: dict[str, str] = {
    LinkType.RELATED: _("Related to"),
    LinkType.DUPLICATES: _("Duplicates"),
    LinkType.DUPLICATED_BY: _("Duplicated by"),
    LinkType.CAUSES: _("Causes"),
    LinkType.CAUSED_BY: _("Caused by"),
    LinkType.PARENT_OF: _("Parent of"),
    LinkType.CHILD_OF: _("Child of"),
    LinkType.SPLIT_INTO: _("Split into"),
    LinkType.SPLIT_FROM: _("Split from"),
    LinkType.FOLLOWED_UP_BY: _("Followed up by"),
    LinkType.FOLLOW_UP_OF: _("Follow-up of"),
}
