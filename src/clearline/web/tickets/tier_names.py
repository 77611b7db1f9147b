"""What pages call the tiers of companies and services."""

from collections.abc import Mapping
from contextvars import ContextVar

_LABELS: ContextVar[Mapping[str, str]] = ContextVar("tiers")


def show_tiers(labels: Mapping[str, str]) -> None:
    """Call tiers by these labels, which have their keys, in the pages of the present request."""
    _LABELS.set(labels)


def tier_name(key: str | None) -> str:
    """Return the label of a tier; empty for none."""
    return "" if key is None else _LABELS.get({}).get(key, key)
