"""The names of the time zones."""

from functools import cache


@cache
def _zone_names() -> frozenset[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - most commands name no time zone

    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Return whether a name is that of an IANA time zone, such as ``Europe/Amsterdam``."""
    return name in _zone_names()
