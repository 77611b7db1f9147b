"""How old a minor release of PostgreSQL is."""

from datetime import date
from pathlib import Path

import pytest

from clearline.platform.postgres import programs
from clearline.platform.postgres.releases import age_warning, release_date


def test_the_release_date_of_the_shipped_version_is_known() -> None:
    shipped = programs.find(Path("/nonexistent"), None, None).version
    assert release_date(shipped) is not None, f"add PostgreSQL {shipped} to the table"


@pytest.mark.parametrize(
    ("version", "day"),
    [
        ("18.6", date(2026, 8, 13)),
        ("15.18 (Debian 15.18-0+deb12u1)", date(2026, 5, 14)),
        ("17.10", date(2026, 5, 14)),
        ("17.1", date(2025, 8, 14)),  # older than the table: at least as old as its first row
        ("15.3", date(2025, 8, 14)),
        ("18.5", None),  # was never released
        ("18.99", None),
        ("19beta1", None),
        ("19.0", None),
        ("14.1", None),
        ("", None),
    ],
)
def test_release_dates(version: str, day: date | None) -> None:
    assert release_date(version) == day


def test_a_minor_release_is_old_after_100_days() -> None:
    assert age_warning("18.6", date(2026, 8, 13)) is None
    assert age_warning("18.6", date(2026, 11, 21)) is None
    assert age_warning("18.6", date(2026, 11, 22)) == (
        "PostgreSQL 18.6 is at least 101 days old (2026-08-13): minor releases with security fixes come every three "
        "months"
    )


@pytest.mark.parametrize("version", ["18.99", "19beta1", "19.0"])
def test_nothing_is_said_about_a_release_that_is_not_known(version: str) -> None:
    assert age_warning(version, date(2040, 1, 1)) is None
