"""Networks between Clearline and PostgreSQL: a relay, a server that never answers, and a frozen one."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from clearline.platform.postgres.supervisor import pid_in
from tests.builders.processes import children
from tests.patience import patient

_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def socket_of(url: str) -> str:
    """Return the path of the Unix socket of an embedded PostgreSQL."""
    return parse_qs(urlsplit(url).query)["host"][0] + "/.s.PGSQL.5432"


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[int]:
    """Relay TCP connections to a PostgreSQL; yields the port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket_of(url))
        await asyncio.gather(pump(reader, back), pump(there, writer))
        await _closed(back)

    async with _listening(connect) as port:
        yield port


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Accept connections and never answer; yields the port."""

    async def ignore(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(65536):
                pass

    async with _listening(ignore) as port:
        yield port


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def _listening(handle: _Handler) -> AsyncIterator[int]:
    """Handle connections, each closed afterwards, until the block ends; yields the port."""
    handling: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        try:
            await handle(reader, writer)
        finally:
            await _closed(writer)
            handling.discard(task)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        if handling:
            await asyncio.wait(handling, timeout=patient(2))


@contextmanager
def frozen(data_dir: Path) -> Iterator[None]:
    """Freeze the embedded PostgreSQL of a data directory for as long as the block runs, as its machine may be."""
    postmaster = pid_in(data_dir / "postgresql")
    assert postmaster is not None
    os.kill(postmaster, signal.SIGSTOP)
    stopped = [postmaster, *children(postmaster)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
