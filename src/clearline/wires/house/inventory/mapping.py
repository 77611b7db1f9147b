"""House API v1: services as they travel."""

from msgspec import UNSET
from msgspec.structs import astuple

from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import End, rate_text
from clearline.inventory.import_domain import ImportReport
from clearline.wires.house.inventory import wire


def service_out(service: Service, *, for_staff: bool = True) -> wire.InventoryOut:
    """Return a service, with what only the provider's people see of it if it is for them."""
    return wire.InventoryOut(
        str(service.company_id),
        service.id,
        service.type,
        service.label,
        service.state,
        service.rate,
        None if service.rate is None else rate_text(service.rate),
        service.tier,
        service.is_protected,
        service.installed_on,
        service.customer_label,
        _end_out(service.a_end),
        _end_out(service.z_end),
        service.fields,
        service.carrier if for_staff else UNSET,
        service.carrier_circuit_id if for_staff else UNSET,
    )


def _end_out(end: End | None) -> wire.EndOut | None:
    return None if end is None else wire.EndOut(*astuple(end))


def import_out(report: ImportReport, *, dry_run: bool) -> wire.InventoryImportOut:
    """Return what an import changed, or in a dry run would change."""
    return wire.InventoryImportOut(dry_run, report.created, report.updated, report.unchanged)
