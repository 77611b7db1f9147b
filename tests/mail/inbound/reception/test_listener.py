"""Mail delivered on a real socket, by an independent client."""

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.transactions import Database
from tests.builders.databases import new_database
from tests.builders.mail.inbound_rig import SUPPORT, a_mail
from tests.builders.mail.listening import LARGEST, listening, waiting_count
from tests.builders.people import NOW
from tests.patience import patient, stretched

CLIENTS: dict[str, Any] = {"lmtp": smtplib.LMTP, "smtp": smtplib.SMTP}


@pytest.fixture(scope="module", params=CLIENTS)
async def port(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[tuple[str, int]]:
    async with database.transaction() as tx:
        if not await tx.fetchval("select count(*) from mailbox"):
            for values in ({"address": SUPPORT}, {"address": "NOC@example.net"}, {"address": "old@example.net"}):
                mailbox = await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k"), now=NOW)
            inactive = {"is_active": False}
            await mailboxes.change_mailbox(tx, OPERATOR, mailbox.id, inactive, secret_box=SecretBox(b"k"), now=NOW)
    async with listening(database, request.param) as number:
        yield request.param, number


async def deliver(port: tuple[str, int], *recipients: str, raw: bytes, sender: str = "a@example.com") -> list[int]:
    """Send a mail from a thread; return the code of each recipient, then those of the mail."""

    def send() -> list[int]:
        with CLIENTS[port[0]]("127.0.0.1", port[1], timeout=patient(10)) as client:
            client.ehlo_or_helo_if_needed()
            assert client.mail(sender)[0] == 250
            codes = [client.rcpt(recipient)[0] for recipient in recipients]
            if (accepted := codes.count(250)) == 0:
                return codes
            codes.append(client.data(raw)[0])
            return codes + [client.getreply()[0] for _ in range(accepted - 1 if port[0] == "lmtp" else 0)]

    return await asyncio.to_thread(send)


def accepted(port: tuple[str, int], recipients: int) -> list[int]:
    """Return the codes of an accepted mail."""
    return [250] * (recipients + (recipients if port[0] == "lmtp" else 1))


async def test_an_accepted_mail_is_stored_unchanged(database: Database, port: tuple[str, int]) -> None:
    raw = a_mail("ada@example.com", SUPPORT, "One line\r\n.a line with a dot\r\nGr\u00f6\u00dfe")
    assert await deliver(port, "Support+INC000000000042-ab@example.net", raw=raw, sender="ada@example.com") == [
        250,
        250,
    ]
    async with database.statement() as tx:
        [mail] = await inbound_mail_store.page(tx, state=None, before=None, limit=1)
        assert await inbound_mail_store.raw(tx, mail.id) == raw
    assert (mail.state, mail.sender, mail.subject) == (InboundState.WAITING, "ada@example.com", "Port")
    assert (mail.envelope_from, mail.envelope_to) == ("ada@example.com", "Support+INC000000000042-ab@example.net")


async def test_a_duplicate_is_accepted_and_not_stored_again(database: Database, port: tuple[str, int]) -> None:
    raw = a_mail("ada@example.com", SUPPORT)
    before = await waiting_count(database)
    for _ in range(2):
        assert await deliver(port, SUPPORT, SUPPORT.upper(), raw=raw) == accepted(port, 2)
    assert await waiting_count(database) == before + 1


async def test_a_mail_to_two_mailboxes_is_stored_for_each(database: Database, port: tuple[str, int]) -> None:
    before = await waiting_count(database)
    assert await deliver(port, SUPPORT, "noc+x@EXAMPLE.net", raw=a_mail("ada@example.com", SUPPORT)) == accepted(
        port, 2
    )
    assert await waiting_count(database) == before + 2


@pytest.mark.parametrize("recipient", ["nobody@example.net", "support@example.org", "old@example.net", "x'\"@a.b"])
async def test_an_address_without_a_mailbox_is_refused(
    database: Database, port: tuple[str, int], recipient: str
) -> None:
    before = await waiting_count(database)
    refused = await deliver(port, recipient, raw=a_mail("ada@example.com", recipient))
    assert refused in ([550], [553])
    some = await deliver(port, recipient, SUPPORT, raw=a_mail("ada@example.com", recipient))
    assert some == [*refused, 250, 250]
    assert await waiting_count(database) == before + 1


async def test_a_mail_with_an_empty_sender_is_accepted(database: Database, port: tuple[str, int]) -> None:
    assert await deliver(port, SUPPORT, raw=a_mail("mailer-daemon@example.com", SUPPORT), sender="") == [250, 250]
    async with database.statement() as tx:
        [mail] = await inbound_mail_store.page(tx, state=None, before=None, limit=1)
    assert mail.envelope_from == ""


async def test_a_line_longer_than_the_standard_allows_is_accepted(database: Database, port: tuple[str, int]) -> None:
    before = await waiting_count(database)
    assert await deliver(port, SUPPORT, raw=a_mail("ada@example.com", SUPPORT, "x" * 15_000)) == [250, 250]
    assert await waiting_count(database) == before + 1


@pytest.mark.parametrize("declared", [True, False])
async def test_a_mail_that_is_too_large_is_refused(
    database: Database, port: tuple[str, int], *, declared: bool
) -> None:
    before = await waiting_count(database)
    raw = a_mail("ada@example.com", SUPPORT, "x y\r\n" * LARGEST)

    def speak() -> list[int]:
        with CLIENTS[port[0]]("127.0.0.1", port[1], timeout=patient(10)) as client:
            client.ehlo_or_helo_if_needed()
            assert client.esmtp_features["size"] == str(LARGEST)
            codes = [client.mail("a@example.com", [f"SIZE={len(raw)}"] if declared else [])[0]]
            if not declared:
                codes += [client.rcpt(SUPPORT)[0], client.rcpt("noc@example.net")[0], client.data(raw)[0]]
                if port[0] == "lmtp":
                    codes.append(client.getreply()[0])  # one answer for each recipient (RFC 2033, 4.2)
            client.rset()
            return [*codes, client.noop()[0]]

    codes = await asyncio.to_thread(speak)
    answers = [552, 552] if port[0] == "lmtp" else [552]
    assert codes == ([552, 250] if declared else [250, 250, 250, *answers, 250])
    assert await waiting_count(database) == before


async def test_mail_is_refused_temporarily_while_the_database_is_unavailable(postgres: str) -> None:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        async with database.transaction() as tx:
            await mailboxes.add_mailbox(tx, OPERATOR, {"address": SUPPORT}, secret_box=SecretBox(b"k"), now=NOW)
    async with listening(database, "lmtp") as number:
        assert await deliver(("lmtp", number), SUPPORT, raw=a_mail("ada@example.com", SUPPORT)) == [451]
    await database.close()


async def test_connections_beyond_the_limit_are_refused(database: Database) -> None:
    def greeting(number: int, connections: list[socket.socket]) -> bytes:
        connections.append(socket.create_connection(("127.0.0.1", number), timeout=patient(10)))
        return connections[-1].recv(3)

    async with listening(database, "smtp", connections_max=2) as number:
        connections: list[socket.socket] = []
        codes = [await asyncio.to_thread(greeting, number, connections) for _ in range(3)]
        assert codes == [b"220", b"220", b"421"]
        connections.pop(0).close()
        await asyncio.sleep(stretched(0.1))
        assert await asyncio.to_thread(greeting, number, connections) == b"220"
        for connection in connections:
            connection.close()
        await asyncio.sleep(0.05)


Say = Callable[[smtplib.SMTP], tuple[int, bytes]]


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda client: client.docmd("RCPT", f"TO:<{SUPPORT}>"), 503),
        (lambda client: client.docmd("AUTH", "PLAIN AGEAYg=="), 538),
        (lambda client: client.docmd("VRFY", SUPPORT), 252),
        (lambda client: client.docmd("X" * 2000), 500),
        (lambda client: client.docmd("DATA"), 503),
    ],
)
async def test_invalid_commands_are_refused(port: tuple[str, int], say: Say, code: int) -> None:
    def speak() -> int:
        with CLIENTS[port[0]]("127.0.0.1", port[1], timeout=patient(10)) as client:
            client.ehlo_or_helo_if_needed()
            return say(client)[0]

    assert await asyncio.to_thread(speak) == code
