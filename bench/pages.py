"""Pages of the console and the portal beside the floor: the same statements and a trivial template. Needs wrk.

python bench/pages.py [--seconds 5] [--tickets 20000] [--rounds 3] [--connections 1] [--views 20] [--messages 40]

The floor is this module as an ASGI application: it runs the statements that one request of the page ran, one after the
other, and fills a template of ten lines with the rows of the longest answer.
"""

import argparse
import asyncio
import os
import pickle
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import httpx
import jinja2
from asyncpg.connection import LoggedQuery

from clearline.accounts import usecases as accounts
from clearline.app import Application
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.settings.settings import Settings
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.workspace import view_usecases as views
from dataset import COMPANIES, SERVICE_ID, fill
from rig import HERE, Sample, clearline, database, load, server_of
from stream import agent_cookies, signed_in

TARGETS_MS = {
    "queue of 50": 60, "ticket": 60, "fragment of the ticket": 25, "row": 25,
    "numbers of the views": 30, "portal: tickets": 60, "portal: ticket": 60, "portal: raise a ticket": 60,
}  # fmt: skip
_VIEWS = (
    "status:pending", "status:held", "status:resolved", "status:acknowledged assignee:none", "priority:high",
    "priority:critical", "priority:critical assignee:none", "assignee:me", "assignee:me status:pending", "queue:none",
    'queue:"Queue 0"', 'queue:"Queue 1" priority:high', 'queue:"Queue 2" status:pending', "team:Bench",
    "team:Bench assignee:none", "tag:optics", "tag:optics priority:high", "company:BEN003",
    "company:BEN004 priority:medium", "watcher:me",
)  # fmt: skip
_STATEMENTS = "PAGES_STATEMENTS"
_TEMPLATE = """<!doctype html><html lang="en"><title>Floor</title><table>
{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table></html>"""
_LUA = """
wrk.headers["Cookie"] = "%s"
"""


class Request(NamedTuple):
    """What is asked for, by whom."""

    path: str
    cookie: str

    @property
    def page(self) -> str:
        """The address without its query."""
        return self.path.partition("?")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--tickets", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=1, help="requests at a time")
    parser.add_argument("--views", type=int, default=20)
    parser.add_argument("--messages", type=int, default=40)
    options = parser.parse_args()
    with database() as postgres:
        tenants = asyncio.run(fill(postgres.url, options.tickets))
        [agent] = asyncio.run(agent_cookies(postgres.url, 1))
        customer = asyncio.run(customer_cookie(postgres.url, tenants[0].company_id))
        number = asyncio.run(prepare(postgres.url, options.views, options.messages))
        requests = {
            "queue of 50": Request("/console/open", agent),
            "ticket": Request(f"/console/tickets/{number}?list=open", agent),
            "fragment of the ticket": Request(f"/console/tickets/{number}/live?seen=0&last=0", agent),
            "row": Request(f"/console/live/rows?list=open&shown={number}&last={number}", agent),
            "numbers of the views": Request("/console/live/views?here=", agent),
            "portal: tickets": Request("/portal/tickets", customer),
            "portal: ticket": Request(f"/portal/tickets/{number}", customer),
            "portal: raise a ticket": Request(f"/portal/tickets/new?service={SERVICE_ID}", customer),
        }
        recorded = asyncio.run(statements(postgres.url, [*requests.values()]))
        samples: dict[tuple[str, str], list[Sample]] = {}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "statements")
            file.write_bytes(pickle.dumps(recorded))
            environment = {"FLOOR_DATABASE_URL": postgres.url, _STATEMENTS: str(file)}
            with server_of("floor", "pages:app", environment) as low, clearline(postgres.url, 1) as ours:
                for name, request in requests.items():
                    for turn in range(options.rounds + 1):
                        for server in (low, ours) if turn % 2 else (ours, low):
                            seconds = options.seconds if turn else 1
                            sample = load(
                                server, postgres.supervisor.pid, _LUA % request.cookie, name, seconds=seconds,
                                connections=options.connections, path=request.path,
                            )  # fmt: skip
                            if turn:  # the first turn only warms up
                                samples.setdefault((name, server.name), []).append(sample)
    show(samples, {name: len(recorded[request.page]) for name, request in requests.items()})


async def prepare(url: str, count: int, messages: int) -> str:
    """Give the agent a team with queues and views, and a ticket many messages; return the number of the ticket."""
    opened = await Database.open(url)
    async with opened.transaction() as tx:
        [agent] = await accounts.list_users(tx, OPERATOR, "PROVIDER")
        team = (await teams.add_team(tx, OPERATOR, "Bench", now=now())).team
        await teams.join_team(tx, OPERATOR, team.id, agent.id, now=now())
        for index in range(3):
            await queues.add_queue(tx, OPERATOR, name=f"Queue {index}", team_id=team.id, now=now())
        for index in range(count):
            query = _VIEWS[index % len(_VIEWS)]
            await views.add_view(tx, OPERATOR, f"View {index}", query, of=agent, now=now())
    await spread(url, agent.id)
    number = COMPANIES + 1
    for index in range(messages):
        async with opened.transaction() as tx:
            await notes.append_note(
                tx, OPERATOR, number, f"Message {index}. " + "We looked at it and saw the loss too. " * 8,
                channel=Channel.CONSOLE, visibility=Visibility.PUBLIC, now=now(),
            )  # fmt: skip
    await opened.close()
    return ticket_number(number)


