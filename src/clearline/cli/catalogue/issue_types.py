"""Commands for issue types."""

from collections.abc import Callable
from typing import Any

import click

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.domain import CLOSURE_FACTS
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.catalogue.published import IssueType
from clearline.cli.catalogue.entries import (
    add_entry,
    change_entry,
    delete_entry,
    entry_options,
    list_entries,
    retire_entry,
    show_entry,
)
from clearline.cli.output import json_option
from clearline.cli.terminal.questions import yes_option
from clearline.wires.house.catalogue.mapping import issue_type_out, issue_values

_WORDS = "issue type"
_WORD = click.Choice([word.value for word in IssueType])


def _assessment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of what a ticket begins with, and of the services that the type applies to."""
    for option in (
        click.option(
            "--service-type", "service_types", multiple=True, metavar="TYPE",
            help="Only for services of this type: its key; repeat for several. `all` for all.",
        ),
        click.option(
            "--requires", "closure_required", multiple=True, type=click.Choice([*CLOSURE_FACTS, "none"]),
            help="Fact of the closure without which a ticket is not resolved; repeat for several. `none` for none.",
        ),
        click.option(
            "--fault/--no-fault", "counts_as_fault", default=None,
            help="Whether tickets of it make a service chronic; requests do not.",
        ),
        click.option("--priority", type=click.Choice([*map(str, Priority)]), help="Priority of a new ticket."),
        click.option("--impact", type=click.Choice([*map(str, Impact)]), help="Impact of a new ticket."),
        click.option("--severity", type=click.Choice([*map(str, Severity)]), help="Severity of a new ticket."),
    ):  # fmt: skip
        command = option(command)
    return command


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values that options set."""
    values = {name: value for name, value in options.items() if value is not None}
    named = values.pop("service_types")
    if named:
        values["service_types"] = () if named == ("all",) else named
    required = values.pop("closure_required")
    if required:
        values["closure_required"] = () if required == ("none",) else required
    for name, kind in (("severity", Severity), ("impact", Impact), ("priority", Priority)):
        if name in values:
            values[name] = kind(values[name])
    return issue_values(values)


@click.group()
def issue_type() -> None:
    """Manage the types of issues that tickets are about.

    TYPE is the key of one, or its name.
    """


@issue_type.command("list")
@json_option
def issue_type_list(*, as_json: bool) -> None:
    """List the issue types in their order."""
    list_entries(ISSUE_TYPES, issue_type_out, f"{_WORDS}s", as_json=as_json)


@issue_type.command("show")
@click.argument("key", metavar="TYPE")
@json_option
def issue_type_show(key: str, *, as_json: bool) -> None:
    """Show an issue type."""
    show_entry(ISSUE_TYPES, issue_type_out, key, as_json=as_json)


@issue_type.command("add")
@click.argument("name")
@click.option("--key", help="What tickets have; it stays. By default the name.")
@_assessment_options
@entry_options
@click.option("--console-connect", type=_WORD, help="What the Console Connect API shows for it.")
@json_option
def issue_type_add(name: str, key: str | None, *, as_json: bool, **values: Any) -> None:
    """Add an issue type."""
    given = _values({"name": name, **values})
    add_entry(ISSUE_TYPES, issue_type_out, _WORDS, given, key=key, as_json=as_json)


@issue_type.command("change")
@click.argument("key", metavar="TYPE")
@click.option("--name", help="New name.")
@_assessment_options
@entry_options
@click.option("--console-connect", type=_WORD, help="What the Console Connect API shows for it.")
@json_option
def issue_type_change(key: str, *, as_json: bool, **values: Any) -> None:
    """Change an issue type. Its key stays, and tickets keep their values."""
    change_entry(ISSUE_TYPES, issue_type_out, _WORDS, key, _values(values), as_json=as_json)


@issue_type.command("retire")
@click.argument("key", metavar="TYPE")
@json_option
def issue_type_retire(key: str, *, as_json: bool) -> None:
    """Retire an issue type: tickets keep it, and no other gets it.

    The Console Connect API goes on accepting its published words.
    """
    retire_entry(ISSUE_TYPES, issue_type_out, _WORDS, key, active=False, as_json=as_json)


@issue_type.command("activate")
@click.argument("key", metavar="TYPE")
@json_option
def issue_type_activate(key: str, *, as_json: bool) -> None:
    """Activate a retired issue type again."""
    retire_entry(ISSUE_TYPES, issue_type_out, _WORDS, key, active=True, as_json=as_json)


@issue_type.command("delete")
@click.argument("key", metavar="TYPE")
@yes_option
@json_option
def issue_type_delete(key: str, *, yes: bool, as_json: bool) -> None:
    """Delete an issue type that no ticket and no routing rule has."""
    delete_entry(ISSUE_TYPES, _WORDS, key, yes=yes, as_json=as_json)
