"""House API v1: the inventory, exactly as it travels."""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.inventory import domain as service
from clearline.inventory.facts_domain import RATE_MAX, TEXT_MAX, VLAN_MAX, VLAN_PATTERN, ServiceState
from clearline.inventory.import_domain import IMPORT_MAX
from clearline.wires.house.accounts.wire import TierKey
from clearline.wires.house.wire import FieldValues, Id, ServiceTypeKey
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

InventoryId = Annotated[str, characters(1, service.ID_MAX)]
InventoryType = Annotated[ServiceTypeKey, Meta(description="The key of a service type, but not `Non-Console Service`.")]
Label = Annotated[str, characters(1, service.LABEL_MAX)]
State = OneOf[str, ServiceState]
Rate = Annotated[int, Meta(ge=1, le=RATE_MAX)]
Fact = Annotated[str, characters(1, TEXT_MAX)]
Vlan = Annotated[
    str,
    Meta(
        max_length=VLAN_MAX,
        pattern=f"^{VLAN_PATTERN}$",
        extra={"rule": "must be VLAN ids from 1 to 4094, such as 100, 100.200 or 10-19"},
    ),
]


class EndIn(Struct, forbid_unknown_fields=True):
    """An end of a service. In a merge-patch, members that are absent keep their value, and null clears it."""

    site: Fact | UnsetType | None = UNSET
    device: Fact | UnsetType | None = UNSET
    port: Fact | UnsetType | None = UNSET
    vlan: Vlan | UnsetType | None = UNSET


class EndOut(Struct, frozen=True):
    """An end of a service: where it is. What is not known is null."""

    site: str | None
    device: str | None
    port: str | None
    vlan: str | None


class InventoryIn(Struct, forbid_unknown_fields=True):
    """A service to add; its id is unique in the company. What is not known is absent or null.

    ``rate`` is in bit/s. ``customer_label`` is what the customer calls the circuit. ``carrier`` is whose access line it
    runs on, and ``carrier_circuit_id`` that line's id there. ``tier`` is the key of an active tier.
    """

    id: InventoryId
    type: InventoryType
    label: Label
    state: State | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    tier: TierKey | UnsetType | None = UNSET
    is_protected: bool | UnsetType | None = UNSET
    installed_on: date | UnsetType | None = UNSET
    customer_label: Fact | UnsetType | None = UNSET
    carrier: Fact | UnsetType | None = UNSET
    carrier_circuit_id: Fact | UnsetType | None = UNSET
    a_end: EndIn | UnsetType | None = UNSET
    z_end: EndIn | UnsetType | None = UNSET
    fields: FieldValues | UnsetType | None = UNSET


class InventoryPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). Tickets keep the type and label that they were raised with."""

    type: InventoryType | UnsetType = UNSET
    label: Label | UnsetType = UNSET
    state: State | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    tier: TierKey | UnsetType | None = UNSET
    is_protected: bool | UnsetType | None = UNSET
    installed_on: date | UnsetType | None = UNSET
    customer_label: Fact | UnsetType | None = UNSET
    carrier: Fact | UnsetType | None = UNSET
    carrier_circuit_id: Fact | UnsetType | None = UNSET
    a_end: EndIn | UnsetType | None = UNSET
    z_end: EndIn | UnsetType | None = UNSET
    fields: FieldValues | UnsetType | None = UNSET


class InventoryOut(Struct, frozen=True):
    """A service that tickets can be about.

    ``rate`` is in bit/s, and ``rate_text`` the same for people: ``10G``. ``carrier`` and ``carrier_circuit_id`` are
    present for the provider's people only. ``fields`` has the values of own fields, for a customer of those that it
    sees.
    """

    company_id: Id
    id: str
    type: str
    label: str
    state: ServiceState
    rate: int | None
    rate_text: str | None
    tier: str | None
    is_protected: bool | None
    installed_on: date | None
    customer_label: str | None
    a_end: EndOut | None
    z_end: EndOut | None
    fields: FieldValues
    carrier: str | UnsetType | None = UNSET
    carrier_circuit_id: str | UnsetType | None = UNSET


class InventoryImportIn(Struct, forbid_unknown_fields=True):
    """Services to add or update; other services and facts that are absent stay. A dry run stores nothing."""

    services: Annotated[list[InventoryIn], Meta(max_length=IMPORT_MAX)]
    dry_run: bool = False


class InventoryImportOut(Struct, frozen=True):
    """What an import did, or in a dry run would do."""

    dry_run: bool
    created: int
    updated: int
    unchanged: int
