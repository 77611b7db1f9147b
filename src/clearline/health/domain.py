"""The results of checks of the installation."""

from datetime import date, datetime, timedelta

from msgspec import Struct

from clearline.platform.database.session import PLANNER_SETTINGS
from clearline.platform.postgres.releases import age_warning, release_date


class Check(Struct, frozen=True, omit_defaults=True):
    """The result of one check. With ``warning`` it is fulfilled, and its detail says what to do before long."""

    name: str
    ok: bool
    detail: str
    warning: bool = False

    @property
    def word(self) -> str:
        """How the result is shown."""
        return ("warning" if self.warning else "ok") if self.ok else "WRONG"


_CLOCK_TOLERANCE = timedelta(seconds=5)
LATE = timedelta(minutes=5)
"""How long work may be due before it is late."""


class Backlog(Struct, frozen=True):
    """Work that is due: how much, counted up to ``limit``, and since when the oldest is.

    Work that ``may_last`` is never late.
    """

    name: str
    count: int
    oldest: datetime | None
    limit: int
    may_last: bool = False

    def is_late(self, now: datetime) -> bool:
        """Return whether the oldest is due for longer than workers take."""
        return not self.may_last and self.oldest is not None and now - self.oldest > LATE


def check_planner(actual: dict[str, str], *, is_embedded: bool) -> Check:
    """Return whether the planner's settings are those that each connection asks for.

    A pooler in front of a server may drop them. The embedded PostgreSQL has none in front of it.
    """
    wrong = [
        f"{name} is {actual.get(name)}, not {value}"
        for name, value in PLANNER_SETTINGS.items()
        if actual.get(name) != value
    ]
    advice = (
        "; restart Clearline"
        if is_embedded
        else "; a pooler drops them: set them for the role, see the guide to production"
    )
    shown = ", ".join(f"{name} {value}" for name, value in PLANNER_SETTINGS.items())
    return Check("planner", ok=not wrong, detail=", ".join(wrong) + advice if wrong else shown)


def check_clock(difference: timedelta, *, is_embedded: bool) -> Check:
    """Return whether the clocks of this machine and of PostgreSQL agree."""
    is_right = abs(difference) <= _CLOCK_TOLERANCE
    detail = f"{abs(difference).total_seconds():.1f} s between this machine and the database"
    if not is_right:
        detail += (
            "; the clock of this machine was set just now: check again"
            if is_embedded
            else "; synchronize the clocks of both machines, for example with NTP"
        )
    return Check("clock", ok=is_right, detail=detail)


def check_age(version: str, today: date, *, is_embedded: bool) -> Check:
    """Return whether the minor release of PostgreSQL is recent. An old one is a warning: Clearline works with it."""
    warning = age_warning(version, today)
    if warning is None:
        day = release_date(version)
        return Check("minor release", ok=True, detail=f"of {day}" if day else f"{version} is newer than this Clearline")
    advice = "update Clearline, or set CLEARLINE_POSTGRES_BIN to newer programs" if is_embedded else "update the server"
    return Check("minor release", ok=True, detail=f"{warning}; {advice}", warning=True)
