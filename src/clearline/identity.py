"""Who acts: companies, people, what their roles may do, and the actor on whose behalf a use case runs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import ScopeMissing


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
