"""What a ticket takes in each table on a lived desk, and what remains of it after each setting of retention.

python bench/retention.py [--tickets 400]

Each ticket is raised through the house API, taken, answered and given an internal note by an agent, answered by the
customer, resolved, and closed by the customer: seven requests with an Idempotency-Key. The customer has a webhook whose
receiver answers at once, and mail goes to a server on this machine. Sizes are those of the tables with their indexes
after VACUUM FULL, by the number of tickets.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.console import Console
from rich.table import Table

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.companies.usecases import add_company
from clearline.events import store as event_store
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.retention.domain import Kind
from clearline.retention.worker import Retention
from clearline.settings.settings import read_settings
from clearline.tickets.attachments.blobs import open_blobs
from rig import database

_DESCRIPTION = "Since 08:00 UTC we see between one and three per cent of loss on this port, in both directions. " * 3
_ANSWER = "We see the errors on our side, too, and have opened a case at the carrier. Next update within the hour. " * 2
_TABLES = {
    "deliveries": ("delivery", "delivery_attempt"),
    "search": ("ticket_search",),
    "events of tickets": ("event",),
    "outbound mail": ("outbound_mail",),
    "Message-IDs": ("mail_reference",),
    "notifications": ("notification",),
    "idempotency": ("idempotency_key",),
    "tickets": ("ticket", "ticket_field", "ticket_contact", "ticket_count", "attachment"),
    "notes": ("note",),
}


class _Sink(asyncio.Protocol):
    """Answers 200 to whatever comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self._transport.close()


class _Mailbox:
    """Accepts every mail."""

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


def _free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def desk(url: str) -> tuple[str, str]:
    """Make a desk with a customer, an agent and their keys; return the keys."""
    opened = await Database.open(url)
    await migrate.migrate(opened, afterwards=event_store.renumber)
    secrets = []
    async with opened.transaction() as tx:
        await add_company(tx, OPERATOR, "Bench", "BENCH", now=now())
        await accounts.add_user(
            tx,
            OPERATOR,
            "BENCH",
            name="Bo Bench",
            email="bo@bench.example.com",
            phone="+1-555-0100",
            role=Role.CUSTOMER_ADMIN,
            now=now(),
        )
        await accounts.add_user(
            tx,
            OPERATOR,
            PROVIDER_ID,
            name="Ann Agent",
            email="ann@example.net",
            phone="+1-555-0101",
            role=Role.AGENT,
            now=now(),
        )
        await inventory.add_service(tx, OPERATOR, "BENCH", "NET-1", "Port", "Port in Sydney", now=now())
        for company, email in (("BENCH", None), (PROVIDER_ID, "ann@example.net")):
            _key, secret = await keys.create_key(tx, OPERATOR, company, user_email=email, name="bench", now=now())
            secrets.append(secret)
    await opened.close()
    return secrets[0], secrets[1]


