"""House API v1: the inventory, exactly as it travels."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.inventory import domain as service
from clearline.inventory.import_usecases import IMPORT_MAX
from clearline.wires.house.wire import Id
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

InventoryId = Annotated[str, characters(1, service.ID_MAX)]
InventoryType = OneOf[str, service.INVENTORY_TYPES]
Label = Annotated[str, characters(1, service.LABEL_MAX)]


class InventoryIn(Struct, forbid_unknown_fields=True):
    """A service to add; its id is unique in the company."""

    id: InventoryId
    type: InventoryType
    label: Label


class InventoryPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). Tickets keep the type and label that they were raised with."""

    type: InventoryType | UnsetType = UNSET
    label: Label | UnsetType = UNSET


class InventoryOut(Struct, frozen=True):
    """A service that tickets can be about."""

    company_id: Id
    id: str
    type: str
    label: str


class InventoryImportIn(Struct, forbid_unknown_fields=True):
    """Services to add or update; other services stay. A dry run stores nothing."""

    services: Annotated[list[InventoryIn], Meta(max_length=IMPORT_MAX)]
    dry_run: bool = False


class InventoryImportOut(Struct, frozen=True):
    """What an import did, or in a dry run would do."""

    dry_run: bool
    created: int
    updated: int
    unchanged: int
