"""The contact of a ticket, its other contacts with their roles, and who gets copies of its mail."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.errors import RuleCode, Violation
from clearline.text import check_email, check_text, normalized_address

CONTACTS_MAX = 20
"""The most contacts of a ticket, with the one that it was raised with."""
CC_MAX = 20
"""The most addresses that get copies of a ticket's mail. Of those that inbound mail suggests, the same."""
PEOPLE_MAX = CONTACTS_MAX - 1 + CC_MAX
"""The most people besides its contact that a ticket takes over from another."""
_COPIED = " (CC)"


class Contact(Struct, frozen=True, gc=False):
    """The person to contact about a ticket. ``phone`` is free text, and empty when unknown."""

    name: str
    phone: str
    email: str


class ContactRole(StrEnum):
    """What a contact is there for. The contact that a ticket was raised with is its reporter."""

    REPORTER = "reporter"
    TECHNICAL = "technical"
    SITE_ACCESS = "site_access"
    """Lets engineers in."""
    ESCALATION = "escalation"
    ON_DUTY = "on_duty"


class PersonKind(StrEnum):
    """What a person is to a ticket."""

    CONTACT = "contact"
    CC = "cc"
    """Gets copies of its mail."""
    SUGGESTED = "suggested"
    """Was in Cc of a mail; an agent decides."""
    LEFT = "left"
    """Left by the link in a mail, and gets none."""


class Person(Struct, frozen=True, array_like=True):
    """A person of a ticket besides its contact. In JSON it is an array of its fields, as the store reads it.

    ``email`` is empty for a contact who has only a phone. ``roles`` are those of a contact. ``user_id`` is the user of
    the ticket's company who has the address.
    """

    kind: PersonKind
    email: str
    name: str = ""
    phone: str = ""
    roles: tuple[ContactRole, ...] = ()
    id: int = 0
    user_id: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What no two people of a ticket have in common: the address or, without one, the name and the phone."""
        return (normalized_address(self.email), "") if self.email else (self.name.casefold(), self.phone)

    @property
    def author(self) -> str:
        """The name of the author of a note by mail. That of a copy says so, with the address: anybody may be copied."""
        if self.kind is PersonKind.CONTACT:
            return self.name
        named = f"{self.name} <{self.email}>" if self.name else self.email
        return f"{named[: NAME_MAX - len(_COPIED)]}{_COPIED}"


class People(Struct, frozen=True):
    """The people of a ticket besides its contact, each list in the order in which they were added."""

    contacts: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    suggested: tuple[Person, ...] = ()
    left: tuple[Person, ...] = ()

    @property
    def all(self) -> tuple[Person, ...]:
        """All of them."""
        return (*self.contacts, *self.cc, *self.suggested, *self.left)


NOBODY = People()


def people_of(persons: Iterable[Person]) -> People:
    """Return the people of a ticket by what they are to it."""
    by_kind: dict[PersonKind, list[Person]] = {kind: [] for kind in PersonKind}
    for person in persons:
        by_kind[person.kind].append(person)
    return People(*map(tuple, by_kind.values()))


def check_contact(field: str, contact: Contact) -> list[Violation]:
    """Return the rules that a contact breaks."""
    return [
        *check_text(f"{field}.name", contact.name, most=NAME_MAX),
        *check_text(f"{field}.phone", contact.phone, least=0, most=PHONE_MAX),
        *check_email(f"{field}.email", contact.email),
    ]


def check_people(contacts: Sequence[Person], cc: Sequence[Person], contact: Contact) -> list[Violation]:
    """Return the rules that the people of a ticket break, whose contact is ``contact``."""
    named = [
        *((f"contacts.{place}", person) for place, person in enumerate(contacts)),
        *((f"cc.{place}", person) for place, person in enumerate(cc)),
    ]
    violations = [*_check_count("contacts", contacts, CONTACTS_MAX - 1), *_check_count("cc", cc, CC_MAX)]
    seen: set[tuple[str, str]] = set()
    for field, person in named:
        is_copied = person.kind is PersonKind.CC
        violations += _check_copied(field, person) if is_copied else _check_person(field, person)
        if is_copied and normalized_address(person.email) == normalized_address(contact.email):
            violations.append(Violation(f"{field}.email", "is the contact of the ticket", RuleCode.DUPLICATE))
        elif person.key in seen:
            violations.append(Violation(f"{field}.email", "must not be named twice", RuleCode.DUPLICATE))
        seen.add(person.key)
    return violations


def _check_count(field: str, people: Sequence[Person], most: int) -> list[Violation]:
    return [Violation(field, f"must be at most {most}", RuleCode.COUNT)] if len(people) > most else []


def _check_person(field: str, person: Person) -> list[Violation]:
    violations = [
        *check_text(f"{field}.name", person.name, most=NAME_MAX),
        *check_text(f"{field}.phone", person.phone, least=0, most=PHONE_MAX),
        *(check_email(f"{field}.email", person.email) if person.email else []),
    ]
    if not person.email and not person.phone:
        violations.append(Violation(f"{field}.email", "is required without a phone", RuleCode.REQUIRED))
    if not person.roles:
        violations.append(Violation(f"{field}.roles", "must name a role", RuleCode.REQUIRED))
    return violations


def _check_copied(field: str, person: Person) -> list[Violation]:
    return [
        *check_text(f"{field}.name", person.name, least=0, most=NAME_MAX),
        *check_email(f"{field}.email", person.email),
    ]
