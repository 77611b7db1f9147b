"""Services: what a ticket can be about."""

from uuid import UUID

from msgspec import Struct

from clearline.catalogue.published import ServiceType
from clearline.errors import RuleCode, Violation
from clearline.text import check_text

ID_MAX = 64
LABEL_MAX = 255


INVENTORY_TYPES = tuple(kind for kind in ServiceType if kind is not ServiceType.NON_CONSOLE)
"""The types of services in an inventory. A Non-Console Service is never in one: any id is valid."""


class Service(Struct, frozen=True):
    """A service of a company. ``id`` is unique within the company; ``label`` is for people."""

    company_id: UUID
    id: str
    type: ServiceType
    label: str


def check_service(service_id: str, kind: str, label: str) -> list[Violation]:
    """Return the rules that a service for the inventory breaks."""
    violations = [*check_text("id", service_id, most=ID_MAX), *check_text("label", label, most=LABEL_MAX)]
    if kind not in INVENTORY_TYPES:
        violations.append(Violation("type", "must be one of " + ", ".join(INVENTORY_TYPES), RuleCode.CHOICE))
    return violations
