"""Companies, users and their roles, and the actor on whose behalf a use case runs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    """The role of a user. Customers see their own company; the provider's staff sees every company."""

    CUSTOMER = "customer"
    CUSTOMER_ADMIN = "customer_admin"
    """A customer who also manages its company's users and keys."""
    VIEWER = "viewer"
    """Reads everything, changes nothing."""
    AGENT = "agent"
    """Works tickets."""
    ADMIN = "admin"
    """An agent who also manages people, teams, queues and routing."""
    OPERATOR = "operator"
    """The command line and the server's own work; not a person, and allowed everything."""

    @property
    def is_staff(self) -> bool:
        """Whether it belongs to the provider: everybody who is not a customer."""
        return self not in CUSTOMER_ROLES

    @property
    def works_tickets(self) -> bool:
        """Whether a person of this role can have tickets assigned and belong to a team."""
        return self in AGENT_ROLES

    @property
    def is_desk_admin(self) -> bool:
        """Whether it may change people, teams, queues and routing."""
        return self in {Role.ADMIN, Role.OPERATOR}

    @property
    def is_company_admin(self) -> bool:
        """Whether it administers the company it belongs to: a customer's admin, or a desk admin."""
        return self is Role.CUSTOMER_ADMIN or self.is_desk_admin

    @property
    def is_operator(self) -> bool:
        """Whether it is no person of any company."""
        return self is Role.OPERATOR


class Scope(StrEnum):
    """What an API key may do, as far as its user's role may."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    TICKETS_REDACT = "tickets:redact"
    """Remove words and files from tickets for good."""
    ACCOUNTS_READ = "accounts:read"
    """Companies, users, services, API keys."""
    ACCOUNTS_WRITE = "accounts:write"
    DESK_READ = "desk:read"
    """Teams, queues, routing rules, macros."""
    DESK_WRITE = "desk:write"
    AUDIT_READ = "audit:read"
    """The audit: every change, and who made it."""
    PEOPLE_EXPORT = "people:export"
    """Export all that is stored about a person."""
    PEOPLE_ERASE = "people:erase"
    """Erase a person: put a pseudonym in its place, for good."""


ALL_SCOPES = frozenset(Scope)
CUSTOMER_ROLES = (Role.CUSTOMER, Role.CUSTOMER_ADMIN)
"""The roles that a person of a customer can have."""
STAFF_ROLES = (Role.ADMIN, Role.AGENT, Role.VIEWER)
"""The roles that a person of the provider can have."""
AGENT_ROLES = (Role.ADMIN, Role.AGENT)
"""Those of the provider's people who work tickets: they can have tickets assigned and belong to a team."""

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
"""The scopes that the keys of each role can have. Other scopes of a key take effect when its user gets such a role."""

PROVIDER_ID = UUID("00000000-0000-4000-8000-000000000001")
"""The company of the provider's staff; a migration creates it."""


class Company(Struct, frozen=True, gc=False):
    """A customer of the provider, or the provider itself. ``code`` is the customer number."""

    id: UUID
    name: str
    code: str


class User(Struct, frozen=True):
    """A user of a company. An inactive one cannot do anything; queues assign no tickets to an unavailable one.

    The address of an unconfirmed one is only a claim of its company: nothing but one invitation is sent to it, and mail
    from it does not count as the user's. ``language`` is a code of ``language.LANGUAGES``; None is that of the company.

    ``only_queues`` and ``only_companies`` limit one of the provider's people to the tickets of these queues, and to
    these customers, by their ids; None is no limit.
    """

    company_id: UUID
    id: UUID
    name: str
    email: str
    phone: str
    role: Role = Role.CUSTOMER
    is_active: bool = True
    is_available: bool = True
    is_confirmed: bool = True
    language: str | None = None
    only_queues: tuple[UUID, ...] | None = None
    only_companies: tuple[UUID, ...] | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the user does not see the tickets of all queues and all customers."""
        return self.only_queues is not None or self.only_companies is not None

    def reaches_company(self, company_id: UUID) -> bool:
        """Return whether the limits of the user leave a company to it. Those of the provider are everybody's."""
        return self.only_companies is None or company_id in self.only_companies or company_id == PROVIDER_ID

    def reaches_ticket(self, company_id: UUID, queue_id: UUID | None) -> bool:
        """Return whether the limits of the user leave a ticket of a company in a queue to it."""
        is_queue_left = self.only_queues is None or queue_id in self.only_queues
        return is_queue_left and (self.only_companies is None or company_id in self.only_companies)


class Actor(Struct, frozen=True):
    """Who a use case runs for. ``company`` is None for the operator, and the provider for the staff.

    ``children`` are the active companies that share their tickets with the company of a customer, by name.
    """

    role: Role
    name: str
    company: Company | None = None
    user: User | None = None
    key_id: UUID | None = None
    key_expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()
    children: tuple[Company, ...] = ()

    @property
    def is_staff(self) -> bool:
        """Whether the actor works for the provider."""
        return self.role.is_staff

    @property
    def limits(self) -> User | None:
        """The user, if its access is limited to some queues or customers."""
        return self.user if self.user is not None and self.user.is_limited else None

    @property
    def is_desk_admin(self) -> bool:
        """Whether the actor may change people, teams, queues and routing."""
        return self.role.is_desk_admin

    @property
    def is_company_admin(self) -> bool:
        """Whether the actor administers the company it belongs to."""
        return self.role.is_company_admin

    @property
    def is_operator(self) -> bool:
        """Whether the actor is the operator, who belongs to no company."""
        return self.role.is_operator


OPERATOR = Actor(Role.OPERATOR, "operator", scopes=ALL_SCOPES)
