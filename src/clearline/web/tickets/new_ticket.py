"""What the forms of new tickets of console and portal share: the service, what is refused, that each works once."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.published import ServiceType
from clearline.errors import Conflict, InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.identity import Company
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ID_MAX
from clearline.platform.database.transactions import Tx
from clearline.text import check_text
from clearline.web import once
from clearline.web.fields import id_in
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext

E = TypeVar("E", bound=StrEnum)
_FIELDS = {
    "asked.priority": "priority", "asked.severity": "severity", "site_access": "site_access_contact",
    "asked_severity": "severity", "asked_priority": "priority", "assignee_id": "assignee", "contact.email": "email",
    "contact.name": "name", "contact.phone": "phone", "queue_id": "queue", "service.id": "service",
    "service.type": "service",
}  # fmt: skip
"""The fields of the forms for the fields of the domain that are called otherwise."""


class ChosenService(Struct, frozen=True):
    """The service of a new ticket; one that is not in the inventory has no label."""

    id: str
    type: str
    label: str = ""


class Refusal(Struct, frozen=True):
    """Why a form was not accepted: problems by field, or one of the whole form, maybe with the ticket to open.

    ``is_stale`` when somebody else changed meanwhile what it is about.
    """

    fields: dict[str, str] = {}
    text: str = ""
    address: str = ""
    status: int = 422
    is_stale: bool = False


class Violations:
    """Every rule that the values of a form break."""

    def __init__(self) -> None:
        self.all: list[Violation] = []

    def choice(self, kind: type[E], form: Form, field: str, *, default: E | None = None) -> E | None:
        """Return the member that a field names; ``default`` for an empty one or, noting it, for any other text."""
        text = form.get(field)
        try:
            return kind(text) if text else default
        except ValueError:
            self.all.append(Violation(field, "must be one of " + ", ".join(kind), RuleCode.CHOICE))
            return default

    def required(self, form: Form, field: str) -> str:
        """Return the text of a field; note an empty one."""
        if not form.get(field):
            self.all.append(Violation(field, "is required", RuleCode.REQUIRED))
        return form.get(field)

    def id(self, form: Form, field: str) -> UUID | None:
        """Return the id in a field; None for an empty one or, noting it, for any other text."""
        try:
            return id_in(form, field)
        except InvalidInput as error:
            self.all += error.violations
            return None


def problems(error: InvalidInput, external_ids: str) -> dict[str, str]:
    """Return what is wrong, by the field of the form; ``external_ids`` is the field that has these."""
    by_field: dict[str, str] = {}
    for violation in error.violations:
        field = _FIELDS.get(violation.field, violation.field.replace("site_access.", "site_access_"))
        if field.startswith("external_ids"):
            field = external_ids
        people, _, rest = field.partition(".")
        if people in {"contacts", "cc"} and rest:
            by_field.setdefault(people, f"{int(rest.partition('.')[0]) + 1}: {rule_text(violation)}")
            continue
        by_field.setdefault(field, rule_text(violation))
    return by_field


async def chosen_service(
    visit: Visit, tx: Tx, company: Company, service_id: str, *, may_be_unlisted: bool
) -> ChosenService:
    """Return the service that was chosen.

    Raises:
        InvalidInput: none, or one that is not in the inventory and may not be ``unlisted``.
    """
    if not service_id:
        raise InvalidInput([Violation("service", "must be chosen", RuleCode.REQUIRED)])
    require_valid(check_text("service", service_id, most=ID_MAX))
    try:
        service = await inventory.get_service(tx, visit.actor, company.id, service_id)
    except NotFound:
        if may_be_unlisted:
            return ChosenService(service_id, ServiceType.NON_CONSOLE)
        rule = f"{service_id} is not in the inventory of {company.name}: choose another, or say that it is not listed"
        raise InvalidInput([Violation("service", rule, RuleCode.REFERENCE)]) from None
    return ChosenService(service.id, service.type, service.label)


async def create_once(
    visit: Visit, create: Callable[[Tx], Awaitable[str]], external_ids: str = "external_id"
) -> str | Refusal:
    """Create the ticket of a form, unless that was done before; return the page to open then, or why it was refused.

    ``external_ids`` is the field of the form that has these.
    """
    try:
        return await once.perform_once(visit, "createTicket", create)
    except InvalidInput as error:
        return Refusal(problems(error, external_ids))
    except once.SentBefore as before:
        text = gettext("This form created a ticket before. Open it; or send the form again, and there will be two.")
        return Refusal({}, text, before.address, 409)
    except Conflict as error:
        return Refusal({}, refusal_text(error), "", 409)


def key_of(typed: Form, refusal: Refusal) -> str:
    """Return the key of the form that is shown: that of the form before, unless this one may create another ticket."""
    key = typed.get(once.FIELD)
    return once.new_key() if refusal.address or not key or once.FIELD in refusal.fields else key
