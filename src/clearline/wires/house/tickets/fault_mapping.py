"""House API v1: the facts of a fault, in and out."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from clearline.tickets.domain import Ticket
from clearline.tickets.faults.domain import FAULT_FIELDS, NO_FAULT, Fault, SiteAccess, change_fault
from clearline.wires.house.tickets.fault_wire import FaultIn, SiteAccessOut, SiteAccessPatch
from clearline.wires.house.wire import set_fields


def in_utc(at: datetime | None) -> datetime | None:
    """Return a time as it is stored."""
    return None if at is None else at.astimezone(UTC)


def new_fault(body: FaultIn) -> Fault:
    """Return the facts in the body of a new ticket."""
    values = {name: value for name in FAULT_FIELDS if (value := getattr(body, name)) is not None}
    if not values:
        return NO_FAULT
    if body.site_access is not None:
        access = body.site_access
        values["site_access"] = SiteAccess(access.contact, access.hours, access.hazards)
    return change_fault(NO_FAULT, values)


def fault_values(values: dict[str, Any], current: Ticket) -> dict[str, Any]:
    """Return the values of a merge patch with the facts of the fault as ``TicketValues`` has them."""
    facts = {name: values[name] for name in FAULT_FIELDS if name in values}
    others = {name: value for name, value in values.items() if name not in facts}
    if "occurred_at" in others:
        others["occurred_at"] = in_utc(others["occurred_at"])
    if isinstance(patch := facts.get("site_access"), SiteAccessPatch):
        facts["site_access"] = replace(current.fault.site_access or SiteAccess(), **set_fields(patch))
    return {**others, "fault": change_fault(current.fault, facts)} if facts else others


def fault_out(fault: Fault) -> dict[str, Any]:
    """Return the members of a ticket that have the facts of its fault; those that nobody gave are not among them."""
    if fault is NO_FAULT:
        return {}
    access = fault.site_access
    members = {name: getattr(fault, name) for name in FAULT_FIELDS}
    if access is not None:
        members["site_access"] = SiteAccessOut(access.contact, access.hours, access.hazards)
    return members
