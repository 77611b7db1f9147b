"""The embedded PostgreSQL: start, stop, and everything that may prevent them."""

import contextlib
import functools
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.platform.postgres.supervisor import is_postmaster, pid_in
from tests.builders.databases import ROOT, as_root, reachable_dir
from tests.builders.processes import alive, children, eventually, naming, started
from tests.patience import patient, stretched


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Yield a data directory of a server that was started and stopped cleanly, for copies."""
    folder = reachable_dir("clearline-template-")
    server = embedded_postgres.start(folder / "data")
    server.stop()
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(template: Path, folder: Path) -> Path:
    """Return a copy of the cleanly stopped data directory."""
    _copy(template, folder / "data")
    return folder / "data"


async def _store_word(url: str, word: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create table if not exists words (word text)")
    await connection.execute("insert into words values ($1)", word)
    await connection.close()


async def _stored_words(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("select word from words")
    await connection.close()
    return [row["word"] for row in rows]


def _postmaster(data_dir: Path) -> int:
    pid = pid_in(data_dir / "postgresql")
    assert pid is not None
    assert is_postmaster(pid, data_dir / "postgresql")
    return pid


class _Owner(NamedTuple):
    """Another process that owns a running PostgreSQL."""

    process: "subprocess.Popen[str]"
    supervisor: int


def _own(data_dir: Path) -> _Owner:
    program = (
        "import pathlib, sys\nfrom clearline.platform.postgres import embedded as postgres_embedded\n"
        "server = postgres_embedded.start(pathlib.Path(sys.argv[1]))\n"
        "print(server.supervisor.pid, flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return _Owner(process, int(process.stdout.readline()))


def _kill_all(owner: _Owner, data_dir: Path) -> None:
    """Kill everything at once, as a power cut does."""
    postmaster = _postmaster(data_dir)
    owner.process.kill()
    os.kill(owner.supervisor, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)
    _reap(owner)
    assert eventually(lambda: not naming(data_dir), 10)


def _copy(template: Path, data_dir: Path) -> None:
    subprocess.run(["cp", "-a", template, data_dir], check=True)  # noqa: S607


@contextmanager
def _by_hand(data_dir: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Yield a PostgreSQL on the directory that no supervisor knows."""
    server = embedded_postgres.start(data_dir)
    binary = Path(f"/proc/{_postmaster(data_dir)}/exe").readlink()
    server.stop()
    data = data_dir / "postgresql"
    owner = data.stat()
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()} if ROOT else {}
    sockets = f"unix_socket_directories={data_dir / 'run'}"
    command: list[str | Path] = [binary, "-D", data, "-c", "listen_addresses=", "-c", sockets]
    with started(command, cwd="/", stderr=subprocess.DEVNULL, **identity) as by_hand:
        assert eventually(lambda: _is_ready(data, by_hand.pid), 10)
        yield by_hand


def _is_ready(data: Path, pid: int) -> bool:
    with contextlib.suppress(OSError):
        lines = (data / "postmaster.pid").read_text().split("\n")
        return lines[0] == str(pid) and lines[7:8] == ["ready   "]
    return False


def _restarted(data: Path, before: int) -> bool:
    pid = pid_in(data)
    return pid is not None and pid != before and is_postmaster(pid, data)


def _reap(owner: _Owner) -> None:
    with owner.process:
        owner.process.kill()


async def test_data_stays_from_one_start_to_the_next(folder: Path) -> None:
    server = embedded_postgres.start(folder / "data")
    await _store_word(server.url, "kept")
    server.stop()
    assert naming(folder) == []
    server = embedded_postgres.start(folder / "data")
    assert await _stored_words(server.url) == ["kept"]
    server.stop()
    assert naming(folder) == []


def test_a_second_start_on_one_directory_is_refused_and_harms_nothing(data_dir: Path) -> None:
    server = embedded_postgres.start(data_dir)
    with pytest.raises(EmbeddedPostgresError, match=rf"in use by another Clearline \(process {os.getpid()}\)"):
        embedded_postgres.start(data_dir)
    assert embedded_postgres.running_url(data_dir) == server.url
    _postmaster(data_dir)
    server.stop()
    assert embedded_postgres.running_url(data_dir) is None


def test_a_directory_that_does_not_exist_has_no_running_url(folder: Path) -> None:
    assert embedded_postgres.running_url(folder / "missing") is None


