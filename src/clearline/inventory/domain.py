"""Services: what a ticket can be about."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.domain import Catalogue, check_inventory_type
from clearline.errors import Violation
from clearline.inventory.facts_domain import NO_END, TEXT_MAX, End, ServiceState, check_end, check_rate
from clearline.text import check_text

ID_MAX = 64
LABEL_MAX = 255


class Service(Struct, frozen=True):
    """A service of a company. ``id`` is unique within the company; ``label`` is for people.

    ``rate`` is in bit/s. ``customer_label`` is what the customer itself calls the circuit. ``carrier`` is whose access
    line it runs on, and ``carrier_circuit_id`` that line's id there: customers see neither. ``fields`` has the values
    of own fields by their keys. What is not known is None.
    """

    company_id: UUID
    id: str
    type: str
    label: str
    state: ServiceState = ServiceState.ACTIVE
    rate: int | None = None
    tier: str | None = None
    is_protected: bool | None = None
    installed_on: date | None = None
    customer_label: str | None = None
    carrier: str | None = None
    carrier_circuit_id: str | None = None
    a_end: End | None = None
    z_end: End | None = None
    fields: dict[str, Any] = {}


KEYS = ("company_id", "id")
FACTS = tuple(name for name in Service.__struct_fields__ if name not in {*KEYS, "type", "label", "fields"})
"""What is known of a service besides its type and label, and its own fields."""
ENDS = ("a_end", "z_end")
INTERNAL_FACTS = frozenset({"carrier", "carrier_circuit_id"})
"""The facts that only the provider's people see."""
_TEXTS = ("customer_label", "carrier", "carrier_circuit_id")


def with_values(service: Service, values: Mapping[str, Any]) -> Service:
    """Return a service with other values. An end may be given by some of its members; one without any is None."""
    given: dict[str, Any] = {name: _end(getattr(service, name), values[name]) for name in ENDS if name in values}
    if "state" in values:
        given["state"] = ServiceState(values["state"])
    return replace(service, **{**values, **given})


def _end(before: End | None, value: End | Mapping[str, str | None] | None) -> End | None:
    after = replace(before or NO_END, **value) if isinstance(value, Mapping) else value
    return None if after == NO_END else after


def check_service(service: Service, catalogue: Catalogue, *, keeps_type: bool = False) -> list[Violation]:
    """Return the rules that a service for the inventory breaks; its tier is checked where the tiers are known.

    A type that it ``keeps`` may be retired.
    """
    violations = [
        *check_text("id", service.id, most=ID_MAX), *check_text("label", service.label, most=LABEL_MAX),
    ]  # fmt: skip
    violations += check_inventory_type(catalogue, service.type, is_kept=keeps_type)
    for name in _TEXTS:
        if (text := getattr(service, name)) is not None:
            violations += check_text(name, text, most=TEXT_MAX)
    violations += check_rate(service.rate)
    return [*violations, *check_end("a_end", service.a_end), *check_end("z_end", service.z_end)]
