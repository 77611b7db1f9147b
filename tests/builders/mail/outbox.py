"""Enqueue outbound mail, wait until it is sent, and run the worker that sends it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, MailState, NewMail, OutboundMail
from clearline.mail.outbound.smtp import Connections, SmtpServer
from clearline.mail.outbound.worker import PAUSE_SECONDS, OutboundMailQueue
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import Runner
from tests.builders.mail.smtp_server import MailServer
from tests.builders.people import Tenant
from tests.patience import patient

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)


async def write(database: Database, tenant: Tenant, count: int = 1, **values: Any) -> list[UUID]:
    """Enqueue mails, each in its own transaction, and return their ids."""
    ids = []
    for index in range(count):
        usual: dict[str, Any] = {
            "recipient": f"person{index}@example.com", "subject": f"Mail {index}", "text": "Hello\n", "html": None,
            "kind": "notification", "company_id": tenant.company.id,
        }  # fmt: skip
        async with database.transaction() as tx:
            mail_id = await outbound_mail.enqueue(tx, NewMail(**(usual | values)), now=now(), settings=SETTINGS)
        assert mail_id is not None
        ids.append(mail_id)
    return ids


async def read(database: Database, mail_id: UUID) -> OutboundMail:
    async with database.statement() as tx:
        return (await outbound_mail.get_mail(tx, OPERATOR, mail_id))[0]


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(patient(seconds)):
        while not await holds():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.02)


async def until_state(database: Database, state: MailState, *ids: UUID) -> None:
    async def holds() -> bool:
        return all([(await read(database, mail_id)).state is state for mail_id in ids])

    await eventually(holds)


async def until_received(server: MailServer, count: int, seconds: float = 10) -> None:
    async def holds() -> bool:
        return len(server.received) >= count

    await eventually(holds, seconds)


@asynccontextmanager
async def working(
    database: Database,
    server: MailServer,
    clock: Callable[[], datetime] = now,
    *,
    seconds: float = 2,
    pauses: Sequence[float] = PAUSE_SECONDS,
) -> AsyncIterator[OutboundMailQueue]:
    """Run a worker while the block runs."""
    address = SmtpServer("smtp", "127.0.0.1", server.port)
    connections = Connections(address, "support@example.net", response_timeout=patient(seconds))
    worker = OutboundMailQueue(database, connections, clock, pauses=pauses)
    runner = Runner([worker.job()])
    task = asyncio.create_task(runner.run())
    try:
        yield worker
    finally:
        runner.stop()
        await task
