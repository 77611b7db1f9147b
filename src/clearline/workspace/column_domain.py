"""The columns of lists of tickets."""

from collections.abc import Collection
from enum import StrEnum


class Column(StrEnum):
    """A column of a list, by the name that its value has in a ticket of the house API. The title is always shown."""

    PRIORITY = "priority"
    NUMBER = "number"
    TAGS = "tags"
    COMPANY = "company"
    CONTACT = "contact"
    SERVICE = "service"
    SERVICE_LABEL = "service_label"
    ISSUE_TYPE = "issue_type"
    STATUS = "status"
    SEVERITY = "severity"
    IMPACT = "impact"
    QUEUE = "queue"
    ASSIGNEE = "assignee"
    CHANNEL = "channel"
    EXTERNAL_IDS = "external_ids"
    OCCURRED_AT = "occurred_at"
    CREATED_AT = "created_at"
    STATUS_CHANGED_AT = "status_changed_at"
    UPDATED_AT = "updated_at"
    REMINDER = "reminder"


Columns = tuple[Column, ...]
DEFAULT_COLUMNS: Columns = (
    Column.PRIORITY,
    Column.NUMBER,
    Column.TAGS,
    Column.COMPANY,
    Column.SERVICE,
    Column.STATUS,
    Column.ASSIGNEE,
    Column.UPDATED_AT,
)
"""The columns of a list for which nobody chose any."""


def in_order(names: Collection[str]) -> Columns:
    """Return the columns of these names, each once, in the order in which lists show them. Other names are ignored."""
    return tuple(column for column in Column if column in names)
