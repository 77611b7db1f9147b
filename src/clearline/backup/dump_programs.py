"""pg_dump and pg_restore of the right major version: found, and run."""

import asyncio
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

from clearline.backup.domain import BackupError, major
from clearline.platform.postgres import programs
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.settings.settings import Settings

_SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian has a folder for each major version."""

_ADDRESS = re.compile(r"postgres(?:ql)?://([^/?]*)([^?]*)(?:\?(.*))?")
"""Not by the standard library, which refuses several hosts in brackets."""

_TRANSACTION_TIMEOUT = 17
"""The first pg_restore that sets a parameter which older servers refuse."""


class Program(NamedTuple):
    """A program of PostgreSQL, and its version."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The major version."""
        return major(self.version)


def for_dump(settings: Settings, server: int) -> Program:
    """Return the pg_dump for a server of a major version: of the same one, or the nearest newer one.

    Raises:
        BackupError: there is none.
    """
    fitting = [program for program in _found(settings, "pg_dump") if program.major >= server]
    if not fitting:
        raise BackupError(_missing("pg_dump", server, server))
    return min(fitting, key=lambda program: program.major)


def for_restore(settings: Settings, written_by: int, server: int | None = None) -> Program:
    """Return the pg_restore for a dump that pg_dump of a major version wrote, to read it or to load it into a server.

    Raises:
        BackupError: there is none, or the server is older than the dump.
    """
    newest = _TRANSACTION_TIMEOUT - 1 if server is not None and server < _TRANSACTION_TIMEOUT else None
    if newest is not None and written_by > newest:
        raise BackupError(
            f"the dump was written by pg_dump {written_by}, which no server of PostgreSQL {server} can load: "
            f"restore into a server of PostgreSQL {_TRANSACTION_TIMEOUT} or newer"
        )
    fitting = [
        program
        for program in _found(settings, "pg_restore")
        if program.major >= written_by and (newest is None or program.major <= newest)
    ]
    if not fitting:
        raise BackupError(_missing("pg_restore", written_by, server or written_by))
    return min(fitting, key=lambda program: abs(program.major - (server or written_by)))


def _missing(name: str, least: int, server: int) -> str:
    return (
        f"there is no {name} of PostgreSQL {least} or newer for a server of PostgreSQL {server}: install the client "
        f"programs of PostgreSQL {server} (Debian: postgresql-client-{server}), or name their folder in "
        "CLEARLINE_POSTGRES_BIN"
    )


def _found(settings: Settings, name: str) -> list[Program]:
    """Return the programs of this name on the machine; first those that the operator named, last the wheel's.

    The wheel's have no TLS: of the same version, those of the system are taken.
    """
    folders = [settings.postgres_bin] if settings.postgres_bin is not None else []
    folders += [folder / "bin" for folder in _SYSTEM.glob("*")]
    on_path = shutil.which(name)
    if on_path is not None:
        folders.append(Path(on_path).parent)
    with suppress(EmbeddedPostgresError):  # without the wheel, the programs of the system have to do
        folders.append(programs.bin_dir(settings.data_dir, None))
    return [program for folder in folders if (program := _program(folder / name)) is not None]


def _program(path: Path) -> Program | None:
    if not os.access(path, os.X_OK):
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = re.search(r"\(PostgreSQL\) (\d[\w.]*)", done.stdout)
    return None if version is None else Program(path, version[1])


async def dump(program: Program, url: str, snapshot: str, target: Path) -> None:
    """Write the database, as a snapshot shows it, into a file that is synced to disk.

    Raises:
        BackupError: pg_dump fails.
    """
    address, environment = connection(url)
    await _run(
        [
            str(program.path), "--format=custom", f"--snapshot={snapshot}", "--no-owner", "--no-privileges",
            f"--file={target}", f"--dbname={address}",
        ],
        environment,
    )  # fmt: skip


async def load(program: Program, url: str, source: Path) -> None:
    """Load a dump into an empty database in one transaction: it is there whole, or not at all.

    Raises:
        BackupError: pg_restore fails.
    """
    address, environment = connection(url)
    await _run(
        [
            str(program.path), "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
            f"--dbname={address}", str(source),
        ],
        environment,
    )  # fmt: skip


async def read_contents(program: Program, source: Path) -> None:
    """Have pg_restore read the table of contents of a dump.

    Raises:
        BackupError: it cannot.
    """
    await _run([str(program.path), "--list", str(source)], {})


def connection(url: str) -> tuple[str, dict[str, str]]:
    """Return an address for PostgreSQL's programs, and the password in their environment: all can see arguments."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise BackupError("the address of the database must be postgresql://user:password@host:port/database")
    netloc, path, query = match.groups(default="")
    userinfo, at, hosts = netloc.rpartition("@")
    user, _, in_address = userinfo.partition(":")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    password = parameters.pop("password", unquote(in_address))
    parameters.setdefault("target_session_attrs", "primary")
    address = f"postgresql://{user}{at}{hosts}{path}?{urlencode(parameters, quote_via=quote)}"
    return address, {"PGPASSWORD": password} if password else {}


async def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a program to its end. It is stopped when the command is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, umask=0o077,
            env=kept | environment | {"LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise BackupError(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {said.decode(errors='replace').strip()[-2000:]}")
