"""Servers behind a load balancer are upgraded one after the other, without a failed request."""

import itertools
import json
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

import clearline
from clearline.platform.database import migrate
from clearline.platform.database.migrate import Migration
from tests.builders.databases import new_database, reachable_dir
from tests.builders.processes import eventually, free_port
from tests.builders.server import AUTHORITY, Server, ticket
from tests.builders.upgrades.balancers import DESKS, FRONT, HAPROXY, NGINX, haproxy, nginx
from tests.builders.upgrades.versions import version
from tests.patience import patient, stretched

NEWEST = migrate.known()[-1].number
ADDED = Migration(
    NEWEST + 1,
    "colours",
    "-- Compatible: yes\n"
    "create table colour (id integer primary key);\n"
    "alter table ticket add column colour integer references colour, add column shade text not null default 'light';\n"
    "alter table note add column colour integer;\n"
    "create index ticket_by_colour on ticket (colour) where colour is not null;",
)
DROPPED = Migration(
    NEWEST + 2, "no_colours", "-- Compatible: no\nalter table ticket drop column colour, drop column shade;"
)
CLIENTS = 3
PAUSE_SECONDS = 0.05
"""Between two visits of a client: the servers must have the time to start."""
LEAST_ANSWERS = 200
DRAIN_SECONDS = min(20, round(stretched(5)))


