"""A real PostgreSQL, started once; an empty database for each module; the real application over it."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import hash_secret
from clearline.app import Application
from clearline.events import store as event_store
from clearline.identity import OPERATOR, Actor, Company, User
from clearline.inventory import usecases as inventory
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings import Settings
from tests import guardian

NOW = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


hypothesis.settings.register_profile(
    "clearline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("clearline")

_RUN = uuid4().hex
_GUARDIAN = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    """See to it that what the tests start ends with them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As after nohup, and behind & in a script. What the tests start would inherit it, and not hear SIGINT either.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_GUARDIAN] = guardian.watch(_RUN)


@pytest.hookimpl(trylast=True)  # after the fixtures of an interrupted run
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail when a test left a process behind."""
    left = guardian.kill(_RUN, but=os.getpid())
    if left:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        print(f"\nthe tests left {len(left)} processes behind, which are killed now")  # noqa: T201


def pytest_unconfigure(config: pytest.Config) -> None:
    """Dismiss the guardian."""
    config.stash[_GUARDIAN].communicate()


def reachable_dir(prefix: str) -> Path:
    """A temporary directory that PostgreSQL's account can enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of the embedded PostgreSQL that the whole run uses."""
    folder = reachable_dir("clearline-tests-")
    try:
        server = embedded_postgres.start(folder / "data")
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


async def _administer(url: str, statement: str) -> None:
    admin = await asyncpg.connect(url.replace("clearline@/clearline", "postgres@/postgres"))
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


@asynccontextmanager
async def new_database(postgres: str, *, migrated: bool = True) -> AsyncIterator[str]:
    """The address of a new, empty database."""
    name = f"test_{uuid4().hex[:12]}"
    await _administer(postgres, f"create database {name} owner clearline")
    url = postgres.replace("@/clearline", f"@/{name}")
    try:
        if migrated:
            database = await Database.open(url)
            await migrate.migrate(database, afterwards=event_store.renumber)
            await database.close()
        yield url
    finally:
        await _administer(postgres, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
async def database_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@dataclass(frozen=True)
class Tenant:
    """A company with a user, a key for it, and one service of each kind."""

    company: Company
    user: User
    secret: str
    actor: Actor

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


async def new_tenant(
    database: Database,
    name: str | None = None,
    *,
    scopes: frozenset[str] | None = None,
    lifetime: timedelta | None = None,
) -> Tenant:
    """A new company, with everything that a test needs to raise tickets."""
    code = f"T{uuid4().hex[:8].upper()}"
    name = name or f"Company {code}"
    at = datetime.now(UTC)
    async with database.transaction() as tx:
        company = await accounts.add_company(tx, OPERATOR, name, code, now=at)
        user = await accounts.add_user(
            tx, OPERATOR, code, name="Ada Okoro", email=f"ada@{code.lower()}.example.com", phone="+1-555-0199", now=at
        )
        _key, secret = await keys.create_key(
            tx, OPERATOR, code, user_email=None, name="test", scopes=scopes, lifetime=lifetime, now=at
        )
        for number, kind in enumerate(("Port", "CloudRouter", "Internet on Demand", "Connection (L2)"), 1):
            await inventory.add_service(tx, OPERATOR, code, f"SVC-{number}", kind, f"Service {number}", now=at)
        actor = await account_store.actor_of(tx, hash_secret(secret), now=at)
    assert actor is not None
    return Tenant(company, user, secret, actor)


@pytest.fixture(scope="module")
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture(scope="module")
async def other_tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, started and stopped as a server does it."""
    app = Application(settings)
    started, stop, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
    messages = iter([{"type": "lifespan.startup"}])

    async def receive() -> dict[str, str]:
        for message in messages:
            return message
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, str]) -> None:
        assert "failed" not in message["type"], message
        (started if message["type"] == "lifespan.startup.complete" else stopped).set()

    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))  # type: ignore[arg-type]
    await asyncio.wait({life, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.com") as client:
        yield client
    stop.set()
    await life


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(Settings(database_url=database_url, rate_limit=0, access_log=False)) as opened:
        yield opened
