"""The data directory over major versions of PostgreSQL."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres import programs
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.platform.postgres.upgrade import Upgrade, upgrade
from tests.builders.application import run_command
from tests.builders.databases import reachable_dir
from tests.builders.people import new_tenant
from tests.builders.postgres.old_versions import INSTALLED, each_version, make_old_data

needs_old = pytest.mark.skipif(not INSTALLED, reason="no PostgreSQL 15, 16 or 17 is installed")
OLD = next(iter(INSTALLED), 17)
OLD_BIN = INSTALLED.get(OLD, Path("/nonexistent"))


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Yield a data directory of an earlier version that was stopped cleanly, for copies."""
    folder = reachable_dir("clearline-old-")
    make_old_data(folder / "data", OLD_BIN, OLD)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(template: Path, folder: Path) -> Path:
    subprocess.run(["cp", "-a", template, folder / "data"], check=True)  # noqa: S607
    return folder / "data"


def start_old(data_dir: Path, major: int) -> embedded_postgres.EmbeddedPostgres:
    """Start the data directory as a Clearline with that version does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "MAJOR", major)
        return embedded_postgres.start(data_dir, bin_dir=INSTALLED[major])


@pytest.mark.parametrize("major", each_version())
async def test_a_desk_is_carried_over_with_everything_in_it(major: int, folder: Path) -> None:
    data_dir, old_bin = folder / "data", INSTALLED[major]
    make_old_data(data_dir, old_bin, major)
    server = start_old(data_dir, major)
    database = await Database.open(server.url)
    await migrate.migrate(database, afterwards=event_store.renumber)
    tenant = await new_tenant(database)
    await database.close()
    before = await read_facts(server.url)
    server.stop()
    with pytest.raises(EmbeddedPostgresError, match=f"holds data of PostgreSQL {major}, .*upgrade-database --old-bin"):
        embedded_postgres.start(data_dir)

    done = upgrade(data_dir, old_bin, None, None)

    assert done == Upgrade(major, done.version, data_dir / f"postgresql.old-{major}")
    assert (data_dir / f"postgresql.old-{major}" / "PG_VERSION").read_text() == f"{major}\n"
    server = embedded_postgres.start(data_dir)
    after = await read_facts(server.url)
    server.stop()
    assert after.companies == before.companies
    assert str(tenant.company.id) in after.companies
    assert after.checksums == before.checksums == "on"
    assert after.xid > before.xid, "the order of the events is that of transaction numbers"
    assert upgrade(data_dir, old_bin, None, None) == Upgrade(programs.MAJOR, done.version, None)


class Facts(NamedTuple):
    """What a database has, before and after an upgrade."""

    companies: list[str]
    checksums: str
    xid: int


async def read_facts(url: str) -> Facts:
    connection = await asyncpg.connect(url)
    companies = [str(row[0]) for row in await connection.fetch("select id from company order by id")]
    checksums = await connection.fetchval("show data_checksums")
    xid = int(await connection.fetchval("select pg_current_xact_id()::text"))
    await connection.close()
    return Facts(companies, checksums, xid)


@needs_old
def test_the_command_says_what_it_did_and_what_to_delete(data_dir: Path) -> None:
    done = run_command("", "upgrade-database", "--old-bin", str(OLD_BIN), CLEARLINE_DATA_DIR=str(data_dir))
    assert done.exit_code == 0, done.stderr
    assert f"Carried the database over from PostgreSQL {OLD} to {programs.MAJOR}." in done.stdout
    assert f"{data_dir}/postgresql.old-{OLD} (" in done.stdout
    again = run_command("", "upgrade-database", "--old-bin", str(OLD_BIN), "--json", CLEARLINE_DATA_DIR=str(data_dir))
    assert json.loads(again.stdout)["kept"] is None


@needs_old
def test_an_upgrade_recovers_what_a_crash_left_and_replaces_an_incomplete_one(data_dir: Path) -> None:
    (data_dir / "postgresql.new").mkdir()
    pid_file = data_dir / "postgresql" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{data_dir / 'postgresql'}\n1\n5432\n\n\n")  # a process that is no PostgreSQL
    owner = (data_dir / "postgresql").stat()
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    pid_file.chmod(0o600)
    assert upgrade(data_dir, OLD_BIN, None, None).kept == data_dir / f"postgresql.old-{OLD}"
    assert not (data_dir / "postgresql.new").exists()


@needs_old
def test_an_upgrade_that_was_interrupted_at_its_end_is_started_again(data_dir: Path) -> None:
    (data_dir / "postgresql").rename(data_dir / f"postgresql.old-{OLD}")
    with pytest.raises(EmbeddedPostgresError, match="an upgrade was interrupted; run clearline upgrade-database again"):
        embedded_postgres.start(data_dir)
    assert upgrade(data_dir, OLD_BIN, None, None).kept == data_dir / f"postgresql.old-{OLD}"


@needs_old
def test_what_prevents_an_upgrade_is_named_and_changes_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def refused(old_bin: Path, text: str) -> None:
        with pytest.raises(EmbeddedPostgresError, match=text):
            upgrade(data_dir, old_bin, None, None)
        assert (data_dir / "postgresql" / "PG_VERSION").read_text() == f"{OLD}\n"
        assert not (data_dir / f"postgresql.old-{OLD}" / "PG_VERSION").exists()

    refused(
        folder, f"--old-bin: {folder} has no program postgres, pg_ctl, pg_controldata, pg_resetwal: name the folder"
    )
    shipped = programs.find(data_dir, None, None).folder
    if os.access(shipped, os.X_OK):
        refused(shipped, rf"--old-bin: .* has PostgreSQL {programs.MAJOR}\.\d+, and .* holds data of PostgreSQL {OLD}")
    with embedded_postgres.exclusive(data_dir):
        refused(OLD_BIN, rf"in use by another Clearline \(process {os.getpid()}")
    (data_dir / f"postgresql.old-{OLD}").mkdir()
    refused(OLD_BIN, "of an earlier upgrade is in the way: delete or move it")
    (data_dir / f"postgresql.old-{OLD}").rmdir()
    usage = shutil.disk_usage(data_dir)._replace(free=80 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    refused(OLD_BIN, r"only 80 MiB are free in .*: make room first; nothing was changed")


@needs_old
def test_an_upgrade_is_refused_while_a_server_runs_without_clearline(data_dir: Path) -> None:
    server = start_old(data_dir, OLD)
    pid_file = (data_dir / "postgresql" / "postmaster.pid").read_text()
    with pytest.raises(EmbeddedPostgresError, match="in use by another Clearline"):
        upgrade(data_dir, OLD_BIN, None, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_postgres, "exclusive", lambda _data_dir: (data_dir / "other.lock").open("a"))
        with pytest.raises(EmbeddedPostgresError, match=rf"a PostgreSQL \(process {pid_file.split()[0]}\) runs on "):
            upgrade(data_dir, OLD_BIN, None, None)
    server.stop()


def test_a_directory_without_data_is_refused(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="is no PostgreSQL data directory"):
        upgrade(folder, folder, None, None)


def test_a_server_of_ones_own_is_upgraded_by_its_own_means() -> None:
    done = run_command("postgresql://nobody@127.0.0.1:1/nothing", "upgrade-database", "--old-bin", "/nonexistent")
    assert (done.exit_code, done.stderr) == (
        4,
        "error: CLEARLINE_DATABASE_URL names a server of your own: upgrade it by its own means\n",
    )
