"""A listener for mail on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import worker as inbound_worker
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.reception.listener import open_port
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings

LARGEST = 20_000
_STARTED, _SECONDS = datetime.now(UTC), count()


@asynccontextmanager
async def listening(database: Database, kind: str, *, connections_max: int = 50) -> AsyncIterator[int]:
    """Run a listener until the block ends, and yield its port."""
    address = f"{kind}://127.0.0.1:0"
    settings = Settings(mail_listen=address, mail_max=LARGEST, mail_connections=connections_max)

    def clock() -> datetime:
        return _STARTED + timedelta(seconds=next(_SECONDS))

    listener = inbound_worker.listener(database, settings, address, clock)
    with open_port(address) as port:
        await listener.start(port)
        yield port.getsockname()[1]
        await listener.stop()


async def waiting_count(database: Database) -> int:
    """Return how many mails wait."""
    async with database.statement() as tx:
        return len(await inbound_mail_store.page(tx, state=InboundState.WAITING, before=None, limit=1000))
