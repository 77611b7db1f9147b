"""Subscriptions: where a company wants its events sent to."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from clearline.errors import Violation
from clearline.events.event_types import EVENT_TYPES
from clearline.text import check_text

MOST = 20
"""Subscriptions that a company can have."""

URL_MAX = 2000
DESCRIPTION_MAX = 255
TYPES_MAX = 50

ROTATION = timedelta(hours=24)
"""For so long after a rotation the secret before signs too."""

_BEGINNINGS = frozenset(kind.partition(".")[0] + "." for kind in EVENT_TYPES)
URL = re.compile(
    r"https?://([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?([/?][!\"$-~]*)?"
)
"""A URL without user, password or fragment, whose host has labels of 1 to 63 characters (RFC 1035, 2.3.4).

Its pattern is one in every dialect of regular expressions.
"""

HOST_MAX = 253

URL_RULE = f"must be an https URL of at most {URL_MAX} ASCII characters, without user, password or fragment"
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/3",
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ),
    )
)  # fmt: skip
"""What the registries of special-purpose addresses (RFC 6890, IANA, October 2024) keep from public use."""

_PUBLIC_V6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052, 2.1)."""


class Subscription(Struct, frozen=True):
    """Where events of a company are sent to.

    ``types`` are whole types, or beginnings that end with a dot; none are all. ``generation`` says which secret signs;
    the one before signs too until ``previous_until``. ``failures`` counts how often in a row the receiver could not be
    reached, ``resume_at`` is when it is tried again. ``disabled_reason`` is there when the desk gave it up.
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

    @property
    def name(self) -> str:
        """What an event calls it: the receiver's origin. The rest of a URL may be a secret."""
        return origin(self.url)

    def wants(self, kind: str) -> bool:
        """Whether events of this type are sent."""
        return not self.types or any(_fits(one, kind) for one in self.types)


def _fits(wanted: str, kind: str) -> bool:
    return kind.startswith(wanted) if wanted.endswith(".") else kind == wanted


def origin(url: str) -> str:
    """Scheme, host and port of a URL (RFC 6454, 4)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_subscription(one: Subscription, networks: Sequence[str]) -> list[Violation]:
    """The rules that a subscription breaks; ``networks`` are the private ones that may be sent to."""
    return [
        *check_url(one.url, networks),
        *check_text("description", one.description, least=0, most=DESCRIPTION_MAX),
        *_check_types(one.types),
    ]


def _check_types(types: Sequence[str]) -> list[Violation]:
    if len(types) > TYPES_MAX:
        return [Violation("types", f"must be at most {TYPES_MAX}")]
    rule = "must be a type of event, or a beginning of one that ends with a dot, such as ticket."
    return [
        Violation(f"types.{index}", rule)
        for index, one in enumerate(types)
        if one not in EVENT_TYPES and one not in _BEGINNINGS
    ]


def check_url(url: str, networks: Sequence[str]) -> list[Violation]:
    """The rules that a receiver's URL breaks, as far as the text tells; the rest is seen when its name is resolved."""
    broken = _broken(url, networks)
    return [] if broken is None else [Violation("url", broken)]


def _broken(url: str, networks: Sequence[str]) -> str | None:
    found = URL.fullmatch(url)
    if found is None or len(url) > URL_MAX or len(found[1]) > HOST_MAX:
        return URL_RULE
    try:
        port, literal = urlsplit(url).port, _literal(found[1])
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


def _literal(host: str) -> str | None:
    """The address that stands in the place of a name, or None.

    Raises:
        ValueError: what stands in brackets is no address.
    """
    if host.startswith("["):
        return str(ip_address(host[1:-1]))
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def may_reach(address: str, networks: Sequence[str], *, is_plain: bool = False) -> bool:
    """Whether webhooks may go to an address: a public one over TLS, or any way to one in ``networks``."""
    one = _unwrapped(ip_address(address.partition("%")[0]))
    if any(one in ip_network(network) for network in networks):
        return True
    return not is_plain and _is_public(one)


def _unwrapped(one: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(one, IPv6Address):
        if one.ipv4_mapped is not None:
            return one.ipv4_mapped
        if one in _NAT64:
            return IPv4Address(int(one) & 0xFFFFFFFF)
    return one


def _is_public(one: IPv4Address | IPv6Address) -> bool:
    if one.version == 6 and one not in _PUBLIC_V6:
        return False
    return one.is_global and not any(one in network for network in _NOT_PUBLIC)
