"""Who takes part: companies, their users, API keys, and the actor on whose behalf a use case runs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.domain.errors import ScopeMissing, Violation
from clearline.domain.text import check_email, check_text

NAME_MAX = 255
CODE_MAX = 32
PHONE_MAX = 64


class Role(StrEnum):
    """What a person may be. A customer sees its own company; the operator, at the command line, every one."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class Scope(StrEnum):
    """What an API key may do."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"


ALL_SCOPES = frozenset(Scope)


class Contact(Struct, frozen=True):
    """Whom to call about a ticket. ``phone`` is as people write it, and empty when unknown."""

    name: str
    phone: str
    email: str


class Company(Struct, frozen=True):
    """A customer of the provider. ``code`` is the customer number that wires show."""

    id: UUID
    name: str
    code: str


class User(Struct, frozen=True):
    """A person of a company."""

    company_id: UUID
    id: UUID
    name: str
    email: str
    phone: str


class ApiKey(Struct, frozen=True):
    """A key without its secret, which nobody can show twice: ``prefix`` is its first characters, to tell keys apart."""

    company_id: UUID
    id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Actor(Struct, frozen=True):
    """On whose behalf a use case runs. ``company`` is None for the operator alone."""

    role: Role
    name: str
    company: Company | None = None
    user: User | None = None
    key_id: UUID | None = None
    key_expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()

    def require(self, scope: Scope) -> None:
        """Refuse unless the actor holds ``scope``.

        Raises:
            ScopeMissing: it does not.
        """
        if scope not in self.scopes:
            raise ScopeMissing(scope)


OPERATOR = Actor(Role.OPERATOR, "operator", scopes=ALL_SCOPES)


def check_contact(field: str, contact: Contact) -> list[Violation]:
    """The rules that a contact breaks."""
    return [
        *check_text(f"{field}.name", contact.name, most=NAME_MAX),
        *check_text(f"{field}.phone", contact.phone, least=0, most=PHONE_MAX),
        *check_email(f"{field}.email", contact.email),
    ]


def check_company(name: str, code: str) -> list[Violation]:
    """The rules that a new company breaks."""
    return [*check_text("name", name, most=NAME_MAX), *check_text("code", code, most=CODE_MAX)]
