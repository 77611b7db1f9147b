"""What is asked before many tickets get a status: why they wait, or what was found and done."""

from collections.abc import Sequence

from msgspec import Struct

from clearline.catalogue.term_usecases import current_terms
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import Status, parse_ticket_number
from clearline.web.console.progress.fields import ASKING, Asked, asked_for
from clearline.web.fields import member_in
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Form, Visit

ASKS = "asks"
"""The field of a form that is to be asked about, before it changes tickets."""
ANSWERED = "answered"
"""The field of the form with the answers."""


class Ask(Struct, frozen=True):
    """The form about tickets, as it was filled in, and why it was refused."""

    asked: Asked
    numbers: list[str]
    typed: Form
    refusal: Refusal
    is_dry: bool


def asked_status(form: Form) -> Status | None:
    """Return the status that a form is to be asked about, or that it answers for; None for any other form.

    Raises:
        InvalidInput: it is no status.
    """
    if not form.has("status") or not (form.has(ASKS) or form.has(ANSWERED)):
        return None
    to = member_in(Status, form, "status")
    return to if to in ASKING else None


async def read_ask(visit: Visit, to: Status, numbers: Sequence[str], refusal: Refusal | None = None) -> Ask:
    """Return what is asked about tickets: what any of their types requires is required of all."""
    known = [number for text in numbers if (number := parse_ticket_number(text)) is not None]
    async with visit.services.database.transaction() as tx:
        views = await ticket_lists.list_numbered(tx, visit.actor, known)
        terms = await current_terms(tx)
    asked = asked_for(terms, visit.catalogue, to, [view.ticket.issue_type for view in views])
    return Ask(asked, list(numbers), visit.form, refusal or Refusal(status=200), visit.form.has("dry"))
