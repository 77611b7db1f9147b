"""The forms that add somebody to the people of a ticket, and remove somebody."""

from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts.words import CC, ROLES
from clearline.web.visit import Form


def person_in(form: Form) -> Person:
    """Return the person that a form adds: a contact of one role, or one who gets copies.

    Raises:
        InvalidInput: the role is none of them.
    """
    role, email, name = form.get("role"), form.get("email").strip(), form.get("name").strip()
    if role not in ROLES:
        raise InvalidInput([Violation("role", "must be one of " + ", ".join(ROLES), RuleCode.CHOICE)])
    if role == CC:
        return Person(PersonKind.CC, email, name)
    phone = form.get("phone").strip()
    return Person(PersonKind.CONTACT, email, name or email, phone, (ContactRole(role),))


def person_id_in(form: Form) -> int:
    """Return the id of the person that a form removes.

    Raises:
        NotFound: it is no id.
    """
    text = form.get("person")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("contact", text)
    return int(text)
