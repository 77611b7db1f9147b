"""Origins, and which addresses Clearline may connect to: public ones, and private ones that the provider allows."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

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
"""Networks that the registries of special-purpose addresses (RFC 6890, IANA, October 2024) keep from public use."""

_PUBLIC_V6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052, 2.1)."""


def origin(url: str) -> str:
    """Return scheme, host and port of a URL (RFC 6454, 4)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def may_reach(address: str, networks: Sequence[str], *, is_plain: bool = False) -> bool:
    """Return whether Clearline may connect to an address.

    A public address may be reached over TLS, an address in ``networks`` without it too (``is_plain``).
    """
    target = _unwrapped(ip_address(address.partition("%")[0]))
    if any(target in ip_network(network) for network in networks):
        return True
    return not is_plain and _is_public(target)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address embeds, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 6 and address not in _PUBLIC_V6:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)
