"""Identity providers: their settings, and what their claims mean here."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from clearline.errors import Conflict, DeskError, RuleCode, TooMany, Violation
from clearline.identity import STAFF_ROLES, Role
from clearline.text import check_email, check_text, storable

PROVIDERS_MAX = 20
FLOW_LIFETIME = timedelta(minutes=10)
"""How long a browser may stay at the identity provider."""
CALLBACK_PATH = "/sign-in/callback/"
"""Where the browser comes back to; the id of the identity provider follows."""
SECRET_MAX = 1000
_NAME_MAX, _URL_MAX, _CLIENT_MAX, _CLAIM_MAX = 255, 1000, 255, 255
_DOMAINS_MAX, _GROUPS_MAX, _GROUP_MAX, _SCOPES_MAX, _VALUES_MAX = 50, 200, 255, 20, 20
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
"""A scope (RFC 6749, 3.3)."""
_SUBJECT_MAX = 255
_MFA = "mfa"
"""The authentication method of several factors (RFC 8176, 2)."""


class IdentityProvider(Struct, frozen=True):
    """An OpenID provider that people of the provider sign in with. ``name`` is on the button.

    ``client_secret`` is encrypted, never shown and never in an event. ``scopes`` are asked for beside ``openid``,
    ``email`` and ``profile``. Addresses must be within ``email_domains``. The groups in ``groups_claim`` give the
    highest of their roles in ``group_roles``; ``default_role`` is that of people without such a group, and None refuses
    them. Without any group in ``group_roles``, it is the first role of new people, and admins change it here.

    The provider's sign-in counts as a second factor when it says that it used several factors (``amr``), when its
    ``acr`` is one of ``second_factor_values``, or always if ``trusts_second_factor``. While it is active, and
    ``replaces_password``, whoever has signed in with it cannot use a password.
    """

    id: UUID
    name: str
    created_at: datetime
    is_active: bool = True
    issuer: str = ""
    client_id: str = ""
    client_secret: bytes | None = None
    scopes: tuple[str, ...] = ()
    email_domains: tuple[str, ...] = ()
    groups_claim: str = "groups"
    group_roles: Mapping[str, Role] = {}
    default_role: Role | None = None
    second_factor_values: tuple[str, ...] = ()
    trusts_second_factor: bool = False
    replaces_password: bool = True


class Flow(Struct, frozen=True):
    """A sign-in that waits for the browser to come back. ``is_again`` when the person has to prove again who it is."""

    provider_id: UUID
    nonce: str
    verifier: str
    return_to: str
    is_again: bool
    created_at: datetime


class Claims(Struct, frozen=True):
    """What an identity provider says about a person.

    ``email`` is empty unless it says that the address is verified, and the address can be stored.
    """

    issuer: str
    subject: str
    name: str
    email: str
    groups: frozenset[str]
    has_second_factor: bool
    authenticated_at: datetime | None


class Proofs(Struct, frozen=True):
    """How a person can prove again who it is: with a password, and by which providers (their ids and names)."""

    uses_password: bool
    providers: list[tuple[UUID, str]]


class TooManyProviders(TooMany):
    """There are as many identity providers as there can be."""

    code = "too_many_identity_providers"
    rule = "there can be at most {most} identity providers"


class ProviderFailed(DeskError):
    """The identity provider was not reached, or its answer is not what the standards say. The text is for admins."""

    code = "identity_provider_failed"


class ProviderUnreachable(ProviderFailed):
    """The identity provider was not reached, or cannot answer: nobody can sign in with it at the moment."""

    code = "identity_provider_unreachable"


class FlowRefused(DeskError):
    """What a browser brought back is no answer to a sign-in that it began. The text is for admins."""

    code = "identity_provider_refused"


class PersonRefused(Conflict):
    """The identity provider knows the person, and this desk does not let it in. The text is for admins."""

    code = "identity_refused"


def check_provider(provider: IdentityProvider) -> list[Violation]:
    """Return the rules that an identity provider breaks."""
    violations = [
        *check_text("name", provider.name, most=_NAME_MAX),
        *check_text("client_id", provider.client_id, most=_CLIENT_MAX),
        *check_text("groups_claim", provider.groups_claim, most=_CLAIM_MAX),
        *_check_issuer(provider.issuer),
    ]
    if not 1 <= len(provider.email_domains) <= _DOMAINS_MAX:
        violations.append(Violation("email_domains", f"must be 1 to {_DOMAINS_MAX} domains", RuleCode.LENGTH))
    if not all(_DOMAIN.fullmatch(domain) for domain in provider.email_domains):
        violations.append(Violation("email_domains", "must be domains like example.net", RuleCode.FORMAT))
    if len(provider.scopes) > _SCOPES_MAX or not all(_TOKEN.fullmatch(scope) for scope in provider.scopes):
        violations.append(Violation("scopes", f"must be at most {_SCOPES_MAX} words like groups", RuleCode.FORMAT))
    if len(provider.second_factor_values) > _VALUES_MAX:
        violations.append(Violation("second_factor_values", f"must be at most {_VALUES_MAX}", RuleCode.LENGTH))
    return [*violations, *_check_roles(provider)]


def _check_issuer(issuer: str) -> list[Violation]:
    rule = "must be an address like https://id.example.com, without query and fragment"
    try:
        parts = urlsplit(issuer)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return [Violation("issuer", rule, RuleCode.FORMAT)]
    is_plain = issuer.isascii() and issuer.isprintable() and " " not in issuer and len(issuer) <= _URL_MAX
    is_bare = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme in {"https", "http"} and parts.hostname and port_is_valid and is_plain and is_bare:
        return []
    return [Violation("issuer", rule, RuleCode.FORMAT)]


def _check_roles(provider: IdentityProvider) -> list[Violation]:
    violations = []
    if len(provider.group_roles) > _GROUPS_MAX:
        violations.append(Violation("group_roles", f"must be at most {_GROUPS_MAX} groups", RuleCode.LENGTH))
    if not all(0 < len(group) <= _GROUP_MAX and storable(group) for group in provider.group_roles):
        violations.append(Violation("group_roles", f"must be groups of 1 to {_GROUP_MAX} characters", RuleCode.LENGTH))
    if not set(provider.group_roles.values()) <= set(STAFF_ROLES):
        rule = "must be groups with one of the roles " + ", ".join(STAFF_ROLES)
        violations.append(Violation("group_roles", rule, RuleCode.CHOICE))
    if provider.default_role is not None and provider.default_role not in STAFF_ROLES:
        violations.append(Violation("default_role", "must be one of " + ", ".join(STAFF_ROLES), RuleCode.CHOICE))
    if not provider.group_roles and provider.default_role is None:
        rule = "must have a group, or there must be a role of everybody else"
        violations.append(Violation("group_roles", rule, RuleCode.REQUIRED))
    return violations


def role_of(provider: IdentityProvider, groups: frozenset[str]) -> Role | None:
    """Return the highest role that groups have at a provider, or the default; None refuses the person."""
    roles = {role for group, role in provider.group_roles.items() if group in groups}
    return next((role for role in STAFF_ROLES if role in roles), provider.default_role)


def is_within(email: str, domains: Sequence[str]) -> bool:
    """Return whether an address is valid, and in one of the domains; subdomains are domains of their own."""
    return not check_email("email", email) and email.rpartition("@")[2].lower() in domains


def claims_of(provider: IdentityProvider, claims: Mapping[str, Any], authenticated_at: datetime | None) -> Claims:
    """Return what the claims of a checked ID token, and of the user info, mean.

    Raises:
        PersonRefused: the subject cannot be stored.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_MAX or not storable(subject):
        raise PersonRefused(f"the subject must have 1 to {_SUBJECT_MAX} characters")
    methods = claims.get("amr")
    is_multiple = isinstance(methods, list) and _MFA in methods
    email, name = claims.get("email"), claims.get("name")
    is_verified = claims.get("email_verified") in _TRUE
    if provider.issuer.startswith(_ENTRA):
        is_verified = is_verified or claims.get("xms_edov") in _TRUE
    return Claims(
        issuer=provider.issuer,
        subject=subject,
        name=name.strip() if isinstance(name, str) else "",
        email=email.strip() if isinstance(email, str) and storable(email) and is_verified else "",
        groups=_groups(provider.groups_claim, claims),
        has_second_factor=provider.trusts_second_factor
        or is_multiple
        or claims.get("acr") in provider.second_factor_values,
        authenticated_at=authenticated_at,
    )


_ENTRA = (
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
)
"""The issuers of Microsoft Entra ID say with a claim of their own that the owner of the domain is verified."""
_TRUE = (True, "true", "True", "1")
"""Some providers send the flag as a text."""


def _groups(name: str, claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups in a claim: a list or one name; a dot leads into an object, as in ``realm_access.roles``."""
    value: Any = claims.get(name)
    if value is None and "." in name:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(group for group in value if isinstance(group, str)) if isinstance(value, list) else frozenset()
