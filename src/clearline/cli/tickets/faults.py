"""The facts of a fault as options of commands, and as text."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from clearline.catalogue.assessment import Impact
from clearline.cli.output import print_table
from clearline.cli.parameters.times import TIME
from clearline.tickets.domain import Ticket
from clearline.tickets.faults.domain import (
    FAULT_FIELDS,
    DetectedBy,
    Fault,
    PathState,
    ServiceEnd,
    SiteAccess,
    TestingConsent,
    change_fault,
)

Command = TypeVar("Command", bound=Callable[..., object])
_KINDS: dict[str, type[StrEnum]] = {
    "detected_by": DetectedBy,
    "observed_impact": Impact,
    "service_end": ServiceEnd,
    "path_state": PathState,
    "testing_consent": TestingConsent,
}
_ACCESS = {f"access_{name}": name for name in SiteAccess.__struct_fields__}


def _one_of(name: str, help_text: str) -> Callable[[Command], Command]:
    choice = click.Choice([member.value for member in _KINDS[name]])
    return click.option("--" + name.replace("_", "-"), type=choice, help=help_text)


def fault_options(command: Command) -> Command:
    """Add the options of the facts of a fault to a command."""
    options = (
        click.option("--occurred-at", type=TIME, metavar="TIME", help="When the fault began (UTC)."),
        _one_of("detected_by", "Who noticed the fault first."),
        click.option("--intermittent", metavar="TEXT", help="Pattern of a fault that comes and goes."),
        _one_of("observed_impact", "What the customer observes."),
        _one_of("service_end", "End of the service at which the fault shows."),
        _one_of("path_state", "State of the working and the protection path."),
        _one_of("testing_consent", "Whether tests may interrupt the service."),
        click.option("--testing-hours", metavar="TEXT", help="Hours within which they may; with within_hours."),
        click.option(
            "--dispatch/--no-dispatch", "dispatch_allowed", default=None, help="Whether to send a technician."
        ),
        click.option("--access-contact", metavar="TEXT", help="Whom to call for access to the site."),
        click.option("--access-hours", metavar="TEXT", help="When the site can be entered."),
        click.option("--access-hazards", metavar="TEXT", help="What is dangerous at the site."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def changed_fault(fault: Fault, options: Mapping[str, Any], cleared: Collection[str] = ()) -> Fault:
    """Return the facts of a fault with what the options of a command give, and without those that it removes."""
    values = {name: options[name] for name in FAULT_FIELDS if name in options and options[name] is not None}
    values |= {name: kind(values[name]) for name, kind in _KINDS.items() if name in values}
    values |= {name: None for name in cleared if name in FAULT_FIELDS}
    access = {inner: options[name] for name, inner in _ACCESS.items() if options[name] is not None}
    if access:
        values["site_access"] = replace(fault.site_access or SiteAccess(), **access)
    return change_fault(fault, values) if values else fault


def print_fault(ticket: Ticket) -> None:
    """Print the facts of the fault that are known, one a line."""
    fault = ticket.fault
    facts: dict[str, object] = {"occurred_at": ticket.occurred_at}
    facts |= {name: getattr(fault, name) for name in FAULT_FIELDS if name != "site_access"}
    if fault.site_access is not None:
        facts |= {f"access_{name}": getattr(fault.site_access, name) for name in SiteAccess.__struct_fields__}
    if fault.dispatch_allowed is not None:
        facts["dispatch_allowed"] = "yes" if fault.dispatch_allowed else "no"
    if ticket.is_chronic:
        facts["chronic"] = "yes"
    rows = [(name.replace("_", " "), value) for name, value in facts.items() if value is not None]
    if rows:
        print_table(("FAULT", ""), rows)
