"""Ticket templates in the forms of new tickets of console and portal: which there are, and what one fills in."""

from collections.abc import Sequence

from clearline.catalogue.published import ServiceType
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.web.fields import known_id
from clearline.web.tickets.new_ticket import ChosenService
from clearline.web.tickets.own_fields import typed_pairs
from clearline.web.tickets.type_names import service_name
from clearline.web.visit import Form, Visit
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import ShownTemplate

FIELD = "template"
"""The parameter of the address that names the template to begin with."""
FOR_TYPE = "for_type"
"""The field of a form that carries the type of services that the template is for, until the service is chosen."""
_SHOWN = 100


async def offered(visit: Visit, tx: Tx, company_id: str | None = None) -> list[ShownTemplate]:
    """Return the templates of the person, and in the console those of a company that was chosen."""
    known = await templates.list_templates(tx, visit.actor, limit=_SHOWN)
    if company_id is not None and visit.actor.is_staff:
        known += await templates.list_templates(tx, visit.actor, company=company_id, limit=_SHOWN)
    return [template for template in known if template.is_offered]


def type_of_services(visit: Visit, form: Form) -> str | None:
    """Return the type of services that the template of a form is for; None for any."""
    key = form.get(FOR_TYPE)
    return key if key in visit.catalogue.service_types else None


def only_listed(kind: str | None) -> bool:
    """Return whether a ticket about a service of a type is about one in the inventory: others have one type alone."""
    return kind not in {None, ServiceType.NON_CONSOLE}


def require_type(visit: Visit, form: Form, service: ChosenService) -> ChosenService:
    """Return the service that was chosen.

    Raises:
        InvalidInput: the template is for services of another type.
    """
    kind = type_of_services(visit, form)
    if kind not in {None, service.type}:
        rule = f"must be one of the type {service_name(kind or '')}: the template is for these"
        raise InvalidInput([Violation("service", rule, RuleCode.CHOICE)])
    return service


async def begun(visit: Visit, form: Form) -> Form | None:
    """Return the form of an address that names a template, filled in with it; None if it names none.

    What the address gives itself takes precedence.

    Raises:
        NotFound: there is no such template for this person.
    """
    if not form.has(FIELD):
        return None
    async with visit.database.transaction() as tx:
        template = await templates.get_template(tx, visit.actor, known_id(templates.KIND, form.get(FIELD)))
        known = await definitions(tx)
    values: dict[str, str | None] = {
        "title": template.title, "description": template.description, "issue_type": template.issue_type,
        "priority": template.priority, FOR_TYPE: template.service_type, "service": template.service_id,
        "tags": " ".join(template.tags),
        "queue": None if template.queue_id is None else str(template.queue_id),
        "company": None if template.company_id == PROVIDER_ID else str(template.company_id),
    }  # fmt: skip
    if not visit.actor.is_staff:
        values = {name: value for name, value in values.items() if name not in {"tags", "queue", "company"}}
    pairs: Sequence[tuple[str, str]] = [
        *((name, value) for name, value in values.items() if value and not form.has(name)),
        *typed_pairs(known, RecordKind.TICKET, template.fields, for_staff=visit.actor.is_staff),
    ]
    return Form([*(pair for pair in form.pairs if pair[0] != FIELD), *pairs])
