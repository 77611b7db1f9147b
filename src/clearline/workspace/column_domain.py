"""The columns of lists of tickets."""

import re
from collections.abc import Collection
from enum import StrEnum

from clearline.fields.domain import KEY


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
    TIER = "tier"
    STATUS = "status"
    SUB_STATUS = "sub_status"
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


OWN_FIELD = "field."
"""How the names of columns of own fields begin; they end with the key of the field."""
OWN_MAX = 20
"""The most columns of own fields in a list."""
_OWN = re.compile(re.escape(OWN_FIELD) + KEY.pattern)
Columns = tuple[str, ...]
"""Members of ``Column``, and after them own fields."""
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
    """Return the columns of these names, each once, in the order in which lists show them. Other names are ignored.

    Own fields come last, in the order of the names, and are not looked up: a list leaves out those that there are not.
    """
    own = [name for name in dict.fromkeys(names) if _OWN.fullmatch(name)]
    return (*(column.value for column in Column if column in names), *own[:OWN_MAX])
