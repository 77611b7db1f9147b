"""What was typed into the form in which a ticket is raised, as the values of one."""

from clearline.catalogue.assessment import Priority, Severity
from clearline.errors import InvalidInput, require_valid
from clearline.identity import User
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, check_new_ticket
from clearline.tickets.label_domain import check_external_ids
from clearline.web.tickets.faults import fault_in, occurred_at_in
from clearline.web.tickets.new_ticket import ChosenService, Violations
from clearline.web.visit import Form

REFERENCE = "Customer reference"
"""The name of the system in the external ids of a ticket for the customer's own number."""


def new_ticket(form: Form, service: ChosenService, person: User | None) -> NewTicket:
    """Return the ticket that a form describes, with a person of the company, or who is typed, as the contact.

    Raises:
        InvalidInput: naming everything that is wrong.
    """
    violations = Violations()
    reference = form.get("reference").strip()
    new = NewTicket(
        title=form.get("title").strip(),
        description=form.get("description").strip("\n").rstrip(),
        issue_type=violations.required(form, "issue_type"),
        service_type=service.type,
        service_id=service.id,
        contact=_contact(form, person),
        channel=Channel.PORTAL,
        asked_severity=violations.choice(Severity, form, "severity"),
        asked_priority=violations.choice(Priority, form, "priority"),
        external_ids={REFERENCE: reference} if reference else {},
        occurred_at=occurred_at_in(form, violations),
        fault=fault_in(form, violations),
    )
    try:
        check_new_ticket(new)
    except InvalidInput as error:
        violations.all += error.violations
    require_valid([*violations.all, *check_external_ids(new.external_ids)])
    return new


def _contact(form: Form, person: User | None) -> Contact:
    if person is not None:
        return Contact(person.name, person.phone, person.email)
    return Contact(form.get("name").strip(), form.get("phone").strip(), form.get("email").strip())
