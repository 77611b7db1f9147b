"""What a client may send before it is known: how much, how slowly, how wrong, and from how many connections."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.reception import arriving, listener
from clearline.mail.inbound.reception.admission import Admission
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.transactions import Database
from tests.builders.mail.inbound_rig import SUPPORT, a_mail
from tests.builders.mail.listening import listening, waiting_count
from tests.builders.people import NOW
from tests.patience import patient

ENVELOPE = b"EHLO a.example.com\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<support@example.net>\r\n"
ENDS = ("\r\n", "\n", "\r")
SMUGGLED = b"MAIL FROM:<b@example.com>\r\nRCPT TO:<support@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"


@pytest.fixture(scope="module", autouse=True)
async def mailbox(database: Database) -> None:
    async with database.transaction() as tx:
        await mailboxes.add_mailbox(tx, OPERATOR, {"address": SUPPORT}, secret_box=SecretBox(b"k"), now=NOW)


class Client:
    """A client that sends bytes, and reads replies without their continuation lines."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def reply(self) -> str:
        """Return the next reply; nothing when the connection has ended."""
        async with asyncio.timeout(patient(10)):
            while True:
                line = (await self._reader.readline()).decode()
                if line[3:4] != "-":
                    return line.rstrip()

    async def say(self, text: bytes, replies: int = 1) -> str:
        """Send something, and return the last of so many replies."""
        self._writer.write(text)
        reply = ""
        for _ in range(replies):
            reply = await self.reply()
        return reply

    async def mail(self, raw: bytes) -> str:
        """Send a mail, whose end is included, and return its reply."""
        assert await self.say(ENVELOPE, 3) == "250 2.1.5 OK"
        assert (await self.say(b"DATA\r\n")).startswith("354")
        return await self.say(raw)


@asynccontextmanager
async def connected(database: Database, kind: str = "smtp", connections_max: int = 50) -> AsyncIterator[Client]:
    async with listening(database, kind, connections_max=connections_max) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = Client(reader, writer)
        assert (await client.reply()).startswith("220 ")
        yield client
        writer.close()


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in ENDS for b in ENDS if (a, b) != ("\r\n", "\r\n")])
async def test_only_a_dot_between_line_ends_ends_a_mail(database: Database, before: str, after: str) -> None:
    count = await waiting_count(database)
    text = f"one {before}.{after}".encode() + SMUGGLED + b"\r\n"
    raw = a_mail("a@example.com", SUPPORT, f"{before!r} {after!r}\r\n") + text
    async with connected(database) as client:
        assert await client.mail(raw + b".\r\n") == "250 2.0.0 Kept"
        assert (await client.say(b"NOOP\r\n")).startswith("250")
    assert await waiting_count(database) == count + 1
    async with database.statement() as tx:
        mails = await inbound_mail_store.page(tx, state=InboundState.WAITING, before=None, limit=1000)
        kept = raw.replace(b"\r\n.", b"\r\n")  # a dot that begins a line is not part of it (RFC 5321, section 4.5.2)
        assert kept in [await inbound_mail_store.raw(tx, mail.id) for mail in mails]


async def test_a_mail_without_text_is_stored(database: Database) -> None:
    count = await waiting_count(database)
    async with connected(database) as client:
        assert await client.mail(b".\r\n") == "250 2.0.0 Kept"
    assert await waiting_count(database) == count + 1


async def test_a_mail_of_too_many_lines_is_refused_and_the_next_one_is_accepted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "LINES_MAX", 1000)
    count = await waiting_count(database)
    async with connected(database) as client:
        assert (await client.mail(b"a\r\n" * 5000 + b".\r\n")).startswith("552 5.3.4 The mail has more than ")
        assert await client.say(b"RSET\r\n") == "250 OK"
        assert await client.mail(a_mail("a@example.com", SUPPORT, "after") + b"\r\n.\r\n") == "250 2.0.0 Kept"
    assert await waiting_count(database) == count + 1


async def test_mail_is_refused_for_now_while_too_much_is_arriving(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "ARRIVING_MAX", 0)
    async with connected(database) as client:
        reply = await client.mail(a_mail("a@example.com", SUPPORT, "busy") + b"\r\n.\r\n")
        assert reply == "452 4.3.1 Too much mail is arriving; try again later"


async def test_a_mail_that_is_too_large_and_does_not_end_ends_the_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SKIPPED_MAX", 1000)
    async with connected(database) as client:
        assert (await client.mail(b"x\r\n" * 100_000)).startswith("552 5.3.4 ")


@pytest.mark.parametrize("command", [b"\r\n", b"X" * 2000 + b"\r\n", b"HELO\r\n", b"DATA\r\n"])
async def test_a_connection_that_makes_too_many_errors_is_closed(database: Database, command: bytes) -> None:
    async with connected(database) as client:
        await client.say(b"EHLO a.example.com\r\n")
        for _ in range(listener.ERRORS_MAX - 1):
            assert (await client.say(command)).startswith(("500 ", "501 ", "503 "))
        assert await client.say(command, 2) == "421 4.7.0 Too many errors"
        assert await client.reply() == ""


async def test_a_client_that_sends_no_command_is_disconnected(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "COMMAND_SECONDS", 0.2)
    async with connected(database) as client:
        assert [await client.reply(), await client.reply()] == ["421 4.4.2 Timeout", ""]


@pytest.mark.parametrize("limit", ["BLOCK_SECONDS", "MAIL_SECONDS"])
async def test_a_client_that_sends_its_mail_too_slowly_is_disconnected(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(listener, limit, 0.2)
    async with connected(database) as client:
        assert await client.mail(b"Subject: slow\r\n") == "421 4.4.2 Timeout"
        assert await client.reply() == ""


def test_connections_are_limited_in_all_and_of_one_address() -> None:
    class Connection(asyncio.Transport):
        def __init__(self, host: str) -> None:
            super().__init__({"peername": (host, 1)})

    admission = Admission(6, 2)
    far = [Connection("192.0.2.1") for _ in range(3)]
    own = [Connection(host) for host in ("127.0.0.1", "127.0.0.1", "::1", "::1")]
    assert [admission.admit(connection) for connection in far[:2]] == [None, None]
    assert (admission.admit(far[2]) or b"").startswith(b"421 4.7.0 ")
    assert [admission.admit(connection) for connection in own] == [None] * 4
    assert (admission.admit(Connection("192.0.2.2")) or b"").startswith(b"421 4.3.2 ")
    for connection in far:
        admission.leave(connection)
    assert admission.admit(far[2]) is None
