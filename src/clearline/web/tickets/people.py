"""The forms that add somebody to the people of a ticket, and remove somebody."""

from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts.words import CC, ROLES
from clearline.web.visit import Form


def person_in(form: Form) -> Person:
    """Return the person that a form adds: a contact with roles, or one who only gets copies.

    Raises:
        InvalidInput: it has no role, or one that is none, or is a copy with roles.
    """
    roles = form.all("role")
    email, name, phone = (form.get(each).strip() for each in ("email", "name", "phone"))
    if not roles or not {*roles} <= {*ROLES}:
        raise InvalidInput([Violation("roles", "must be one of " + ", ".join(ROLES), RuleCode.CHOICE)])
    if roles == [CC]:
        return Person(PersonKind.CC, email, name)
    if CC in roles:
        rule = "must be either roles or a copy: contacts get the mail of their roles"
        raise InvalidInput([Violation("roles", rule, RuleCode.CHOICE)])
    return Person(PersonKind.CONTACT, email, name or email, phone, tuple(role for role in ContactRole if role in roles))


def person_id_in(form: Form) -> int:
    """Return the id of the person that a form removes.

    Raises:
        NotFound: it is no id.
    """
    text = form.get("person")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("contact", text)
    return int(text)
