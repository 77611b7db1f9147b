"""The contact of a ticket."""

from msgspec import Struct

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.errors import Violation
from clearline.text import check_email, check_text


class Contact(Struct, frozen=True, gc=False):
    """The person to contact about a ticket. ``phone`` is free text, and empty when unknown."""

    name: str
    phone: str
    email: str


def check_contact(field: str, contact: Contact) -> list[Violation]:
    """Return the rules that a contact breaks."""
    return [
        *check_text(f"{field}.name", contact.name, most=NAME_MAX),
        *check_text(f"{field}.phone", contact.phone, least=0, most=PHONE_MAX),
        *check_email(f"{field}.email", contact.email),
    ]
