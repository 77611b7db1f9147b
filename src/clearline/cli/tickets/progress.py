"""The options of what goes with a status: the sub-status, why a ticket waits, what was found and done."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from clearline.tickets.domain import Closure, Ticket, Waiting
from clearline.tickets.progress.facts import StatusFacts
from clearline.tickets.third_parties.domain import CaseRef

Command = TypeVar("Command", bound=Callable[..., object])
_CLOSURE = ("cause", "action", "responsibility", "fault_found", "root_cause", "resolution")
_NAMES = ("sub_status", "waiting_for", "waiting_text", *_CLOSURE)


def progress_options(command: Command) -> Command:
    """Add the options of what goes with a status to a command."""
    for option in (
        click.option("--resolution", help="How it was resolved, for the customer."),
        click.option("--root-cause", help="Root cause, for the provider's people."),
        click.option("--fault-found/--no-fault-found", default=None, help="Whether a fault was found."),
        click.option("--responsibility", metavar="KEY", help="Who is responsible: a term of the list."),
        click.option("--action", metavar="KEY", help="What was done: a term of the list."),
        click.option("--cause", metavar="KEY", help="What was found: a term of the list."),
        click.option("--waiting-text", help="Why it waits, in words, for the provider's people."),
        click.option("--waiting-for", metavar="KEY", help="Why it waits: a term of the list."),
        click.option("--set-sub-status", "sub_status", metavar="KEY", help="Sub-status: a term of the list."),
    ):
        command = option(command)
    return command


waiting_case_option = click.option(
    "--waiting-case", metavar="CASE", help="The case that it waits for: its number, or the beginning of its id."
)


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options of what goes with a status out of those of a command, and return those that are given."""
    return {name: value for name in _NAMES if (value := options.pop(name)) is not None}


def facts_of(given: dict[str, Any], case_id: UUID | None = None) -> StatusFacts:
    """Return what options give with a status; ``case_id`` is the case that the ticket waits for.

    Raises:
        click.UsageError: there is a text why it waits, or a case, and no reason.
    """
    if "waiting_for" not in given and ("waiting_text" in given or case_id is not None):
        raise click.UsageError(f"--waiting-{'case' if case_id else 'text'} needs --waiting-for.")
    case = None if case_id is None else CaseRef(case_id, "")
    waiting = (
        Waiting(given["waiting_for"], given.get("waiting_text", ""), case=case) if "waiting_for" in given else None
    )
    closure = {name: given[name] for name in _CLOSURE if name in given}
    return StatusFacts(given.get("sub_status"), waiting, Closure(**closure) if closure else None)


def values_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return what options change of a ticket, as ``change_facts`` reads it; an empty text removes a value."""
    values: dict[str, Any] = {}
    if "sub_status" in given:
        values["sub_status"] = given["sub_status"] or None
    waiting = {"waiting_for": "reason", "waiting_text": "text"}
    if any(name in given for name in waiting):
        values["waiting"] = {member: given[name] for name, member in waiting.items() if name in given}
    closure = {name: given[name] for name in _CLOSURE if name in given}
    for name in ("cause", "action", "responsibility"):
        if closure.get(name) == "":
            closure[name] = None
    if closure:
        values["closure"] = closure
    return values


def progress_lines(ticket: Ticket) -> list[str]:
    """Return what goes with the status of a ticket, a line for each value that it has."""
    waiting, closure = ticket.waiting, ticket.closure or Closure()
    found = None if closure.fault_found is None else "yes" if closure.fault_found else "no"
    values = [
        ("Sub-status", ticket.sub_status),
        ("Waits for", waiting and ": ".join(filter(None, (waiting.reason, waiting.text)))),
        ("Waits for the case", waiting and waiting.case and waiting.case.name),
        ("Cause", closure.cause),
        ("Action", closure.action),
        ("Responsibility", closure.responsibility),
        ("Fault found", found),
        ("Root cause", closure.root_cause),
        ("Resolution", closure.resolution),
    ]
    return [f"{label}: {value}" for label, value in values if value]
