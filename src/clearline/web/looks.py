"""How tickets are shown: the word, icon and colour of each status, priority and channel, and the columns of lists."""

from msgspec import Struct

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.inventory.facts_domain import ServiceState
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links.domain import LinkType
from clearline.workspace.column_domain import Column, Columns


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
CUSTOMER_STATUSES: dict[str, Look] = {
    **STATUSES,
    Status.ACKNOWLEDGED: Look(_("Received"), "circle-dashed", "blue"),
    Status.IN_PROGRESS: Look(_("Being fixed"), "circle-dot", "accent"),
    Status.PENDING: Look(_("Waiting for you"), "clock", "violet"),
    Status.CANCELLATION_REQUESTED: Look(_("Cancellation asked for"), "message-square-x", "violet"),
    Status.REJECTED: Look(_("Not accepted"), "ban", "quiet"),
}
"""The same for customers, in their words."""
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
SERVICE_STATES: dict[str, str] = {
    ServiceState.ORDERED: _("Ordered"),
    ServiceState.ACTIVE: _("Active"),
    ServiceState.SUSPENDED: _("Suspended"),
    ServiceState.CEASED: _("Ceased"),
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


class ColumnLook(Struct, frozen=True):
    """The heading of a column, the class of its cells and their width in pixels.

    Without a heading on the page it is for screen readers. Tags have no cell of their own: they stand beside the title.
    """

    label: str
    classes: str = "extra"
    width: int = 120
    has_heading: bool = True


COLUMN_LOOKS: dict[str, ColumnLook] = {
    Column.PRIORITY: ColumnLook(_("Priority"), "priority", 20, has_heading=False),
    Column.NUMBER: ColumnLook(_("Ticket"), "number", 122),
    Column.TAGS: ColumnLook(_("Tags"), "", 0),
    Column.COMPANY: ColumnLook(_("Company"), "company", 148),
    Column.CONTACT: ColumnLook(_("Contact"), width=140),
    Column.SERVICE: ColumnLook(_("Service"), "service", 116),
    Column.SERVICE_LABEL: ColumnLook(_("Service name"), width=160),
    Column.ISSUE_TYPE: ColumnLook(_("Type"), width=150),
    Column.TIER: ColumnLook(_("Tier"), width=88),
    Column.STATUS: ColumnLook(_("Status"), "state", 160),
    Column.SUB_STATUS: ColumnLook(_("Sub-status"), width=128),
    Column.SEVERITY: ColumnLook(_("Severity"), width=80),
    Column.IMPACT: ColumnLook(_("Impact"), width=88),
    Column.QUEUE: ColumnLook(_("Queue"), width=112),
    Column.ASSIGNEE: ColumnLook(_("Assignee"), "assignee", 26, has_heading=False),
    Column.CHANNEL: ColumnLook(_("Channel"), width=104),
    Column.EXTERNAL_IDS: ColumnLook(_("External ids"), width=150),
    Column.OCCURRED_AT: ColumnLook(_("Began"), "updated", 56),
    Column.CREATED_AT: ColumnLook(_("Created"), "updated", 56),
    Column.STATUS_CHANGED_AT: ColumnLook(_("In status"), "updated", 56),
    Column.UPDATED_AT: ColumnLook(_("Updated"), "updated", 56),
    Column.REMINDER: ColumnLook(_("Reminder"), width=104),
}
LEADING = (Column.PRIORITY, Column.NUMBER)
"""The columns that stand before the title."""
_TICK, _TITLE = "24px", "minmax(240px, 1fr)"


OWN_WIDTH = 128
"""The width of the column of an own field."""


def tracks(columns: Columns) -> str:
    """Return the widths of the cells of a row: the box, the title and the columns."""
    before = [f"{COLUMN_LOOKS[column].width}px" for column in columns if column in LEADING]
    widths = {column: look.width for column, look in COLUMN_LOOKS.items()}
    after = [f"{width}px" for column in columns if column not in LEADING and (width := widths.get(column, OWN_WIDTH))]
    return " ".join([_TICK, *before, _TITLE, *after])
