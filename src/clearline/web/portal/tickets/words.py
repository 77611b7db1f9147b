"""What the page of a ticket tells its customer: who acts next, and what was done just now."""

from clearline.tickets.domain import Status


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


NEXT_STEPS: dict[str, str] = {
    Status.ACKNOWLEDGED: _("We have your ticket. The next step is ours."),
    Status.IN_PROGRESS: _("We are working on it. You will hear from us here and by mail."),
    Status.PENDING: _("We need your answer to go on. Write it below."),
    Status.HELD: _("We are waiting for something, such as a supplier or a maintenance window. You need to do nothing."),
    Status.RESOLVED: _("We think that it is solved. Tell us whether it works again."),
    Status.REOPENED: _("We have your objection. The next step is ours."),
    Status.CANCELLATION_REQUESTED: _("You asked for cancellation. The next step is ours."),
    Status.CANCELLED: _("This ticket was cancelled."),
    Status.CLOSED: _("This ticket is closed. Raise another one if the problem comes back."),
    Status.REJECTED: _("We could not accept this ticket. The reason is in the conversation."),
}
"""Who acts next, by the status of the ticket."""
DONE: dict[str, str] = {
    "raised": _("Your ticket is raised."),
    "sent": _("Your reply is sent."),
    "works": _("Thank you. The support team knows that it works again, and resolves the ticket."),
    "closed": _("Thank you. The ticket is closed."),
    "reopened": _("The ticket is reopened. The support team knows what still fails."),
    "cancellation": _("The support team knows that you want to cancel the ticket."),
    "fault": _("What you said about the fault is saved."),
    "person": _("The people of the ticket are saved."),
    "fields": _("Your changes are saved."),
    "followed": _("The follower gets mail about this ticket from now on."),
}
"""What was done just now, by what the address of the page says."""
