"""PgBouncer in front of a database of the tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from clearline.platform.postgres.programs import account_named
from tests.builders.databases import ROOT, reachable_dir
from tests.builders.processes import eventually, free_port, started
from tests.builders.server import AUTHORITY

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


@contextmanager
def pooled(url: str, mode: str, **settings: object) -> Iterator[str]:
    """Run PgBouncer before a database of the embedded PostgreSQL; yields the address of the pooler."""
    assert PGBOUNCER is not None
    port, parts = free_port(), urlsplit(url)
    folder = reachable_dir("clearline-pooler-")
    host, name = parse_qs(parts.query)["host"][0], parts.path[1:]
    options = {
        "listen_addr": AUTHORITY,
        "listen_port": port,
        "auth_type": "any",
        "pool_mode": mode,
        "unix_socket_dir": "",
        **({"user": account_named(None).name} if ROOT else {}),
        **settings,
    }
    lines = "".join(f"{option} = {value}\n" for option, value in options.items())
    conf = folder / "pgbouncer.ini"
    conf.write_text(f"[databases]\n{name} = host={host} user=clearline\n[pgbouncer]\n{lines}")
    conf.chmod(0o644)
    log = folder / "log"
    with log.open("wb") as out, started([PGBOUNCER, "-q", conf], stdout=out, stderr=out) as process:
        assert eventually(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, log.read_text()
        yield f"postgresql://clearline@{AUTHORITY}:{port}/{name}?sslmode=disable"
    shutil.rmtree(folder)


def _answers(port: int) -> bool:
    listening = Path("/proc/net/tcp").read_text()
    return f":{port:04X} 00000000:0000 0A" in listening
