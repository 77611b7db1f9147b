"""Carries the embedded PostgreSQL's data over to a newer major version, by pg_upgrade.

pg_upgrade rather than a dump: it takes a fraction of the time, and keeps the transaction numbers that the order of the
events is made of. It copies the files and never links them, so that the old directory stays usable.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from clearline.platform.postgres import embedded, programs, supervisor
from clearline.platform.postgres.embedded import LEAST_FREE
from clearline.platform.postgres.programs import Account, EmbeddedPostgresError, Programs

_EMPTY_CLUSTER = 64 * 1024**2
"""Bytes that a new cluster takes before it has data."""

_OF_OLD = ("postgres", "pg_ctl", "pg_controldata", "pg_resetwal")
"""The programs of the old version that pg_upgrade needs."""

_OF_NEW = ("pg_upgrade", "pg_ctl", "pg_dump", "pg_dumpall", "pg_restore", "psql", "vacuumdb", "pg_resetwal")


class Upgrade(Struct, frozen=True):
    """What an upgrade did. ``kept`` is the old directory, or None when there was nothing to do."""

    from_major: int
    version: str
    kept: Path | None


def upgrade(data_dir: Path, old_bin: Path, account_name: str | None, new_bin: Path | None) -> Upgrade:
    """Carry the data over to the major version of the present programs. The old directory is kept beside it.

    Until the last step, a rename, the data directory is as it was; an interrupted upgrade can be started again.

    Args:
        data_dir: the data directory of a Clearline that does not run.
        old_bin: the folder of the programs of the data's present major version.
        account_name: only as root: the account that PostgreSQL runs as.
        new_bin: the folder of the new programs, unless they are the wheel's.

    Raises:
        EmbeddedPostgresError: the directory is in use or has no data, programs or disk space are missing, or
            pg_upgrade refuses.
    """
    account = programs.own_account(account_name)
    with embedded.exclusive(data_dir):
        if account is not None:
            programs.check_reach(data_dir, account)
        data = data_dir / "postgresql"
        _put_back(data)
        major = embedded.data_version(data)
        new = programs.find(data_dir, account, new_bin)
        if major == new.major:
            return Upgrade(major, new.version, None)
        _check_programs(data, major, old_bin, new, account)
        _check_stopped(data)
        kept = data.with_name(f"{data.name}.old-{major}")
        if kept.exists():
            raise EmbeddedPostgresError(f"{kept} of an earlier upgrade is in the way: delete or move it")
        _check_room(data)
        staged = data.with_name(f"{data.name}.new")
        _carry_over(data, staged, old_bin, new, account)
        data.rename(kept)
        staged.rename(data)
        return Upgrade(major, new.version, kept)


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def _put_back(data: Path) -> None:
    """Undo an upgrade that was interrupted between its two last steps."""
    kept = embedded.kept_data(data)
    if not data.exists() and kept is not None:
        kept.rename(data)


def _check_programs(data: Path, major: int, old_bin: Path, new: Programs, account: Account | None) -> None:
    if major > new.major:
        raise EmbeddedPostgresError(
            f"{data} holds data of PostgreSQL {major}, and these programs are PostgreSQL {new.version}: "
            "data cannot be carried to an older version; set CLEARLINE_POSTGRES_BIN to newer programs"
        )
    programs.check_named(new.folder, account, "the new programs", _OF_NEW)
    old = programs.check_named(old_bin, account, "--old-bin", _OF_OLD)
    if old.major != major:
        raise EmbeddedPostgresError(
            f"--old-bin: {old_bin} has PostgreSQL {old.version}, and {data} holds data of PostgreSQL {major}: "
            f"name the folder of the programs of PostgreSQL {major}"
        )


def _check_stopped(data: Path) -> None:
    pid = supervisor.pid_in(data)
    if pid is not None and supervisor.is_postmaster(pid, data):
        raise EmbeddedPostgresError(f"a PostgreSQL (process {pid}) runs on {data}: stop it first")


def _check_room(data: Path) -> None:
    needed = size(data) - size(data / "pg_wal") + _EMPTY_CLUSTER + LEAST_FREE
    free = shutil.disk_usage(data).free
    if free < needed:
        raise EmbeddedPostgresError(
            f"only {free // 1024**2} MiB are free in {data.parent}, and the upgrade copies the data and needs "
            f"{needed // 1024**2}: make room first; nothing was changed"
        )


def _carry_over(data: Path, staged: Path, old_bin: Path, new: Programs, account: Account | None) -> None:
    """Make the new directory beside the old one, which is only brought to the state of a clean shutdown."""
    supervisor.disown_stale_pid(data)
    single: list[str | Path] = ["--single", "-D"]
    programs.run([old_bin / "postgres", *single, data, "postgres"], account)  # recovers what a crash left
    checksums = programs.run([old_bin / "postgres", "-C", "data_checksums", "-D", data], account).strip() == "on"
    embedded.make_cluster(staged, new.folder, account, checksums=checksums)
    with _work_folder(account) as folder:
        programs.run(
            [
                new.folder / "pg_upgrade", "--old-bindir", old_bin, "--new-bindir", new.folder,
                "--old-datadir", data, "--new-datadir", staged, "--socketdir", folder,
                "--username", "postgres", "--jobs", str(os.cpu_count() or 1), "--copy",
            ],
            account,
            folder=folder,
        )  # fmt: skip
    programs.run([new.folder / "postgres", *single, staged, "clearline"], account, "analyze\n")


@contextmanager
def _work_folder(account: Account | None) -> Iterator[Path]:
    """Yield a private folder with a short path, for sockets and the scripts that pg_upgrade writes."""
    folder = Path(tempfile.mkdtemp(prefix="clearline-upgrade-", dir="/tmp"))
    try:
        if account is not None:
            os.chown(folder, account.user, account.group)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
