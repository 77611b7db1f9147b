"""House API v1: companies, users and API keys, exactly as they travel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.accounts.domain import CODE_MAX, NAME_MAX
from clearline.identity import Role, Scope
from clearline.wires.house.wire import CompanyRef, Email, Moment, Name, PageQuery, Phone, characters

Code = Annotated[str, characters(1, CODE_MAX)]
PersonRole = Literal["customer", "customer_admin", "viewer", "agent", "admin"]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]


class CompanyQuery(PageQuery, kw_only=True, forbid_unknown_fields=True):
    """Which companies to list."""

    named: (
        Annotated[
            str,
            Meta(min_length=1, max_length=NAME_MAX, description="Only the one with this name or customer code."),
        ]
        | None
    ) = None


class CompanyIn(Struct, forbid_unknown_fields=True):
    """A customer to take on. ``code`` is the customer number that wires show; both are unique in any case."""

    name: Name
    code: Code


class CompanyPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    name: Name | UnsetType = UNSET
    code: Code | UnsetType = UNSET


class CompanyOut(Struct, frozen=True):
    """A customer, or the provider itself."""

    id: str
    name: str
    code: str
    is_provider: bool


class UserIn(Struct, forbid_unknown_fields=True):
    """A person to add.

    The provider's people are viewer, agent or admin, a customer's customer or customer_admin. Without ``role``, one who
    may do the least there.
    """

    name: Name
    email: Email
    phone: Phone = ""
    role: PersonRole | None = None


class UserPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). One who is no longer active cannot do anything any more: its keys end at once."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    role: PersonRole | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_available: bool | UnsetType = UNSET


class UserOut(Struct, frozen=True):
    """A person of a company. Queues give tickets only to the provider's people who are available."""

    id: str
    company_id: str
    name: str
    email: str
    phone: str
    role: Role
    is_active: bool
    is_available: bool


class ApiKeyIn(Struct, forbid_unknown_fields=True):
    """A key to issue.

    Without ``scopes`` it may do whatever its user's role may, without ``expires_at`` it lasts until it is revoked.
    """

    user_id: UUID
    name: Name
    scopes: Scopes | None = None
    expires_at: Moment | None = None


class ApiKeyOut(Struct, frozen=True):
    """A key without its secret; ``prefix`` is how it begins. ``last_used_at`` comes up to 30 seconds late."""

    id: str
    company_id: str
    user_id: str
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeyMade(Struct, frozen=True):
    """A key just issued. ``key`` is shown this once: it is null when the answer is repeated for an Idempotency-Key."""

    id: str
    company_id: str
    user_id: str
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    key: str | None


class MeOut(Struct, frozen=True):
    """Whom the key speaks for, and what it may do: ``scopes`` are those of the key that the user's role allows."""

    id: str
    name: str
    email: str
    phone: str
    role: Role
    company: CompanyRef
    scopes: list[Scope]
    key_id: str
    key_expires_at: datetime | None
