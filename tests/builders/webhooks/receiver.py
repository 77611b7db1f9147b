"""A receiver of webhooks on the loopback interface. Tests set its responses; it checks signatures independently."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass
class ReceivedRequest:
    """A request that the receiver received; ``at`` is the monotonic time."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Respond = Callable[[ReceivedRequest], Awaitable[bytes]]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def is_signed_with(secret: str, request: ReceivedRequest, *, within: float = 300) -> bool:
    """Return whether a request is signed as Standard Webhooks requires; ``within`` is in seconds."""
    stamp = request.headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > within:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    text = f"{request.id}.{stamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    signatures = [pair.split(",", 1) for pair in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(signature, expected) for version, signature in signatures)


@dataclass
class Receiver:
    """The received requests, and the next response: from ``respond``, else ``script``, else ``usual``."""

    port: int = 0
    scheme: str = "http"
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0
    respond: Respond | None = None
    script: list[bytes] = field(default_factory=list)
    usual: bytes = field(default_factory=answer)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?token=abc"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.strip().lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                request = ReceivedRequest(head[0].split(" ")[1], headers, body, time.monotonic())
                self.requests.append(request)
                answer_bytes = (
                    await self.respond(request) if self.respond else self.script.pop(0) if self.script else self.usual
                )
                if not answer_bytes:
                    break
                writer.write(answer_bytes)
                await writer.drain()


@asynccontextmanager
async def receiving(trust: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver(scheme="http" if trust is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await receiver.handle(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=trust)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
