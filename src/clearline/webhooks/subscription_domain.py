"""Subscriptions: which events a company wants sent to which URL."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.events.type_names import unknown_type_rule
from clearline.platform.network.addresses import may_reach, origin
from clearline.text import check_text
from clearline.webhooks.delivery_actions.domain import DeliveryAction

URL_MAX = 2000
DESCRIPTION_MAX = 255
TYPES_MAX = 50

ROTATION_PERIOD = timedelta(hours=24)
"""How long after a rotation the previous secret signs too."""

URL = re.compile(
    r"https?://([A-Za-z0-9_\-]{1,63}(\.[A-Za-z0-9_\-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"([\/?]([!$&-;=?-Z_a-z~]|%[0-9A-Fa-f]{2})*)?"
)
"""A URL without user, password or fragment, whose host has labels of 1 to 63 characters (RFC 1035, 2.3.4).

Its path and query have the characters of RFC 3986, 3.3 and 3.4; others must be percent-encoded. The pattern is valid in
every dialect of regular expressions.
"""

HOST_MAX = 253

URL_RULE = (
    f"must be an https URL of at most {URL_MAX} ASCII characters, without user, password or fragment; "
    "percent-encode other characters"
)


class Subscription(Struct, frozen=True):
    """What a company wants to receive, and where.

    ``types`` are event types, or prefixes of types that end with a dot; none at all means every type. ``generation`` is
    the number of the secret that signs; the previous one signs too until ``previous_until``. ``failures`` counts how
    often in a row the receiver could not be reached, ``resume_at`` is when it is tried next, ``paused_at`` when that
    was decided. ``disabled_reason`` is set when the server disabled the subscription. ``in_progress`` is what is being
    done with all its deliveries.
    """

    company_id: UUID
    id: UUID
    url: str
    description: str
    types: tuple[str, ...]
    is_active: bool
    disabled_reason: str | None
    generation: int
    previous_until: datetime | None
    failures: int
    failing_since: datetime | None
    resume_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    paused_at: datetime | None = None
    in_progress: DeliveryAction | None = None

    @property
    def name(self) -> str:
        """The receiver's origin, as events name it. The rest of a URL may be a secret."""
        return origin(self.url)

    def wants(self, kind: str) -> bool:
        """Return whether events of this type are sent."""
        return not self.types or any(_matches(type_or_prefix, kind) for type_or_prefix in self.types)


def _matches(type_or_prefix: str, kind: str) -> bool:
    return kind.startswith(type_or_prefix) if type_or_prefix.endswith(".") else kind == type_or_prefix


def check_subscription(subscription: Subscription, networks: Sequence[str]) -> list[Violation]:
    """Return the rules that a subscription breaks; ``networks`` are the private ones that may be reached."""
    return [
        *check_url(subscription.url, networks),
        *check_text("description", subscription.description, least=0, most=DESCRIPTION_MAX),
        *_check_types(subscription.types),
    ]


def _check_types(types: Sequence[str]) -> list[Violation]:
    if len(types) > TYPES_MAX:
        return [Violation("types", f"must be at most {TYPES_MAX}", RuleCode.COUNT)]
    return [
        Violation(f"types.{index}", rule, RuleCode.CHOICE)
        for index, rule in enumerate(map(unknown_type_rule, types))
        if rule is not None
    ]


def check_url(url: str, networks: Sequence[str]) -> list[Violation]:
    """Return the rules that a URL breaks by its text; the addresses of its name are checked when it is resolved."""
    broken = _broken_rule(url, networks)
    return [] if broken is None else [Violation("url", broken, RuleCode.FORMAT)]


def _broken_rule(url: str, networks: Sequence[str]) -> str | None:
    match = URL.fullmatch(url)
    if match is None or len(url) > URL_MAX or len(match[1]) > HOST_MAX:
        return URL_RULE
    try:
        port, literal = urlsplit(url).port, _literal_address(match[1])
    except ValueError:
        port, literal = 0, None
    if port == 0:
        return "must have a valid host and port"
    is_plain = url.startswith("http:")
    if is_plain and (not networks or (literal is not None and not may_reach(literal, networks, is_plain=True))):
        return "must begin with https://"
    if literal is not None and not may_reach(literal, networks):
        return "must lead to a public address"
    return None


def _literal_address(host: str) -> str | None:
    """Return the address when the host is one instead of a name, or None.

    Raises:
        ValueError: what is in brackets is no address.
    """
    if host.startswith("["):
        return str(ip_address(host[1:-1]))
    try:
        return str(ip_address(host))
    except ValueError:
        return None