@pytest.mark.parametrize("stopped", ["cleanly", "killed"])
async def test_a_pid_file_that_names_another_running_process_does_not_prevent_a_start(
    data_dir: Path, stopped: str
) -> None:
    owner = _own(data_dir)
    url = embedded_postgres.running_url(data_dir)
    assert url is not None
    await _store_word(url, "kept")
    file = data_dir / "postgresql" / "postmaster.pid"
    lines, owned = file.read_text().split("\n"), file.stat()
    if stopped == "killed":
        _kill_all(owner, data_dir)
    else:
        _reap(owner)
        assert eventually(lambda: not naming(data_dir), 10)
        assert not file.exists()
    with started(["sleep", "600"]) as other:  # a running process that is not PostgreSQL
        file.write_text("\n".join([str(other.pid), *lines[1:]]))
        file.chmod(0o600)
        os.chown(file, owned.st_uid, owned.st_gid)
        server = embedded_postgres.start(data_dir)
        assert await _stored_words(server.url) == ["kept"]
        assert other.poll() is None
        server.stop()


async def test_a_postgresql_that_a_killed_supervisor_left_behind_is_taken_over(data_dir: Path) -> None:
    owner = _own(data_dir)
    url = embedded_postgres.running_url(data_dir)
    assert url is not None
    await _store_word(url, "kept")
    orphan = _postmaster(data_dir)
    os.kill(orphan, signal.SIGSTOP)  # so that it does not notice the end of its supervisor
    owner.process.kill()
    os.kill(owner.supervisor, signal.SIGKILL)
    _reap(owner)
    os.kill(orphan, signal.SIGCONT)
    server = embedded_postgres.start(data_dir)
    assert _postmaster(data_dir) != orphan
    assert eventually(lambda: not alive(orphan))  # its memory goes first, and without that it is no PostgreSQL
    assert await _stored_words(server.url) == ["kept"]
    server.stop()


async def test_a_postgresql_that_was_started_by_hand_is_taken_over(data_dir: Path) -> None:
    with _by_hand(data_dir) as by_hand:
        server = embedded_postgres.start(data_dir)
        assert by_hand.wait(patient(5)) == 0
    await _store_word(server.url, "served")
    server.stop()


async def test_the_supervisor_stops_postgresql_when_its_owner_is_killed(data_dir: Path) -> None:
    owner = _own(data_dir)
    _postmaster(data_dir)
    _reap(owner)
    assert eventually(lambda: not naming(data_dir), 10)
    assert not (data_dir / "postgresql" / "postmaster.pid").exists()  # it was shut down cleanly


def test_postgresql_and_its_supervisor_are_started_again_when_killed(data_dir: Path) -> None:
    server = embedded_postgres.start(data_dir)
    for victim in (_postmaster(data_dir), server.supervisor.pid):
        before = _postmaster(data_dir)
        os.kill(victim, signal.SIGKILL)
        assert eventually(functools.partial(_restarted, data_dir / "postgresql", before), 20)
    server.stop()
    assert naming(data_dir) == []


def test_data_of_another_version_is_refused_with_what_to_do(data_dir: Path) -> None:
    (data_dir / "postgresql" / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        EmbeddedPostgresError, match=r"holds data of PostgreSQL 17, and .* are PostgreSQL 18\.\d+: run clearline "
    ):
        embedded_postgres.start(data_dir)
    (data_dir / "postgresql" / "PG_VERSION").write_text("19\n")
    with pytest.raises(EmbeddedPostgresError, match=r"holds data of PostgreSQL 19, .*: set CLEARLINE_POSTGRES_BIN to "):
        embedded_postgres.start(data_dir)
    (data_dir / "postgresql" / "PG_VERSION").write_text("18\n")
    embedded_postgres.start(data_dir).stop()  # the refusal released the directory


def test_a_directory_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "data" / "postgresql").mkdir(parents=True)
    (folder / "data").chmod(0o711)
    with pytest.raises(EmbeddedPostgresError, match="is no PostgreSQL data directory"):
        embedded_postgres.start(folder / "data")