class Load:
    """Clients that create and read tickets and open a page until they are told to stop, and count what is answered."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {key}"}
        self._stop = threading.Event()
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self.created: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests during the block."""
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(patient(60))

    def _client(self, number: int) -> None:
        visits = itertools.count()
        while not self._stop.is_set():
            with httpx.Client(base_url=self._url, timeout=patient(30), headers=self._headers) as client:
                for visit in itertools.islice(visits, 20):  # with one cookie, so at one server if that is ready
                    self._visit(client, f"Client {number}, visit {visit}")
                    time.sleep(PAUSE_SECONDS)

    def _visit(self, client: httpx.Client, title: str) -> None:
        created = self._send(client, "POST", "/v2/support-tickets", ticket(title))
        if created is not None:
            self.created.append(title)
            number = created.json()["id"]
            self._send(client, "GET", f"/v2/support-tickets/{number}")
            self._send(client, "POST", f"/api/v1/tickets/{number}/notes", {"text": "Still no light"})
        self._send(client, "GET", "/api/v1/tickets?limit=20")
        page = self._send(client, "GET", "/sign-in")
        if page is not None and (style := re.search(r'href="(/static/built/portal[^"]+css)"', page.text)):
            self._send(client, "GET", style[1])

    def _send(self, client: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response | None:
        try:
            answer = client.request(method, path, json=body)
        except httpx.HTTPError as error:
            self.failures.append(f"{time.strftime('%X')} {method} {path}: {error!r}")
            return None
        self.answers[answer.status_code] += 1
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            self.failures.append(f"{time.strftime('%X')} {method} {path}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer


class Desk:
    """Two servers with one database and one store of attachments."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.servers = []
        for number in (1, 2):
            (folder / f"desk{number}").mkdir()
            environment = {
                "CLEARLINE_DATABASE_URL": database_url,
                "CLEARLINE_DATA_DIR": str(folder / "data"),
                "CLEARLINE_DRAIN_SECONDS": str(DRAIN_SECONDS),
            }
            self.servers.append(Server(folder / f"desk{number}", environment))
        self.port = free_port()
        self.url = f"http://{AUTHORITY}:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        """The ports in the place of the guide's addresses."""
        first, second = self.servers
        return {FRONT: self.port, DESKS[0]: first.port, DESKS[1]: second.port}

    def restart(self, server: Server, tree: Path) -> None:
        """Stop a server, and start it with the code in a folder, as the guide says."""
        assert server.stop() == 0, server.err
        server.environment["PYTHONPATH"] = str(tree)
        server.start()
        cookie = {"Cookie": f"desk=desk{self.servers.index(server) + 1}"}
        assert eventually(lambda: "set-cookie" not in ask(self.url, cookie).headers), "the balancer uses it again"


@pytest.fixture
async def database_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres, migrated=False) as url:
        yield url


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    folder = reachable_dir("clearline-rolling-")
    desk = Desk(folder, database_url)
    yield desk
    for server in desk.servers:
        server.discard()
    shutil.rmtree(folder)


async def stored_twice_or_lost(url: str, load: Load) -> tuple[int, set[str]]:
    """Return how many tickets are stored more than once, and which answered ones are not stored."""
    connection = await asyncpg.connect(url)
    stored = [row[0] for row in await connection.fetch("select title from ticket where title like 'Client %'")]
    await connection.close()
    return len(stored) - len(set(stored)), set(load.created) - set(stored)


@pytest.mark.slow
@pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed: make balancers does it")
async def test_two_servers_are_upgraded_one_after_the_other_without_a_failed_request(
    desk: Desk, database_url: str
) -> None:
    older = Path(clearline.__file__).parents[1]
    newer = version(desk.folder / "newer", ADDED)
    first, second = desk.servers
    first.start("--demo")
    second.start()
    load = Load(desk.url, first.secret())
    with haproxy(desk.folder, desk.ports):
        assert eventually(lambda: ask(desk.url).status_code == 200)
        with load.running():
            desk.restart(first, newer)
            assert second.ready() == 200, "the older version goes on with what the newer one migrated"
            desk.restart(second, newer)
            desk.restart(second, older)  # the way back
    assert load.failures == []
    assert set(load.answers) == {200, 201}
    assert load.answers.total() > LEAST_ANSWERS
    assert await stored_twice_or_lost(database_url, load) == (0, set())
    doctor = json.loads(second.command("doctor", "--json").stdout)
    [migrations] = [check for check in doctor["checks"] if check["name"] == "migrations"]
    assert (migrations["ok"], ADDED.label in migrations["detail"]) == (True, True)
    for server in desk.servers:
        assert server.stop() == 0
        assert "Traceback" not in server.err


@pytest.mark.slow
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed: make balancers does it")
async def test_nginx_sends_no_request_in_vain_while_servers_are_upgraded(desk: Desk, database_url: str) -> None:
    """It learns that a server stops by a refused connection only. One of the servers has several processes."""
    newer = version(desk.folder / "newer", ADDED)
    first, second = desk.servers
    second.environment["CLEARLINE_PROCESSES"] = "2"
    first.start("--demo")
    second.start()
    load = Load(desk.url, first.secret())
    with nginx(desk.folder, desk.ports):
        assert eventually(lambda: ask(desk.url).status_code == 200)
        with load.running():
            desk.restart(first, newer)
            desk.restart(second, newer)
        errors = (desk.folder / "nginx.log").read_text()
    assert (load.failures, re.findall(r"reset by peer|prematurely closed", errors)) == ([], [])
    assert set(load.answers) == {200, 201}
    assert load.answers.total() > LEAST_ANSWERS
    assert await stored_twice_or_lost(database_url, load) == (0, set())


async def test_a_breaking_migration_is_announced_and_takes_the_older_servers_out_of_use(desk: Desk) -> None:
    first, second = desk.servers
    first.start()
    second.environment["PYTHONPATH"] = str(version(desk.folder / "breaking", ADDED, DROPPED))
    missing = json.loads(second.command("migrate", "--dry-run", "--json").stdout)
    assert missing == {"pending": [ADDED.label, DROPPED.label], "breaking": [DROPPED.label]}
    assert first.ready() == 200
    second.start()
    before, after = (second.err.find(text) for text in ("will not be ready any more", "have to be stopped"))
    assert 0 <= before < after
    assert DROPPED.label in second.err
    answer = ask(first.url)
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "status": "database newer than this server",
            "detail": f"{DROPPED.label} is not compatible with this version",
        },
    )
    doctor = first.command("doctor", "--json")
    assert (doctor.returncode, f"{DROPPED.label} is not compatible" in doctor.stdout) == (3, True)
    refused = first.command("company", "list")
    assert (refused.returncode, f"{DROPPED.label} is not compatible" in refused.stderr) == (4, True)
    assert first.stop() == 0
    assert "Traceback" not in first.err


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_stopping_server_is_not_ready_while_it_answers_requests(desk: Desk, processes: str) -> None:
    server = desk.servers[0]
    server.environment["CLEARLINE_PROCESSES"] = processes
    server.start()
    assert server.process is not None
    began = time.monotonic()
    server.process.terminate()
    assert eventually(lambda: server.ready() == 503)
    answer = ask(server.url)
    assert (answer.json(), answer.headers["connection"]) == ({"status": "stopping"}, "close")
    assert server.status("/sign-in") == 200
    assert server.process.wait(patient(20)) == 0
    assert time.monotonic() - began >= DRAIN_SECONDS
    assert "Traceback" not in server.err


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_second_signal_stops_a_server_at_once(desk: Desk, processes: str) -> None:
    server = desk.servers[0]
    server.environment |= {"CLEARLINE_DRAIN_SECONDS": "300", "CLEARLINE_PROCESSES": processes}
    server.start()
    assert server.process is not None
    server.process.terminate()
    assert eventually(lambda: server.ready() == 503)
    assert server.stop() == 0


def ask(url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Return the answer of /readyz."""
    return httpx.get(f"{url}/readyz", headers=headers, timeout=patient(10))
