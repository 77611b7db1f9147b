"""Ticket templates, and the rules for their values."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from clearline.catalogue.assessment import Priority
from clearline.catalogue.domain import Catalogue, Entry
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

    ``priority`` is the one that is asked for, ``fields`` are values of own fields. With a ``service_type`` it is only
    for services of that type. The service is in the inventory of the company; queue and tags are the provider's.
    """

    company_id: UUID
    id: UUID
    name: str
    title: str = ""
    description: str = ""
    issue_type: str | None = None
    priority: Priority | None = None
    service_type: str | None = None
    service_id: str | None = None
    fields: Mapping[str, Any] = {}
    queue_id: UUID | None = None
    tags: tuple[str, ...] = ()


class ShownTemplate(TicketTemplate, frozen=True):
    """A template as an actor sees it. ``retired`` names those of its types that no new ticket can have any more."""

    retired: tuple[str, ...] = ()

    @property
    def is_offered(self) -> bool:
        """Whether a ticket can begin with it: there is none about a service of a retired type."""
        return "service_type" not in self.retired


def shown_template(template: TicketTemplate, catalogue: Catalogue, known: Collection[str]) -> ShownTemplate:
    """Return a template as somebody sees it who sees these own fields."""
    types: tuple[tuple[str, str | None, Mapping[str, Entry]], ...] = (
        ("issue_type", template.issue_type, catalogue.issue_types),
        ("service_type", template.service_type, catalogue.service_types),
    )
    retired = tuple(name for name, key, entries in types if key is not None and not _is_active(entries, key))
    fields = {key: value for key, value in template.fields.items() if key in known}
    return ShownTemplate(**{**asdict(template), "fields": fields, "retired": retired})


def _is_active(entries: Mapping[str, Entry], key: str) -> bool:
    return key in entries and entries[key].is_active


def check_types(catalogue: Catalogue, before: TicketTemplate, after: TicketTemplate) -> list[Violation]:
    """Return why a template cannot get its types. One that it keeps may be retired meanwhile."""
    issue, service = after.issue_type, after.service_type
    violations = []
    if issue not in {None, before.issue_type} and not _is_active(catalogue.issue_types, issue or ""):
        rule = "must be the key of an active issue type, or null"
        violations.append(Violation("issue_type", rule, RuleCode.REFERENCE))
    if service not in {None, before.service_type} and not _is_active(catalogue.service_types, service or ""):
        rule = "must be the key of an active service type, or null"
        violations.append(Violation("service_type", rule, RuleCode.REFERENCE))
    is_kept = (issue, service) == (before.issue_type, before.service_type)
    if violations or is_kept or issue is None or service is None or issue not in catalogue.issue_types:
        return violations
    if catalogue.issue_types[issue].applies_to(service):
        return []
    return [Violation("issue_type", f"does not apply to services of the type {service}", RuleCode.CHOICE)]


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
