"""Companies, users and API keys: the rules for their values, and what a key looks like."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.identity import ALL_SCOPES, CUSTOMER_ROLES, PROVIDER_ID, ROLE_SCOPES, STAFF_ROLES, Role, User
from clearline.text import check_email, check_text

NAME_MAX = 255
CODE_MAX = 32
PHONE_MAX = 64
USERS_MAX = 1000
"""The most users of a company that its own admins may add, inactive ones too; the provider may add more."""
INVITATIONS_MAX, INVITATIONS_PERIOD = 100, timedelta(days=1)
"""The most addresses that the admins of a company may have invited within a time."""
KEY_PREFIX = "clk_"
SECRET_LENGTH = len(KEY_PREFIX) + 43
"""The prefix, and 32 random bytes in base64url without padding."""
SHOWN_LENGTH = len(KEY_PREFIX) + 6
"""The characters of a secret that its key shows."""

KEYS_MAX = 200
"""The keys in force that a company's own admins may issue; the provider may issue more to it."""


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


def check_company(name: str, code: str) -> list[Violation]:
    """Return the rules that a company breaks."""
    return [*check_text("name", name, most=NAME_MAX), *check_text("code", code, most=CODE_MAX)]


def check_user(user: User) -> list[Violation]:
    """Return the rules that a user breaks."""
    of_provider = user.company_id == PROVIDER_ID
    violations = [
        *check_text("name", user.name, most=NAME_MAX),
        *check_email("email", user.email),
        *check_text("phone", user.phone, least=0, most=PHONE_MAX),
    ]
    roles = STAFF_ROLES if of_provider else CUSTOMER_ROLES
    if of_provider and not user.is_confirmed:
        violations.append(Violation("is_confirmed", "must be true for the provider's people", RuleCode.CHOICE))
    if user.role not in roles:
        violations.append(Violation("role", "must be one of " + ", ".join(roles), RuleCode.CHOICE))
    return violations


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
