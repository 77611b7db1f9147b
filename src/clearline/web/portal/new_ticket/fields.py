"""What was typed into the form in which a ticket is raised, as the values of one."""

from clearline.catalogue.assessment import Priority
from clearline.catalogue.published import IssueType
from clearline.errors import InvalidInput, require_valid
from clearline.identity import User
from clearline.text import check_text
from clearline.tickets.contact import Contact
from clearline.tickets.domain import DESCRIPTION_MAX, Channel, NewTicket, check_new_ticket
from clearline.tickets.external_id_domain import check_external_ids
from clearline.web.tickets.new_ticket import ChosenService, Violations
from clearline.web.visit import Form
from clearline.web.words import gettext

REFERENCE = "Customer reference"
"""The name of the system in the external ids of a ticket for the customer's own number."""
SINCE_MAX = 200
SEEN_MAX = DESCRIPTION_MAX - 500
"""The most characters of what was seen: the description has marks and the time besides."""


def new_ticket(form: Form, service: ChosenService, person: User | None) -> NewTicket:
    """Return the ticket that a form describes, with a person of the company, or who is typed, as the contact.

    Raises:
        InvalidInput: naming everything that is wrong.
    """
    violations = Violations()
    since, seen = " ".join(form.get("since").split()), form.get("description").strip("\n").rstrip()
    violations.all += check_text("description", seen, most=SEEN_MAX)
    if wrong := check_text("since", since, least=0, most=SINCE_MAX):
        violations.all += wrong
        since = ""
    reference = form.get("reference").strip()
    new = NewTicket(
        title=form.get("title").strip(),
        description=described(since, seen),
        issue_type=violations.required_choice(IssueType, form, "issue_type", default=IssueType.OTHERS),
        service_type=service.type,
        service_id=service.id,
        contact=_contact(form, person),
        channel=Channel.PORTAL,
        asked_priority=violations.choice(Priority, form, "priority"),
        external_ids={REFERENCE: reference} if reference else {},
    )
    try:
        check_new_ticket(new)
    except InvalidInput as error:
        violations.all += error.violations
    require_valid([*violations.all, *check_external_ids(new.external_ids)])
    return new


def described(since: str, seen: str) -> str:
    """Return the description: what was seen, below the time since when, if that was said."""
    if not since:
        return seen
    marks = gettext("Since when"), gettext("What we see")
    return f"**{marks[0]}:** {since}\n\n**{marks[1]}:**\n\n{seen}"


def _contact(form: Form, person: User | None) -> Contact:
    if person is not None:
        return Contact(person.name, person.phone, person.email)
    return Contact(form.get("name").strip(), form.get("phone").strip(), form.get("email").strip())
