"""How the roles of the people of a ticket are called."""

from clearline.tickets.contact import ContactRole


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


CC = "cc"
ROLES: dict[str, str] = {
    ContactRole.TECHNICAL: _("Technical contact"),
    ContactRole.ON_DUTY: _("On duty"),
    ContactRole.ESCALATION: _("Escalation"),
    ContactRole.SITE_ACCESS: _("Site access"),
    ContactRole.REPORTER: _("Reporter"),
    CC: _("Copy (CC)"),
}
"""What a person can be to a ticket, in the order of the choices of the form."""
