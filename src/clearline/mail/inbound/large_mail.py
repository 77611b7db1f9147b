"""One large mail at a time is in the memory of a process, whether it is stored, fetched or filed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clearline.mail.inbound.domain import LARGE

_LOCK = asyncio.Lock()


@asynccontextmanager
async def room_for(size: int) -> AsyncIterator[None]:
    """Wait until a mail of so many bytes may be in memory; it may until the block ends."""
    if size <= LARGE:
        yield
        return
    async with _LOCK:
        yield
