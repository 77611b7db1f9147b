"""The entries of the catalogue."""

from typing import Any
from uuid import UUID

from msgspec.structs import asdict

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.domain import IssueEntry, ServiceEntry
from clearline.catalogue.published import IssueType, ServiceType
from clearline.platform.database.transactions import Record, Tx

_SHARED = (
    "id", "key", "name", "customer_name", "customer_name_de", "help", "help_de", "is_active", "position",
    "console_connect", "created_at",
)  # fmt: skip
_OF_ISSUES = (*_SHARED, "severity", "impact", "priority", "service_types", "closure_required", "counts_as_fault")
_ISSUE_TYPES = f"select {', '.join(_OF_ISSUES)} from issue_type order by position, lower(name)"
_SERVICE_TYPES = f"select {', '.join(_SHARED)} from service_type order by position, lower(name)"


def _issue_entry(row: Record) -> IssueEntry:
    values: dict[str, Any] = {
        **row,
        "console_connect": IssueType(row["console_connect"]),
        "severity": Severity(row["severity"]),
        "impact": Impact(row["impact"]),
        "priority": Priority(row["priority"]),
        "service_types": tuple(row["service_types"]),
        "closure_required": tuple(row["closure_required"]),
    }
    return IssueEntry(**values)


def _service_entry(row: Record) -> ServiceEntry:
    return ServiceEntry(**{**row, "console_connect": ServiceType(row["console_connect"])})


async def issue_types(tx: Tx) -> list[IssueEntry]:
    """Return all types of issues in their order. They are few: all are read."""
    return list(map(_issue_entry, await tx.fetch(_ISSUE_TYPES)))


async def service_types(tx: Tx) -> list[ServiceEntry]:
    """Return all types of services in their order. They are few: all are read."""
    return list(map(_service_entry, await tx.fetch(_SERVICE_TYPES)))


async def lock(tx: Tx) -> None:
    """Lock the catalogue against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('catalogue', 0))")


def _upsert(table: str, columns: tuple[str, ...]) -> str:
    bound = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in {"id", "key", "created_at"})
    return f"insert into {table} ({', '.join(columns)}) values ({bound}) on conflict (id) do update set {changed}"


_SAVE_ISSUE, _SAVE_SERVICE = _upsert("issue_type", _OF_ISSUES), _upsert("service_type", _SHARED)


async def save_issue_type(tx: Tx, entry: IssueEntry) -> None:
    """Store a type of issues, new or changed. Its key stays."""
    values = asdict(entry)
    await tx.write(_SAVE_ISSUE, *(values[name] for name in _OF_ISSUES))


async def save_service_type(tx: Tx, entry: ServiceEntry) -> None:
    """Store a type of services, new or changed. Its key stays."""
    values = asdict(entry)
    await tx.write(_SAVE_SERVICE, *(values[name] for name in _SHARED))


async def delete_issue_type(tx: Tx, entry_id: UUID) -> None:
    """Delete a type of issues that nothing has."""
    await tx.write("delete from issue_type where id = $1", entry_id)


async def delete_service_type(tx: Tx, entry_id: UUID) -> None:
    """Delete a type of services that nothing has."""
    await tx.write("delete from service_type where id = $1", entry_id)


async def users_of_issue_type(tx: Tx, key: str) -> list[str]:
    """Return what has a type of issues: ``tickets``, ``routing rules``, ``ticket templates``.

    No index serves it: this is for deletions, which are rare.
    """
    row = await tx.fetchrow(
        """select exists (select from ticket where issue_type = $1) as tickets,
                  exists (select from routing_rule where $1 = any(issue_types)) as "routing rules",
                  exists (select from ticket_template where issue_type = $1) as "ticket templates" """,
        key,
    )
    return _users(row)


async def users_of_service_type(tx: Tx, key: str) -> list[str]:
    """Return what has a type of services: ``tickets``, ``services``, ``routing rules`` and so on.

    No index serves it: this is for deletions, which are rare.
    """
    row = await tx.fetchrow(
        """select exists (select from ticket where service_type = $1) as tickets,
                  exists (select from service where type = $1) as services,
                  exists (select from routing_rule where $1 = any(service_types)) as "routing rules",
                  exists (select from issue_type where $1 = any(service_types)) as "issue types",
                  exists (select from ticket_template where service_type = $1) as "ticket templates" """,
        key,
    )
    return _users(row)


def _users(row: Record | None) -> list[str]:
    return [] if row is None else [name for name, has_it in row.items() if has_it]
