"""When PostgreSQL's minor releases came out, so that an old one is noticed without asking the network.

Source: https://www.postgresql.org/docs/release/ and the announcements; 18.5 was never released. A minor release that is
not in the table is newer than this Clearline.
"""

import re
from datetime import date, timedelta

AGE_MAX = timedelta(days=100)
"""Minor releases are made every three months at least, most with security fixes; ten days to install one."""

_RELEASES: dict[date, tuple[str, ...]] = {
    date(2025, 8, 14): ("17.6", "16.10", "15.14"),
    date(2025, 9, 25): ("18.0",),
    date(2025, 11, 13): ("18.1", "17.7", "16.11", "15.15"),
    date(2026, 2, 12): ("18.2", "17.8", "16.12", "15.16"),
    date(2026, 2, 26): ("18.3", "17.9", "16.13", "15.17"),
    date(2026, 5, 14): ("18.4", "17.10", "16.14", "15.18"),
    date(2026, 8, 13): ("18.6", "17.11", "16.15", "15.19"),
}
_DATES = {tuple(map(int, version.split("."))): day for day, versions in _RELEASES.items() for version in versions}


def release_date(version: str) -> date | None:
    """Return when a version was released, or None for one that the table does not know.

    ``version`` is as PostgreSQL says it: ``18.6``, ``15.18 (Debian 15.18-0+deb12u1)``. For a minor version before the
    first one of the table it is the date of that one: it is older still.
    """
    numbers = re.match(r"(\d+)\.(\d+)\b", version)
    if numbers is None:
        return None
    major, minor = int(numbers[1]), int(numbers[2])
    known = sorted(release for release in _DATES if release[0] == major)
    if known and minor < known[0][1]:
        return _DATES[known[0]]
    return _DATES.get((major, minor))


def age_warning(version: str, today: date) -> str | None:
    """Return what to say about a minor release that is too old, or None when it is not or its date is unknown."""
    day = release_date(version)
    if day is None or today - day <= AGE_MAX:
        return None
    return (
        f"PostgreSQL {version.split(maxsplit=1)[0]} is at least {(today - day).days} days old ({day}): minor releases "
        "with security fixes come every three months"
    )
