"""House API v1: the provider's types of issues and services as they travel."""

from typing import Any

from msgspec.structs import asdict

from clearline.catalogue.domain import IssueEntry, ServiceEntry
from clearline.catalogue.published import IssueType, ServiceType
from clearline.wires.house.catalogue import wire


def issue_type_out(entry: IssueEntry) -> wire.IssueTypeOut:
    """Return an issue type."""
    lists = {"service_types": list(entry.service_types), "closure_required": list(entry.closure_required)}
    values = asdict(entry) | {"id": str(entry.id), **lists}
    return wire.IssueTypeOut(**values)


def service_type_out(entry: ServiceEntry) -> wire.ServiceTypeOut:
    """Return a service type."""
    return wire.ServiceTypeOut(**asdict(entry) | {"id": str(entry.id)})


def issue_values(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a body as values of an issue type."""
    values = dict(members)
    if "console_connect" in values:
        values["console_connect"] = IssueType(values["console_connect"])
    for name in ("service_types", "closure_required"):
        if name in values:
            values[name] = tuple(dict.fromkeys(values[name]))
    return values


def service_values(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a body as values of a service type."""
    values = dict(members)
    if "console_connect" in values:
        values["console_connect"] = ServiceType(values["console_connect"])
    return values
