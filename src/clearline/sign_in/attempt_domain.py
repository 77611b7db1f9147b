"""How many attempts to prove who one is may fail."""

from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from msgspec import Struct

WINDOW = timedelta(minutes=15)
"""Attempts are counted from the first one on for so long."""
ACCOUNT_FROM_NETWORK_MAX, ACCOUNT_MAX, NETWORK_MAX = 10, 100, 100
"""Attempts that may fail within ``WINDOW``. The first is the limit that people meet; the second holds against many
networks, and is higher, so that whoever knows an address cannot lock its owner out from one network."""
_SUBNET = 64
"""Bits of an IPv6 address that count: whoever has one address usually has all that begin with them."""


class Counter(Struct, frozen=True, order=True):
    """What is counted, as a hash, and the most attempts."""

    key: bytes
    most: int


def counters(account: str, address: str, most: int = ACCOUNT_MAX) -> list[Counter]:
    """Return what an attempt counts for, sorted; first of all names of accounts in one form.

    Args:
        account: what is attacked: an address in lower case, or the id of a user.
        address: the network address of the client.
        most: the attempts for the account from all networks.
    """
    network = network_of(address)
    named = {
        f"account {account} from {network}": ACCOUNT_FROM_NETWORK_MAX,
        f"account {account}": most,
        f"network {network}": NETWORK_MAX,
    }
    return sorted(Counter(sha256(name.encode("utf-8", "surrogatepass")).digest(), most) for name, most in named.items())


def network_of(address: str) -> str:
    """Return the network that an address counts for: itself (IPv4), its /64 (IPv6), or the text if it is none."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _SUBNET), strict=False))
    return str(parsed)
