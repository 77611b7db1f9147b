"""House API v1: companies, users and API keys as they travel."""

from typing import Any

from clearline.accounts.domain import ApiKey
from clearline.identity import PROVIDER_ID, Company, Scope, User
from clearline.wires.house.accounts import wire


def company_out(company: Company) -> wire.CompanyOut:
    """Return a company."""
    return wire.CompanyOut(str(company.id), company.name, company.code, company.id == PROVIDER_ID)


def user_out(user: User) -> wire.UserOut:
    """Return a user."""
    return wire.UserOut(
        str(user.id),
        str(user.company_id),
        user.name,
        user.email,
        user.phone,
        user.role,
        user.is_active,
        user.is_available,
        user.is_confirmed,
    )


def _key_members(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "company_id": str(key.company_id),
        "user_id": str(key.user_id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": sorted(map(Scope, key.scopes)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def key_out(key: ApiKey) -> wire.ApiKeyOut:
    """Return a key without its secret."""
    return wire.ApiKeyOut(**_key_members(key))


def key_made_out(key: ApiKey, secret: str | None) -> wire.ApiKeyMade:
    """Return a key with its secret, which is None in an answer that is repeated."""
    return wire.ApiKeyMade(**_key_members(key), key=secret)
