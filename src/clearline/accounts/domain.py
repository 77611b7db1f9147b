"""Companies, users and API keys: the rules for their values, and what a key looks like."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from clearline.errors import RuleCode, Violation
from clearline.identity import ALL_SCOPES, CUSTOMER_ROLES, PROVIDER_ID, ROLE_SCOPES, STAFF_ROLES, Company, Role, User
from clearline.language.languages import LANGUAGES
from clearline.language.zone_names import is_zone
from clearline.settings.defaults import (
    COMPANY_INVITATIONS_MAX,
    COMPANY_KEYS_MAX,
    COMPANY_MAIL_DOMAINS_MAX,
    COMPANY_USERS_MAX,
)
from clearline.settings.settings import Settings
from clearline.text import check_email, check_text, normalized_address

NAME_MAX = 255
CODE_MAX = 32
PHONE_MAX = 64
INVITATIONS_PERIOD = timedelta(days=1)
"""The time in which the mails about addresses of a company are counted."""
LIMITS_MAX = 200
"""The most queues, and the most customers, to which the access of one of the provider's people is limited."""
LIMITED_ROLES = (Role.AGENT, Role.VIEWER)
"""The roles whose access can be limited: whoever sets limits has none."""
REMINDERS_MAX, REMINDER_PAUSE = 3, timedelta(hours=1)
"""How often the invitation of an address is sent again, and the shortest time between two of its mails."""
KEY_PREFIX = "clk_"
KEYS_IN_A_DAY = 5
"""How many times as many keys a company may issue in a day as it may have in force: revoked ones are kept, too."""
SECRET_LENGTH = len(KEY_PREFIX) + 43
"""The prefix, and 32 random bytes in base64url without padding."""
SHOWN_LENGTH = len(KEY_PREFIX) + 6
"""The characters of a secret that its key shows."""


class AccountLimits(Struct, frozen=True):
    """How much the admins of a customer may add to their company; the provider may add more.

    ``users`` counts inactive ones too, ``keys`` those in force, ``mail_domains`` those in any state. ``invitations``
    counts the mails about addresses in a day: invitations, reminders, and notices to replaced addresses.
    """

    users: int = COMPANY_USERS_MAX
    invitations: int = COMPANY_INVITATIONS_MAX
    keys: int = COMPANY_KEYS_MAX
    mail_domains: int = COMPANY_MAIL_DOMAINS_MAX


DEFAULT_LIMITS = AccountLimits()


def account_limits(settings: Settings) -> AccountLimits:
    """Return the limits that are set."""
    return AccountLimits(
        settings.company_users_max,
        settings.company_invitations_max,
        settings.company_keys_max,
        settings.company_mail_domains_max,
    )


class ApiKey(Struct, frozen=True):
    """A key without its secret, which is shown only once. ``prefix`` is the first characters of the secret."""

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


class NoticeAddresses(Struct, frozen=True, omit_defaults=True):
    """The addresses to which a company wants notices of a subject, besides what its people get themselves."""

    incidents: tuple[str, ...] = ()
    maintenance: tuple[str, ...] = ()
    billing: tuple[str, ...] = ()


NO_NOTICE_ADDRESSES = NoticeAddresses()
TIME_ZONE_MAX = 64
PARENT_LEVELS_MAX = 5
"""The most levels of companies, from one without a parent to one without children."""
CHILDREN_MAX = 100
"""The most children of a company: a list of its tickets merges those of all of them."""
NOTICE_ADDRESSES_MAX = 20
"""The most addresses of one subject."""


class CompanyDetails(Company, frozen=True, gc=False):
    """A company, when it was deactivated, if it is, and what is known of it.

    Without a ``language`` it has that of the desk, the provider's. ``tier`` is the key of a tier. Its people see times
    in the IANA ``time_zone`` unless they set one themselves. If it ``shares_with_parent``, the people of its parent see
    and raise its tickets. ``fields`` has the values of own fields by their keys.
    """

    deactivated_at: datetime | None = None
    language: str | None = None
    tier: str | None = None
    time_zone: str | None = None
    notice_addresses: NoticeAddresses = NO_NOTICE_ADDRESSES
    parent_id: UUID | None = None
    shares_with_parent: bool = False
    fields: dict[str, Any] = msgspec.field(default_factory=dict)


