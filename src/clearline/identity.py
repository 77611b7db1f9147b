"""Who takes part: companies, their users, API keys, and the actor on whose behalf a use case runs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import ScopeMissing, Violation
from clearline.text import check_email, check_text

NAME_MAX = 255
CODE_MAX = 32
PHONE_MAX = 64


class Role(StrEnum):
    """What a person may be. Customers see their own company; the provider's people, the staff, see every one."""

    CUSTOMER = "customer"
    CUSTOMER_ADMIN = "customer_admin"
    """A customer who also manages its company's users and keys."""
    VIEWER = "viewer"
    """Reads everything, changes nothing."""
    AGENT = "agent"
    """Works tickets."""
    ADMIN = "admin"
    """An agent who also runs the desk: people, teams, queues, routing."""
    OPERATOR = "operator"
    """Whoever sits at the command line; no person of the desk, and allowed everything."""


class Scope(StrEnum):
    """What an API key may do, within what its user's role may."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    ACCOUNTS_READ = "accounts:read"
    """Companies, users, services, API keys."""
    ACCOUNTS_WRITE = "accounts:write"
    DESK_READ = "desk:read"
    """Teams, queues, routing rules, macros."""
    DESK_WRITE = "desk:write"
    AUDIT_READ = "audit:read"
    """What happened to everything, and who did it."""


ALL_SCOPES = frozenset(Scope)
STAFF = frozenset({Role.VIEWER, Role.AGENT, Role.ADMIN, Role.OPERATOR})
STAFF_ROLES = (Role.ADMIN, Role.AGENT, Role.VIEWER)
"""What a person of the provider may be."""
CUSTOMER_ROLES = (Role.CUSTOMER, Role.CUSTOMER_ADMIN)
"""What a person of a customer may be."""

_CUSTOMER = frozenset({Scope.TICKETS_READ, Scope.TICKETS_WRITE})
_VIEWER = frozenset({Scope.TICKETS_READ, Scope.ACCOUNTS_READ, Scope.DESK_READ})
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.CUSTOMER: _CUSTOMER,
    Role.CUSTOMER_ADMIN: _CUSTOMER | {Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.AUDIT_READ},
    Role.VIEWER: _VIEWER,
    Role.AGENT: _VIEWER | {Scope.TICKETS_WRITE},
    Role.ADMIN: ALL_SCOPES,
    Role.OPERATOR: ALL_SCOPES,
}
"""The most that a key of each role can carry; a key that carries more has the rest only when the role grows."""

PROVIDER_ID = UUID("00000000-0000-4000-8000-000000000001")
"""The company that the staff belongs to; the migrations make it."""


class Contact(Struct, frozen=True):
    """Whom to call about a ticket. ``phone`` is as people write it, and empty when unknown."""

    name: str
    phone: str
    email: str


class Company(Struct, frozen=True):
    """A customer of the provider, or the provider itself. ``code`` is the customer number that wires show."""

    id: UUID
    name: str
    code: str


class User(Struct, frozen=True):
    """A person of a company. One who is not active cannot do anything; one not available gets no tickets by turns."""

    company_id: UUID
    id: UUID
    name: str
    email: str
    phone: str
    role: Role = Role.CUSTOMER
    is_active: bool = True
    is_available: bool = True


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
    """On whose behalf a use case runs. ``company`` is None for the operator, and the provider for the staff."""

    role: Role
    name: str
    company: Company | None = None
    user: User | None = None
    key_id: UUID | None = None
    key_expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def is_staff(self) -> bool:
        """Whether the actor works for the provider."""
        return self.role in STAFF

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


def check_user(name: str, email: str, phone: str, role: Role, *, of_provider: bool) -> list[Violation]:
    """The rules that a person breaks."""
    violations = [
        *check_text("name", name, most=NAME_MAX),
        *check_email("email", email),
        *check_text("phone", phone, least=0, most=PHONE_MAX),
    ]
    roles = STAFF_ROLES if of_provider else CUSTOMER_ROLES
    if role not in roles:
        violations.append(Violation("role", "must be one of " + ", ".join(roles)))
    return violations


def check_key(name: str, scopes: frozenset[str], role: Role) -> list[Violation]:
    """The rules that a new key breaks; a user's key can carry what the user's role may, and nothing else."""
    violations = check_text("name", name, most=NAME_MAX)
    if not scopes or scopes - ALL_SCOPES:
        violations.append(Violation("scopes", "must be some of " + ", ".join(sorted(ALL_SCOPES))))
    elif beyond := sorted(scopes - ROLE_SCOPES[role]):
        violations.append(Violation("scopes", f"must not have {', '.join(beyond)}: the user is {_a(role)}"))
    return violations


def _a(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role.replace('_', ' ')}"
