"""What was typed into the form of a new ticket, as the values of one."""

from itertools import zip_longest
from typing import Any

from clearline.catalogue.assessment import Impact, Priority, Severity, Stated
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.identity import User
from clearline.tickets.contact import Contact
from clearline.tickets.domain import TICKET_CHANNELS, Channel, NewTicket
from clearline.tickets.domain import check_new_ticket as check_values
from clearline.tickets.label_domain import check_external_ids, check_tags
from clearline.web.fields import tags_in
from clearline.web.tickets.faults import fault_in, occurred_at_in
from clearline.web.tickets.new_ticket import Violations
from clearline.web.visit import Form

SYSTEM, EXTERNAL_ID = "system", "external_id"
EXTERNAL_ROWS = 2
"""Empty rows for external ids in a new form."""


def new_ticket(form: Form, service_id: str, service_type: str, person: User | None) -> NewTicket:
    """Return the ticket that a form describes, with a person of the customer, or who is typed, as the contact.

    Raises:
        InvalidInput: naming everything that is wrong.
    """
    violations = Violations()
    channel = violations.choice(Channel, form, "channel", default=Channel.CONSOLE)
    if channel not in TICKET_CHANNELS:
        violations.all.append(Violation("channel", "must be one of " + ", ".join(TICKET_CHANNELS), RuleCode.CHOICE))
    new = NewTicket(
        title=form.get("title").strip(),
        description=form.get("description").rstrip(),
        issue_type=violations.required(form, "issue_type"),
        service_type=service_type,
        service_id=service_id,
        contact=_contact(form, person),
        channel=channel or Channel.CONSOLE,
        asked_severity=violations.choice(Severity, form, "severity"),
        asked_priority=violations.choice(Priority, form, "priority"),
        tags=tags_in(form, "tags"),
        external_ids=_external_ids(form, violations),
        occurred_at=occurred_at_in(form, violations),
        fault=fault_in(form, violations),
        stated=Stated(impact=violations.choice(Impact, form, "impact")),
    )
    try:
        check_values(new)
    except InvalidInput as error:
        violations.all += error.violations
    require_valid([*violations.all, *check_tags(new.tags), *check_external_ids(new.external_ids)])
    return new


def other_values(form: Form) -> dict[str, Any]:
    """Return the values that a form sets once the ticket is there: of the provider, not of the customer.

    Raises:
        InvalidInput: naming everything that is wrong.
    """
    violations = Violations()
    values = {
        "queue_id": violations.id(form, "queue"),
        "assignee_id": violations.id(form, "assignee"),
    }
    require_valid(violations.all)
    return {name: value for name, value in values.items() if value is not None}


def external_rows(form: Form) -> list[tuple[str, str]]:
    """Return the systems and numbers that were typed, with empty rows for more."""
    pairs = zip_longest(form.all(SYSTEM), form.all(EXTERNAL_ID), fillvalue="")
    filled = [(system, number) for system, number in pairs if system or number]
    return filled + [("", "")] * max(1, EXTERNAL_ROWS - len(filled))


def _contact(form: Form, person: User | None) -> Contact:
    if person is not None:
        return Contact(person.name, person.phone, person.email)
    return Contact(form.get("name").strip(), form.get("phone").strip(), form.get("email").strip())


def _external_ids(form: Form, violations: Violations) -> dict[str, str]:
    ids: dict[str, str] = {}
    for system, number in external_rows(form):
        name = system.strip()
        if not name and not number.strip():
            continue
        if name in ids:
            rule = f"must have each system once, and has {name} twice"
            violations.all.append(Violation("external_ids", rule, RuleCode.DUPLICATE))
        ids[name] = number.strip()
    return ids
