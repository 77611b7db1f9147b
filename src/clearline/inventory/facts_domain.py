"""The facts of a service: its state, its rate, its ends."""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.text import check_text

TEXT_MAX = 255
"""Characters of a site, device or port, of the customer's label, and of a carrier and its circuit id."""
VLAN_MAX = 64
_VLAN_ID_MAX = 4094
"""IEEE 802.1Q."""
VLAN_PATTERN = r"[0-9]{1,4}(([.,]|/|-)[0-9]{1,4})*"
RATE_MAX = 10**16
"""Bit/s."""


class ServiceState(StrEnum):
    """The state of a service: ordered and not yet delivered, in use, suspended for a while, or ceased for good."""

    ORDERED = "ordered"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CEASED = "ceased"


class End(Struct, frozen=True, omit_defaults=True):
    """An end of a service: where it is. ``vlan`` may be several ids: ``100.200`` (outer, inner), ``10-19``."""

    site: str | None = None
    device: str | None = None
    port: str | None = None
    vlan: str | None = None


NO_END = End()
_VLAN = re.compile(VLAN_PATTERN)
_UNITS = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)\s*(?:bit/s|bps|b/s|bit)?", re.IGNORECASE | re.ASCII)
RATE_RULE = "must be bit/s as a whole number, or with a unit, such as 10G, 2.5M or 64k"


def rate_text(rate: int) -> str:
    """Return a rate in bit/s in the largest unit that it has at least one of, without rounding: ``10G``, ``1.544M``."""
    unit, size = next(((unit, size) for unit, size in _UNITS if rate >= size), ("", 1))
    return f"{(Decimal(rate) / size).normalize():f}{unit}"


def parse_rate(text: str) -> int | None:
    """Return the bit/s of a rate such as ``10G``, ``100 Mbit/s`` or ``64000``; None if it is none."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        return None
    size = next((size for unit, size in _UNITS if unit.lower() == match[2].lower()), 1)
    rate = Decimal(match[1]) * size
    return int(rate) if rate == int(rate) else None


def check_rate(rate: int | None) -> list[Violation]:
    """Return the rule that a rate breaks."""
    if rate is None or 0 < rate <= RATE_MAX:
        return []
    return [Violation("rate", f"must be bit/s from 1 to {RATE_MAX}", RuleCode.RANGE)]


def check_end(field: str, end: End | None) -> list[Violation]:
    """Return the rules that an end breaks."""
    if end is None:
        return []
    violations = [
        violation
        for name in ("site", "device", "port")
        if (text := getattr(end, name)) is not None
        for violation in check_text(f"{field}.{name}", text, most=TEXT_MAX)
    ]
    return [*violations, *_check_vlan(f"{field}.vlan", end.vlan)]


def _check_vlan(field: str, vlan: str | None) -> list[Violation]:
    if vlan is None:
        return []
    is_vlan = len(vlan) <= VLAN_MAX and _VLAN.fullmatch(vlan) is not None
    if is_vlan and all(0 < int(number) <= _VLAN_ID_MAX for number in re.findall("[0-9]+", vlan)):
        return []
    return [Violation(field, "must be VLAN ids from 1 to 4094, such as 100, 100.200 or 10-19", RuleCode.FORMAT)]


def parse_date(text: str) -> date | None:
    """Return the day of a text in ISO 8601, such as ``2026-03-01``; None if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
