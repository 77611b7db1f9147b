"""The entries of the catalogue."""

from typing import Any

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.domain import IssueEntry, ServiceEntry
from clearline.catalogue.published import IssueType, ServiceType
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """id, key, name, customer_name, customer_name_de, help, help_de, is_active, position, created_at,
              console_connect"""
_ISSUE_COLUMNS = f"{_COLUMNS}, severity, impact, priority, service_types"
_ORDER = "order by position, lower(name)"


def _issue_entry(row: Record) -> IssueEntry:
    values: dict[str, Any] = {
        **row,
        "console_connect": IssueType(row["console_connect"]),
        "severity": Severity(row["severity"]),
        "impact": Impact(row["impact"]),
        "priority": Priority(row["priority"]),
        "service_types": tuple(row["service_types"]),
    }
    return IssueEntry(**values)


def _service_entry(row: Record) -> ServiceEntry:
    return ServiceEntry(**{**row, "console_connect": ServiceType(row["console_connect"])})


async def issue_types(tx: Tx) -> list[IssueEntry]:
    """Return all types of issues in their order. They are few: all are read."""
    return list(map(_issue_entry, await tx.fetch(f"select {_ISSUE_COLUMNS} from issue_type {_ORDER}")))


async def service_types(tx: Tx) -> list[ServiceEntry]:
    """Return all types of services in their order. They are few: all are read."""
    return list(map(_service_entry, await tx.fetch(f"select {_COLUMNS} from service_type {_ORDER}")))
