"""Ticket templates, and the rules for their values."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.errors import RuleCode, Violation
from clearline.identity import PROVIDER_ID
from clearline.inventory.domain import ID_MAX
from clearline.text import check_text
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX
from clearline.tickets.label_domain import check_tags

NAME_MAX = 255
TEMPLATES_MAX = 100
"""The most templates of a company, and of the provider."""
_STAFF_ONLY = {"queue_id": None, "tags": ()}
"""What only a template of the provider has, and what it is without."""


class TicketTemplate(Struct, frozen=True):
    """What a ticket begins with. That of the provider is for its people, one of a company for whoever raises for it.

    ``priority`` is the one that is asked for, ``fields`` are values of own fields. The service is in the inventory
    of the company; queue and tags are the provider's.
    """

    company_id: UUID
    id: UUID
    name: str
    title: str = ""
    description: str = ""
    issue_type: str | None = None
    priority: Priority | None = None
    service_id: str | None = None
    fields: Mapping[str, Any] = {}
    queue_id: UUID | None = None
    tags: tuple[str, ...] = ()


def check_template(template: TicketTemplate) -> list[Violation]:
    """Return the rules that a template breaks, without those about what it refers to."""
    violations = [
        *check_text("name", template.name, most=NAME_MAX),
        *check_text("title", template.title, least=0, most=TITLE_MAX),
        *check_text("description", template.description, least=0, most=DESCRIPTION_MAX),
        *check_tags(template.tags),
    ]
    if template.service_id is not None:
        violations += check_text("service_id", template.service_id, most=ID_MAX)
        if template.company_id == PROVIDER_ID:
            rule = "must be null in a template of the provider: services are a company's own"
            violations.append(Violation("service_id", rule, RuleCode.CHOICE))
    if template.company_id != PROVIDER_ID:
        for name, nothing in _STAFF_ONLY.items():
            if getattr(template, name) != nothing:
                rule = "is for templates of the provider's people only"
                violations.append(Violation(name, rule, RuleCode.CHOICE))
    return violations
