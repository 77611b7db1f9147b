"""Limits of connections: what a client may do before it is known, and when it is slow."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from clearline.wires.http import protocol
from clearline.wires.http.protocol import Connections, LimitedProtocol
from tests.patience import patient

HEAD = b"GET / HTTP/1.1\r\nHost: desk.example.com\r\n"
BIG = 64 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer its length; below /big answer much more than buffers hold."""
    size, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        is_more = message.get("more_body", False)
    body = b"x" * BIG if scope["path"] == "/big" else b"%d bytes" % size
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Listening:
    """A server in this process."""

    def __init__(self, state: ServerState, port: int) -> None:
        self.state, self.port = state, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def answers(self, *parts: bytes) -> bytes:
        """Send parts one after another; return everything that is received until the connection is closed."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        return await until_closed(reader, writer)


async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    try:
        async with asyncio.timeout(patient(10)):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@asynccontextmanager
async def listening(connections: Connections | None = None) -> AsyncIterator[Listening]:
    config = Config(application, ws="none", log_config=None, access_log=False, timeout_keep_alive=1)
    config.load()
    state = ServerState()
    app_state: dict[str, Any] = {} if connections is None else connections.state()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: LimitedProtocol(config, state, app_state, loop), "127.0.0.1", 0)
    try:
        yield Listening(state, server.sockets[0].getsockname()[1])
    finally:
        for connection in list(state.connections):
            connection.transport.abort()
        server.close()


def problem_of(answer: bytes) -> tuple[int, str]:
    """Return the status and the detail of an answer that is one problem and closes the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert b"\r\ncontent-type: application/problem+json" in head
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    return problem["status"], problem["detail"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD, 200),
        (b"GET / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n", 200),
        (b"GET / HTTP/1.1\r\nhOsT: [2001:db8::1]:8080\r\n", 200),
        (b"GET / HTTP/1.0\r\n", 200),
        (b"GET / HTTP/1.1\r\n", 400),
        (HEAD + b"Host: desk.example.com\r\n", 400),
        (HEAD + b"host: other.example.com\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: user@a\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a:b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: <script>\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a,b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: desk.example.com.\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a:65535\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a:65536\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: ..\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a..b\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: .a\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [::::]\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [192.0.2.1]\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: \xff\r\n", 400),
    ],
)
async def test_a_request_has_one_valid_host(head: bytes, status: int) -> None:
    async with listening() as server:
        answer = await server.answers(head + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        if status == 400:
            assert problem_of(answer) == (400, "the Host header must be given once, as a name or an address")


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n"],
        [HEAD + b"X-Long: ", *[b"x" * 10_000] * 8],
        [HEAD, *[b"X-Many: " + b"x" * 1000 + b"\r\n"] * 80],
        [b"GET /?" + b"x" * 70_000],
        [b"GET /?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"],
        [HEAD + b"\r\n" + HEAD, *[b"X-Many: " + b"x" * 1000 + b"\r\n"] * 80],
    ],
    ids=["one", "one in parts", "many", "path in parts", "path", "second request"],
)
async def test_long_headers_are_refused_before_they_are_complete(parts: list[bytes]) -> None:
    async with listening() as server:
        answer = await server.answers(*parts)
        status, detail = problem_of(answer[answer.index(b"HTTP/1.1 431") :])
        assert (status, detail) == (431, "the request line and the headers must not be longer than 65536 bytes")


async def test_headers_below_the_limit_and_a_long_body_are_accepted() -> None:
    async with listening() as server:
        head = HEAD + b"X-Long: " + b"x" * 60_000 + b"\r\nContent-Length: 300000\r\n\r\n"
        answer = await server.answers(head, *[b"b" * 100_000] * 3, HEAD + b"Connection: close\r\n\r\n")
        assert (answer.count(b"HTTP/1.1 200"), b"300000 bytes" in answer) == (2, True)


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, b"\r\n", HEAD + b"\r\n" + HEAD])
async def test_a_client_that_does_not_complete_its_headers_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEADERS_SECONDS", 0.2)
    async with listening() as server:
        reader, writer = await server.connect()
        writer.write(sent)
        answer = await until_closed(reader, writer)
        if sent:
            late = answer[answer.index(b"HTTP/1.1 408") :]
            assert problem_of(late) == (408, "the request took too long to arrive")
        else:
            assert answer == b""


async def test_a_client_that_sends_its_headers_byte_by_byte_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADERS_SECONDS", 0.3)
    async with listening() as server:
        answer = await server.answers(*[b"G"], *[b"E" for _ in range(100)])
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


