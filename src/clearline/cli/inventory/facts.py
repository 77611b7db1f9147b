"""Options for the facts of a service."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from clearline.inventory.facts_domain import ServiceState
from clearline.inventory.import_domain import cell_values

_END = {
    "site": "Site of the {} end.",
    "device": "Device of the {} end.",
    "port": "Port of the {} end.",
    "vlan": "VLAN ids of the {} end, such as 100, 100.200 or 10-19.",
}
_OPTIONS: dict[str, tuple[str, Any]] = {
    "state": ("State of the service.", click.Choice([state.value for state in ServiceState])),
    "rate": ("Rate in bit/s, or with a unit: 10G, 2.5M, 64k.", str),
    "tier": ("Key of a tier.", str),
    "is_protected": ("Whether it has a protected path.", click.Choice(["yes", "no", ""])),
    "installed_on": ("Day of its installation, such as 2026-03-01.", str),
    "customer_label": ("What the customer calls the circuit.", str),
    "carrier": ("Whose access line it runs on; customers do not see it.", str),
    "carrier_circuit_id": ("Id of the access line at the carrier; customers do not see it.", str),
} | {f"{side}_{part}": (text.format(side.upper()), str) for side in "az" for part, text in _END.items()}
"""The options by the columns of an import, which read their values."""


def fact_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each fact, and call it with what was given as ``facts``; None is not given."""

    @wraps(command)
    def with_facts(**values: Any) -> None:
        command(facts={name: values.pop(name) for name in _OPTIONS}, **values)

    wrapped: Callable[..., None] = with_facts
    for name, (text, kind) in reversed(_OPTIONS.items()):
        wrapped = click.option("--" + name.replace("_", "-"), name, type=kind, help=text)(wrapped)
    return wrapped


def given_facts(facts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the values of the options that were given; an empty one clears what it sets."""
    return cell_values({name: text.strip() for name, text in facts.items() if text is not None})
