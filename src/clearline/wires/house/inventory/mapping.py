"""House API v1: services as they travel."""

from clearline.inventory.domain import Service
from clearline.inventory.import_usecases import ImportReport
from clearline.wires.house.inventory import wire


def service_out(service: Service) -> wire.InventoryOut:
    """Return a service."""
    return wire.InventoryOut(str(service.company_id), service.id, service.type, service.label)


def import_out(report: ImportReport, *, dry_run: bool) -> wire.InventoryImportOut:
    """Return what an import changed, or in a dry run would change."""
    return wire.InventoryImportOut(dry_run, report.created, report.updated, report.unchanged)