def test_too_little_disk_space_is_refused_before_anything_is_started(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(data_dir)._replace(free=5 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(EmbeddedPostgresError, match=r"only 5 MiB are free in .* needs at least 64: make room first"):
        embedded_postgres.start(data_dir)
    assert naming(data_dir) == []


def test_a_full_disk_is_reported_and_leaves_no_incomplete_database(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"only .* MiB are free"):
        embedded_postgres.start(small_disk / "data")
    monkeypatch.setattr(embedded_postgres, "LEAST_FREE", 0)
    with pytest.raises(EmbeddedPostgresError, match="No space left on device"):
        embedded_postgres.start(small_disk / "data")
    assert not (small_disk / "data" / "postgresql").exists()


async def test_a_path_too_long_for_a_socket_works_with_a_private_directory_elsewhere(
    template: Path, folder: Path
) -> None:
    data_dir = folder / ("long" * 25) / "data"
    data_dir.parent.mkdir(mode=0o711)
    _copy(template, data_dir)
    server = embedded_postgres.start(data_dir)
    sockets = embedded_postgres._socket_dir(data_dir)  # noqa: SLF001
    assert not sockets.is_relative_to(data_dir)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    await _store_word(server.url, "served")
    server.stop()
    sockets.rmdir()


def test_a_socket_directory_of_somebody_else_is_refused(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "run", ignore_errors=True)
    (data_dir / "run").symlink_to("/tmp")  # noqa: S108
    with pytest.raises(EmbeddedPostgresError, match="is in the way"):
        embedded_postgres.start(data_dir)


def test_only_postgresqls_account_may_enter_the_socket_directory(data_dir: Path) -> None:
    (data_dir / "run").chmod(0o777)
    server = embedded_postgres.start(data_dir)
    status = (data_dir / "run").stat()
    assert stat.S_IMODE(status.st_mode) == 0o700
    assert status.st_uid == (data_dir / "postgresql").stat().st_uid
    assert (status.st_uid != 0) or not ROOT
    server.stop()


def test_an_incomplete_database_is_created_again(folder: Path) -> None:
    staged = folder / "data" / "postgresql.new"
    staged.mkdir(parents=True)
    (folder / "data").chmod(0o711)
    (staged / "PG_VERSION").write_text("18\n")
    embedded_postgres.start(folder / "data").stop()
    assert not staged.exists()
    assert (folder / "data" / "postgresql" / "global").is_dir()


def test_a_directory_that_cannot_be_created_or_written_is_refused() -> None:
    for path in (Path("/proc/clearline"), Path("/dev/null/clearline"), Path("/proc/sys")):
        with pytest.raises(EmbeddedPostgresError, match=r"cannot (make|write to) the data directory"):
            embedded_postgres.start(path)


@as_root
def test_a_directory_out_of_reach_is_refused_and_no_permission_is_changed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=rf"may not enter {closed}: set CLEARLINE_DATA_DIR"):
        embedded_postgres.start(closed / "data")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711


@as_root
def test_an_unknown_account_is_refused(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no account nobody-here for PostgreSQL to run as"):
        embedded_postgres.start(folder / "data", "nobody-here")


def test_the_error_of_a_postgresql_that_cannot_start_has_the_end_of_its_log(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (data_dir / "postgresql" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = on\n")
    monkeypatch.setattr(embedded_postgres, "START_SECONDS", stretched(2))
    began = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)did not start; its log is in .*no_such_setting"):
        embedded_postgres.start(data_dir)
    assert time.monotonic() - began < stretched(10)
    assert naming(data_dir) == []


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 1024),
        ({"memory.max": "max\n"}, 1024),
        ({"memory.max": str(2 * 1024**3)}, 256),
        ({"memory.limit_in_bytes": str(512 * 1024**2)}, 64),
        ({"memory.max": str(64 * 1024**2)}, 32),
        ({"memory.max": str(10**15)}, 1024),
    ],
)
def test_its_buffers_are_an_eighth_of_the_memory_limit(
    limits: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = 64 * 1024**3 // os.sysconf("SC_PAGE_SIZE")
    known = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda name: pages if name == "SC_PHYS_PAGES" else known(name))
    for name, limit in limits.items():
        (tmp_path / name).write_text(limit)
    monkeypatch.setattr(
        embedded_postgres, "_MEMORY_LIMITS", (tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes")
    )
    assert embedded_postgres._buffers_megabytes() == expected  # noqa: SLF001


def test_no_process_and_no_file_of_it_tells_others_a_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLINE_SMTP", "smtps://desk:hunter2hunter2@mail.example.net")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    before = os.umask(0o022)
    try:
        (folder / "data").mkdir(mode=0o711)
        for name in ("clearline.lock", "postgresql.out"):
            (folder / "data" / name).write_text("")
        server = embedded_postgres.start(folder / "data")
    finally:
        os.umask(before)
    try:
        postmaster = _postmaster(folder / "data")
        pids = [server.supervisor.pid, postmaster, *children(postmaster)]
        assert len(pids) > 3
        environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in pids]
        assert [text for text in environments if b"hunter2" in text or b"CLEARLINE_" in text] == []
        # As root in a private directory the programs are copied here; the account of the database has to read them.
        programs = set((folder / "data").glob("postgresql-*"))
        files = [path for path in (folder / "data").rglob("*") if path.is_file() and not programs & set(path.parents)]
        assert len(files) > 100
        assert [path for path in files if path.stat().st_mode & 0o077] == []
    finally:
        server.stop()
