"""House API v1: companies, users and API keys as they travel."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from clearline.accounts.conflict_store import AddressConflict
from clearline.accounts.domain import ApiKey, CompanyDetails
from clearline.accounts.mail_domain import MailDomain
from clearline.accounts.tiers.domain import Tier
from clearline.deactivation.domain import Activation, Deactivation
from clearline.identity import PROVIDER_ID, Company, Scope, User
from clearline.wires.house.accounts import wire
from clearline.wires.house.wire import CompanyRef, Ref


def company_out(company: CompanyDetails) -> wire.CompanyOut:
    """Return a company."""
    return wire.CompanyOut(
        str(company.id),
        company.name,
        company.code,
        company.id == PROVIDER_ID,
        company.deactivated_at is None,
        company.deactivated_at,
        company.language,
        company.tier,
        company.time_zone,
        wire.NoticeAddressesOut(*map(list, astuple(company.notice_addresses))),
        None if company.parent_id is None else str(company.parent_id),
        company.shares_with_parent,
        company.fields,
    )


def tier_out(tier: Tier) -> wire.TierOut:
    """Return a tier."""
    return wire.TierOut(*astuple(tier))


def deactivation_out(ended: Deactivation) -> wire.DeactivationOut:
    """Return what the deactivation of a company ended."""
    return wire.DeactivationOut(
        company_out(ended.company), ended.users, ended.keys, ended.webhooks, ended.mails_contacts, ended.open_tickets
    )


def activation_out(back: Activation) -> wire.ActivationOut:
    """Return what the activation of a company brought back."""
    return wire.ActivationOut(
        company_out(back.company), back.users, back.webhooks, back.refused_webhooks, back.mails_contacts
    )


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
        user.language,
        _limit(user, user.only_queues),
        _limit(user, user.only_companies),
    )


def _limit(user: User, limit: Sequence[UUID] | None) -> list[str] | UnsetType | None:
    if user.company_id != PROVIDER_ID:
        return UNSET
    return None if limit is None else [str(each) for each in limit]


def mail_domain_out(domain: MailDomain) -> wire.MailDomainOut:
    """Return a mail domain."""
    return wire.MailDomainOut(
        str(domain.id),
        str(domain.company_id),
        domain.name,
        domain.includes_subdomains,
        domain.state,
        domain.verified_by,
        domain.reason,
        domain.record,
        domain.created_at,
        domain.verified_at,
        domain.checked_at,
    )


def conflict_out(conflict: AddressConflict) -> wire.AddressConflictOut:
    """Return a conflict about an address."""
    user = conflict.user
    holders = [
        wire.HolderOut(
            _company_ref(holder.company),
            holder.kind,
            holder.since,
            None if holder.user_id is None else str(holder.user_id),
            holder.is_active,
        )
        for holder in conflict.holders
    ]
    return wire.AddressConflictOut(
        user.email, _company_ref(conflict.company), Ref(str(user.id), user.name), conflict.claimed_at, holders
    )


def _company_ref(company: Company) -> CompanyRef:
    return CompanyRef(company.id, company.name, company.code)


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
