"""House API v1: services as they travel."""

from clearline.inventory.domain import Service
from clearline.wires.house.inventory import wire


def service_out(service: Service) -> wire.InventoryOut:
    """Return a service."""
    return wire.InventoryOut(str(service.company_id), service.id, service.type, service.label)