def with_values(company: CompanyDetails, values: Mapping[str, Any]) -> CompanyDetails:
    """Return a company with other values. Of the notice addresses, only the subjects that are given change."""
    if isinstance(subjects := values.get("notice_addresses"), Mapping):
        lists = {subject: tuple(addresses or ()) for subject, addresses in subjects.items()}
        values = {**values, "notice_addresses": replace(company.notice_addresses, **lists)}
    elif subjects is None and "notice_addresses" in values:
        values = {**values, "notice_addresses": NO_NOTICE_ADDRESSES}
    if "parent_id" in values and values["parent_id"] != company.parent_id:  # the new parent was not agreed to
        values = {"shares_with_parent": False, **values}
    return replace(company, **values)


def check_company(company: CompanyDetails) -> list[Violation]:
    """Return the rules that a company breaks; its tier is checked where the tiers are known."""
    violations = [
        *check_text("name", company.name, most=NAME_MAX),
        *check_text("code", company.code, most=CODE_MAX),
        *check_language(company.language),
    ]
    if company.time_zone is not None and not is_zone(company.time_zone):
        rule = "must be the name of an IANA time zone, such as Europe/Amsterdam"
        violations.append(Violation("time_zone", rule, RuleCode.FORMAT))
    if company.shares_with_parent and company.parent_id is None:
        violations.append(Violation("shares_with_parent", "must be false without a parent", RuleCode.REFERENCE))
    for subject in NoticeAddresses.__struct_fields__:
        violations += _check_addresses(f"notice_addresses.{subject}", getattr(company.notice_addresses, subject))
    return violations


def _check_addresses(field: str, addresses: Sequence[str]) -> list[Violation]:
    if len(addresses) > NOTICE_ADDRESSES_MAX:
        return [Violation(field, f"must have at most {NOTICE_ADDRESSES_MAX} items", RuleCode.COUNT)]
    violations = [
        violation for at, address in enumerate(addresses) for violation in check_email(f"{field}.{at}", address)
    ]
    if len({normalized_address(address) for address in addresses}) < len(addresses):
        violations.append(Violation(field, "must not name an address twice", RuleCode.DUPLICATE))
    return violations


def check_language(language: str | None) -> list[Violation]:
    """Return the rule that a language breaks; None follows the company's, or the desk's."""
    if language is None or language in LANGUAGES:
        return []
    return [Violation("language", "must be one of " + ", ".join(LANGUAGES), RuleCode.CHOICE)]


def check_user(user: User) -> list[Violation]:
    """Return the rules that a user breaks."""
    of_provider = user.company_id == PROVIDER_ID
    violations = [
        *check_text("name", user.name, most=NAME_MAX),
        *check_email("email", user.email),
        *check_text("phone", user.phone, least=0, most=PHONE_MAX),
        *check_language(user.language),
        *_check_limit("only_queues", user.role, user.only_queues),
        *_check_limit("only_companies", user.role, user.only_companies),
    ]
    roles = STAFF_ROLES if of_provider else CUSTOMER_ROLES
    if of_provider and not user.is_confirmed:
        violations.append(Violation("is_confirmed", "must be true for the provider's people", RuleCode.CHOICE))
    if user.role not in roles:
        violations.append(Violation("role", "must be one of " + ", ".join(roles), RuleCode.CHOICE))
    return violations


def _check_limit(name: str, role: Role, limit: tuple[UUID, ...] | None) -> list[Violation]:
    if limit is None:
        return []
    if role not in LIMITED_ROLES:
        return [Violation(name, "must be null: only agents and viewers are limited", RuleCode.CHOICE)]
    if not 1 <= len(limit) <= LIMITS_MAX:
        return [Violation(name, f"must name 1 to {LIMITS_MAX}, or be null for all", RuleCode.COUNT)]
    if len({*limit}) < len(limit):
        return [Violation(name, "must name each only once", RuleCode.DUPLICATE)]
    return []


def check_key(name: str, scopes: frozenset[str], role: Role) -> list[Violation]:
    """Return the rules that a new key breaks. A key can have no scope that the role of its user does not have."""
    violations = check_text("name", name, most=NAME_MAX)
    if not scopes or scopes - ALL_SCOPES:
        violations.append(Violation("scopes", "must be some of " + ", ".join(sorted(ALL_SCOPES)), RuleCode.CHOICE))
    elif beyond := sorted(scopes - ROLE_SCOPES[role]):
        violations.append(
            Violation("scopes", f"must not have {', '.join(beyond)}: the user is {_a(role)}", RuleCode.CHOICE)
        )
    return violations


def is_secret(text: str) -> bool:
    """Return whether the text has the form of a key's secret."""
    return len(text) == SECRET_LENGTH and text.startswith(KEY_PREFIX) and text.isascii()


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret: its SHA-256. A secret has 256 random bits, so a slow hash is not needed."""
    return hashlib.sha256(secret.encode()).digest()


def _a(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role.replace('_', ' ')}"