async def spread(url: str, agent: UUID) -> None:
    """Spread the tickets over statuses, priorities, queues, tags and assignees, so that each view has its share."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        """
        update ticket set
            status = case when is_open then
                ('{acknowledged,in_progress,in_progress,in_progress,pending,held,resolved}'::text[])[1 + number % 7]
                else status end,
            priority = ('{low,medium,medium,medium,high,critical}'::text[])[1 + number / 7 % 6],
            queue_id = (array(select id from queue order by name))[1 + number / 42 % 4],
            tags = case when number / 3 % 20 = 0 then '{optics}' else '{}'::text[] end,
            assignee_id = case when number / 5 % 50 = 0 then $1::uuid end
        """,
        agent, timeout=1200,
    )  # fmt: skip
    await connection.execute("vacuum analyze", timeout=1200)
    await connection.close()


async def customer_cookie(url: str, company_id: UUID) -> str:
    """Sign the person of a customer in; return the cookie of the session."""
    opened = await Database.open(url)
    async with opened.transaction() as tx:
        [user] = await accounts.list_users(tx, OPERATOR, company_id)
        cookie = await signed_in(tx, user)
    await opened.close()
    return cookie


async def statements(url: str, requests: list[Request]) -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
    """Return the statements that a request of each page runs, with their values."""
    ran: list[tuple[str, tuple[Any, ...]]] = []
    connect = asyncpg.connect

    def note(query: LoggedQuery) -> None:
        if query.query.lstrip().lower().startswith(("select", "with", "update")):
            ran.append((query.query, tuple(query.args or ())))

    async def logging(*arguments: Any, **options: Any) -> Any:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(note)
        return connection

    asyncpg.connect = logging
    app = Application(Settings(database_url=url, workers=False, rate_limit=0, access_log=False))
    begun, end = asyncio.Event(), asyncio.Event()
    told = iter([{"type": "lifespan.startup"}])

    async def receive() -> dict[str, str]:
        for message in told:
            return message
        await end.wait()
        return {"type": "lifespan.shutdown"}

    async def send(_message: Any) -> None:
        begun.set()

    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))
    await begun.wait()
    recorded = {}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for request in requests:
            headers = {"cookie": request.cookie}
            await client.get(request.path, headers=headers)  # what is read once
            ran.clear()
            answer = await client.get(request.path, headers=headers)
            if answer.status_code != httpx.codes.OK:
                sys.exit(f"{request.path}: {answer.status_code}")
            recorded[request.page] = ran[:]
    end.set()
    await life
    asyncpg.connect = connect
    return recorded


def show(samples: dict[tuple[str, str], list[Sample]], counts: dict[str, int]) -> None:
    print("\n1 server process, medians of the rounds, ms\n")
    print("| page | statements | p50, p95 | p95 target | floor p50, p95 | CPU server + database | floor CPU |")
    print("|---|---|---|---|---|---|---|")
    for name, target in TARGETS_MS.items():
        ours, low = (
            Sample(*(median(values) for values in zip(*samples[name, server], strict=True)))
            for server in ("clearline", "floor")
        )
        print(
            f"| {name} | {counts[name]} | {ours.p50:.1f}, {ours.p95:.1f} | {target} | {low.p50:.1f}, {low.p95:.1f} "
            f"| {ours.server_cpu / 1000:.1f} + {ours.database_cpu / 1000:.1f} "
            f"| {low.server_cpu / 1000:.1f} + {low.database_cpu / 1000:.1f} |"
        )


pool: Any = None
recorded_by_path: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}
if _STATEMENTS in os.environ:  # in the process of the floor
    recorded_by_path = pickle.loads(Path(os.environ[_STATEMENTS]).read_bytes())  # noqa: S301 - our own file
template = jinja2.Environment(autoescape=True).from_string(_TEMPLATE)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve the floor."""
    global pool  # noqa: PLW0603
    if scope["type"] == "lifespan":
        await receive()
        pool = await asyncpg.create_pool(os.environ["FLOOR_DATABASE_URL"], min_size=1, max_size=20)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    rows: list[Any] = []
    async with pool.acquire() as connection:
        for statement, values in recorded_by_path.get(scope["path"], []):
            answer = await connection.fetch(statement, *values)
            rows = max(rows, answer, key=len)
    body = template.render(rows=rows).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
