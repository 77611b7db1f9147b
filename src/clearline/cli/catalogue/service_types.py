"""Commands for service types."""

from typing import Any

import click

from clearline.catalogue.entry_usecases import SERVICE_TYPES
from clearline.catalogue.published import ServiceType
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
from clearline.wires.house.catalogue.mapping import service_type_out, service_values

_WORDS = "service type"
_WORD = click.Choice([word.value for word in ServiceType])


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the values that options set."""
    return service_values({name: value for name, value in options.items() if value is not None})


@click.group()
def service_type() -> None:
    """Manage the types of services that tickets are about.

    TYPE is the key of one, or its name.
    """


@service_type.command("list")
@json_option
def service_type_list(*, as_json: bool) -> None:
    """List the service types in their order."""
    list_entries(SERVICE_TYPES, service_type_out, f"{_WORDS}s", as_json=as_json)


@service_type.command("show")
@click.argument("key", metavar="TYPE")
@json_option
def service_type_show(key: str, *, as_json: bool) -> None:
    """Show a service type."""
    show_entry(SERVICE_TYPES, service_type_out, key, as_json=as_json)


@service_type.command("add")
@click.argument("name")
@click.option("--key", help="What tickets have; it stays. By default the name.")
@entry_options
@click.option("--console-connect", type=_WORD, help="What the Console Connect API shows for it.")
@json_option
def service_type_add(name: str, key: str | None, *, as_json: bool, **values: Any) -> None:
    """Add a service type."""
    given = _values({"name": name, **values})
    add_entry(SERVICE_TYPES, service_type_out, _WORDS, given, key=key, as_json=as_json)


@service_type.command("change")
@click.argument("key", metavar="TYPE")
@click.option("--name", help="New name.")
@entry_options
@click.option("--console-connect", type=_WORD, help="What the Console Connect API shows for it.")
@json_option
def service_type_change(key: str, *, as_json: bool, **values: Any) -> None:
    """Change a service type. Its key stays, and tickets keep their values."""
    change_entry(SERVICE_TYPES, service_type_out, _WORDS, key, _values(values), as_json=as_json)


@service_type.command("retire")
@click.argument("key", metavar="TYPE")
@json_option
def service_type_retire(key: str, *, as_json: bool) -> None:
    """Retire a service type: services and tickets keep it, and no other gets it.

    The Console Connect API goes on accepting its published words.
    """
    retire_entry(SERVICE_TYPES, service_type_out, _WORDS, key, active=False, as_json=as_json)


@service_type.command("activate")
@click.argument("key", metavar="TYPE")
@json_option
def service_type_activate(key: str, *, as_json: bool) -> None:
    """Activate a retired service type again."""
    retire_entry(SERVICE_TYPES, service_type_out, _WORDS, key, active=True, as_json=as_json)


@service_type.command("delete")
@click.argument("key", metavar="TYPE")
@yes_option
@json_option
def service_type_delete(key: str, *, yes: bool, as_json: bool) -> None:
    """Delete a service type that no ticket, service, routing rule or issue type has."""
    delete_entry(SERVICE_TYPES, _WORDS, key, yes=yes, as_json=as_json)