async def test_a_slow_body_is_refused_and_one_that_is_fast_enough_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.05)
    head = HEAD + b"Content-Length: 10000\r\n\r\n"
    async with listening() as server:
        assert problem_of(await server.answers(head, b"x")) == (408, "the request took too long to arrive")
        reader, writer = await server.connect()
        writer.write(head)
        for _ in range(20):
            writer.write(b"x" * 500)
            await asyncio.sleep(0.03)
        assert (await reader.readuntil(b"10000 bytes")).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("is_stopping", [False, True])
async def test_a_client_that_does_not_read_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, *, is_stopping: bool
) -> None:
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.3 if not is_stopping else 600)
    monkeypatch.setattr(protocol, "STOP_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.05)
    async with listening() as server:
        reader, writer = await server.connect()
        transport: Any = writer.transport
        transport.pause_reading()
        writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(patient(10)):
            while not server.state.connections or not server.state.total_requests:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            if is_stopping:
                for connection in list(server.state.connections):
                    connection.shutdown()
            while server.state.connections:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.01)
        writer.close()
        assert not reader.at_eof()


async def test_a_client_that_reads_slowly_but_steadily_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "CHECK_SECONDS", 0.05)
    async with listening() as server:
        reader, writer = await server.connect()
        writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        size = 0
        while part := await reader.read(1024 * 1024):
            size += len(part)
            await asyncio.sleep(0.01)
        assert size > BIG
        writer.close()


@pytest.mark.parametrize(
    ("in_all", "per_peer", "detail"),
    [
        (2, 0, "the server has too many connections: try again later"),
        (10, 2, "your address has too many connections: try again later"),
    ],
)
async def test_connections_are_limited(in_all: int, per_peer: int, detail: str) -> None:
    limits = Connections(in_all, per_peer)
    async with listening(limits) as server:
        first, second = await server.connect(), await server.connect()
        third = await server.connect()
        assert problem_of(await until_closed(*third)) == (503, detail)
        first[1].close()
        second[1].write(HEAD + b"\r\n")
        assert (await second[0].readuntil(b"0 bytes")).startswith(b"HTTP/1.1 200")
        async with asyncio.timeout(patient(5)):
            while len(server.state.connections) > 1:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.01)
        assert (await server.answers(HEAD + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200")
        second[1].close()
        async with asyncio.timeout(patient(5)):
            while limits.by_peer:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.01)


async def test_what_is_no_http_is_a_problem() -> None:
    async with listening() as server:
        assert problem_of(await server.answers(b"\x16\x03\x01\x02\x00")) == (400, "Invalid HTTP request received.")


class Recorded:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes | None]] = []

    def write(self, part: bytes) -> None:
        self.calls.append(("write", part))

    def close(self) -> None:
        self.calls.append(("close", None))

    def is_closing(self) -> bool:
        return False


async def test_headers_leave_with_the_first_part_of_the_body() -> None:
    recorded = Recorded()
    transport = protocol._JoiningTransport(recorded, asyncio.get_running_loop())  # type: ignore[arg-type]  # noqa: SLF001
    transport.write(b"headers ")
    transport.write(b"body")
    transport.write(b"more")
    assert recorded.calls == [("write", b"headers body")]
    await asyncio.sleep(0)
    assert recorded.calls[1:] == [("write", b"more")], "without another part at the end of the turn"


async def test_a_large_body_is_not_copied() -> None:
    recorded = Recorded()
    transport = protocol._JoiningTransport(recorded, asyncio.get_running_loop())  # type: ignore[arg-type]  # noqa: SLF001
    body = b"x" * (64 * 1024 + 1)
    transport.write(b"headers")
    transport.write(body)
    assert recorded.calls == [("write", b"headers"), ("write", body)]
    assert recorded.calls[1][1] is body


async def test_what_was_written_leaves_before_the_connection_is_closed() -> None:
    recorded = Recorded()
    transport = protocol._JoiningTransport(recorded, asyncio.get_running_loop())  # type: ignore[arg-type]  # noqa: SLF001
    transport.write(b"headers")
    transport.close()
    assert recorded.calls == [("write", b"headers"), ("close", None)]


async def test_the_size_of_the_headers_is_a_setting() -> None:
    async with listening(Connections(0, 0, headers_max=1000)) as server:
        fits = HEAD + b"X-Pad: %b\r\nConnection: close\r\n\r\n"
        assert (await server.answers(fits % (b"x" * 800))).startswith(b"HTTP/1.1 200")
        assert problem_of(await server.answers(fits % (b"x" * 1000))) == (
            431, "the request line and the headers must not be longer than 1000 bytes",
        )  # fmt: skip