async def live(base: str, keys: tuple[str, str], hook: str, tickets: int) -> None:
    async with httpx.AsyncClient(base_url=f"{base}/api/v1", timeout=300) as client:

        async def post(who: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {keys[who]}", "Idempotency-Key": str(uuid4())}
            answer = await client.post(path, json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            received: dict[str, Any] = answer.json()
            return received

        await post(0, "/subscriptions", {"url": hook})

        async def one(n: int) -> None:
            ticket = await post(
                0,
                "/tickets",
                {
                    "title": f"Packet loss on port {n}",
                    "description": _DESCRIPTION,
                    "issue_type": "Packet Loss/Drops",
                    "service": {"id": "NET-1", "type": "Port"},
                },
            )
            path = f"/tickets/{ticket['number']}"
            await post(1, f"{path}/status", {"status": "in_progress"})
            await post(1, f"{path}/notes", {"text": _ANSWER})
            await post(0, f"{path}/notes", {"text": "Thank you. It got worse since the last note. " * 2})
            await post(1, f"{path}/notes", {"text": _ANSWER, "visibility": "internal"})
            await post(1, f"{path}/status", {"status": "resolved", "reason": "The carrier replaced the optics."})
            await post(0, f"{path}/status", {"status": "closed"})

        limit = asyncio.Semaphore(8)

        async def limited(n: int) -> None:
            async with limit:
                await one(n)

        await asyncio.gather(*(limited(n) for n in range(tickets)))


async def idle(connection: asyncpg.Connection) -> None:
    """Wait until everything that follows is done; digests and grouped mail are due at once."""
    while True:
        await connection.execute("update notification set due_at = now() - interval '1 second' where due_at > now()")
        left = await connection.fetchrow(
            """select (select count(*) from event e where (e.xid, e.id) >
                         (select xid, id from consumer order by xid, id limit 1)),
                      (select count(*) from delivery where state = 'waiting'),
                      (select count(*) from outbound_mail where state = 'waiting'),
                      (select count(*) from notification)"""
        )
        if not any(left):
            return
        print(tuple(left), file=sys.stderr)
        await asyncio.sleep(2)


async def sizes(connection: asyncpg.Connection, tickets: int) -> dict[str, float]:
    await connection.execute("vacuum full analyze")
    rows = await connection.fetch(
        """select relname, pg_total_relation_size(oid) from pg_class
            where relkind = 'r' and relnamespace = 'public'::regnamespace"""
    )
    all_ = {row[0]: row[1] for row in rows}
    named = {name: sum(all_[t] for t in tables) / 1024 / tickets for name, tables in _TABLES.items()}
    return named | {"all": sum(all_.values()) / 1024 / tickets}


async def measure(tickets: int) -> None:
    with database(needs_wrk=False) as server, tempfile.TemporaryDirectory() as folder:
        keys = await desk(server.url)
        loop = asyncio.get_running_loop()
        hooks = await loop.create_server(_Sink, "127.0.0.1", 0)
        hook = f"http://127.0.0.1:{hooks.sockets[0].getsockname()[1]}/"
        mail = Controller(_Mailbox(), hostname="127.0.0.1", port=_free_port())
        mail.start()
        port = _free_port()
        environment = {
            "CLEARLINE_DATABASE_URL": server.url,
            "CLEARLINE_BIND": f"127.0.0.1:{port}",
            "CLEARLINE_DATA_DIR": folder,
            "CLEARLINE_RATE_LIMIT": "0",
            "CLEARLINE_SMTP": f"smtp://127.0.0.1:{mail.port}",
            "CLEARLINE_RECIPIENT_MAILS": "10000",
            "CLEARLINE_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "CLEARLINE_COMPANY_CONTACT_MAILS": "0",
            "CLEARLINE_LOG_LEVEL": "error",
            "CLEARLINE_ACCESS_LOG": "off",
        }
        command = [sys.executable, "-m", "clearline", "serve"]
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | environment)
        connection = await asyncpg.connect(server.url)
        try:
            async with httpx.AsyncClient() as client:
                for _ in range(100):
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                            break
                    await asyncio.sleep(0.3)
            await live(f"http://127.0.0.1:{port}", keys, hook, tickets)
            await asyncio.sleep(2)
            await idle(connection)
        finally:
            process.terminate()
            await process.wait()
            mail.stop()
            hooks.close()
        steps = [("lived", await sizes(connection, tickets))]
        settings = read_settings(environment | {"CLEARLINE_KEEP_AUDIT_DAYS": "365"})
        opened = await Database.open(server.url)
        worker = Retention(opened, open_blobs(settings), settings, lambda: now() + timedelta(days=400))
        for kind in (Kind.IDEMPOTENCY_KEYS, Kind.DELIVERIES, Kind.OUTBOUND_MAIL, Kind.AUDIT):
            deleted = await worker.run(kind)
            steps.append((f"{kind.value} ({deleted})", await sizes(connection, tickets)))
        await opened.close()
        await connection.close()
    table = Table(title=f"KB a ticket, {tickets} tickets")
    table.add_column("")
    for name, _ in steps:
        table.add_column(name, justify="right")
    for row in (*_TABLES, "all"):
        table.add_row(row, *(f"{size[row]:.2f}" for _, size in steps))
    Console(width=160).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, default=400)
    asyncio.run(measure(parser.parse_args().tickets))
