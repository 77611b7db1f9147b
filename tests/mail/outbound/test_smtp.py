"""Mail is sent to real servers with all kinds of behaviour, and their responses are understood."""

import asyncio
from typing import Any

import pytest

from clearline.mail.outbound.smtp import Connections, MailRefused, SmtpServer, SmtpUnavailable, check
from clearline.settings.settings import InvalidSetting
from tests.builders.mail.smtp_server import PASSWORD, USER, Certificate, MailServer, certificate, running
from tests.patience import patient

SENDER, ADA = "support@example.net", "ada@example.com"
MESSAGE = b"Subject: Hello\r\nTo: ada@example.com\r\n\r\nA line\r\n.\r\n..two dots\r\n"
CREDENTIALS = "desk%40example.net:p%40ss%3A%20word%2F1@"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


def to(server: MailServer, scheme: str = "smtp", credentials: str = "", host: str = "127.0.0.1") -> SmtpServer:
    return SmtpServer.parse(f"{scheme}://{credentials}{host}:{server.port}")


def mails(server: MailServer, **limits: Any) -> Connections:
    return Connections(to(server), SENDER, response_timeout=patient(2), **limits)


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("smtp://mail.example.net", SmtpServer("smtp", "mail.example.net", 25, None, "")),
        ("smtp+starttls://mail.example.net", SmtpServer("smtp+starttls", "mail.example.net", 587, None, "")),
        ("smtps://mail.example.net", SmtpServer("smtps", "mail.example.net", 465, None, "")),
        (f"smtps://{CREDENTIALS}mail.example.net:1", SmtpServer("smtps", "mail.example.net", 1, USER, PASSWORD)),
    ],
)
def test_a_url_names_a_server(url: str, known: SmtpServer) -> None:
    assert SmtpServer.parse(url) == known
    assert PASSWORD not in str(known)


def test_a_url_with_an_invalid_port_is_refused() -> None:
    with pytest.raises(InvalidSetting):
        SmtpServer.parse("smtp://mail.example.net:99999")


async def test_mails_arrive_byte_for_byte_over_reused_connections() -> None:
    async with running() as server:
        connections = mails(server)
        for _ in range(3):
            assert "taken" in await connections.deliver(ADA, MESSAGE)
        await connections.close()
        assert [(mail.sender, mail.recipient, mail.raw) for mail in server.received] == [(SENDER, ADA, MESSAGE)] * 3
        assert server.connections == 1


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_mail_is_encrypted_and_the_client_logs_in(
    scheme: str, trusted: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = {"smtps" if scheme == "smtps" else "starttls": trusted.context}
    async with running(**contexts, auth=True) as server:  # type: ignore[arg-type]
        known = to(server, scheme, CREDENTIALS, "localhost")
        with pytest.raises(SmtpUnavailable, match="certificate verify failed"):
            await Connections(known, SENDER, response_timeout=patient(2)).deliver(ADA, MESSAGE)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
        connections = Connections(known, SENDER, response_timeout=patient(2))
        await connections.deliver(ADA, MESSAGE)
        assert [mail.is_encrypted for mail in server.received] == [True]
        assert await check(known) == f"{scheme}://localhost:{server.port} answers and knows {USER}"
        for credentials in ("desk%40example.net:wrong@", "eve:eve@"):
            with pytest.raises(SmtpUnavailable, match="535"):
                await check(to(server, scheme, credentials, "localhost"))
        await connections.close()


async def test_a_server_without_starttls_gets_no_password() -> None:
    async with running(auth=True) as server:
        with pytest.raises(SmtpUnavailable, match=r"(?i)starttls"):
            await check(to(server, "smtp+starttls", CREDENTIALS))


async def test_a_server_that_requires_a_login_accepts_no_mail_without_one() -> None:
    async with running(auth=True) as server:
        with pytest.raises(SmtpUnavailable, match="530"):
            await mails(server).deliver(ADA, MESSAGE)
        assert await Connections(to(server, "smtp", CREDENTIALS), SENDER).deliver(ADA, MESSAGE)


@pytest.mark.parametrize(
    ("step", "answer", "is_permanent"),
    [
        ("on_rcpt", "550 5.1.1 no such user", True),
        ("on_rcpt", "450 4.2.0 greylisted", False),
        ("on_rcpt", "421 4.7.0 come back", False),
        ("on_data", "554 5.7.1 spam", True),
        ("on_data", "451 4.3.0 later", False),
        ("on_mail", "452 4.3.1 full", False),
        ("on_mail", "552 5.3.4 too big", True),
        ("on_rcpt", "drop", False),
        ("on_data", "drop", False),
    ],
)
async def test_a_rejected_mail_is_refused(step: str, answer: str, *, is_permanent: bool) -> None:
    async with running() as server:
        connections = mails(server)
        getattr(server, step)["*"] = answer
        with pytest.raises(MailRefused) as refused:
            await connections.deliver(ADA, MESSAGE)
        assert refused.value.is_permanent is is_permanent
        if answer != "drop":
            assert answer in str(refused.value)
        getattr(server, step).clear()
        await connections.deliver(ADA, MESSAGE)
        assert len(server.received) == 1
        assert server.connections == (2 if answer == "drop" or answer.startswith("421") else 1)
        await connections.close()


@pytest.mark.parametrize("answer", ["550 5.7.1 not your address", "421 4.3.2 going down", "drop"])
async def test_a_rejected_sender_makes_the_server_unavailable(answer: str) -> None:
    async with running() as server:
        server.on_mail[SENDER] = answer
        with pytest.raises(SmtpUnavailable):
            await mails(server).deliver(ADA, MESSAGE)


@pytest.mark.parametrize("step", ["on_mail", "on_rcpt", "on_data"])
async def test_a_server_that_hangs_is_unavailable(step: str) -> None:
    async with running() as server:
        getattr(server, step)["*"] = "hang"
        with pytest.raises(SmtpUnavailable if step == "on_mail" else MailRefused):
            await Connections(to(server), SENDER, response_timeout=0.2).deliver(ADA, MESSAGE)


async def test_a_closed_port_is_unavailable() -> None:
    async with running() as server:
        pass
    with pytest.raises(SmtpUnavailable, match=f"127.0.0.1:{server.port}"):
        await mails(server).deliver(ADA, MESSAGE)


async def test_a_silent_server_is_unavailable() -> None:
    closed = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client gives up
        writer.close()
        await writer.wait_closed()
        closed.set()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    with pytest.raises(SmtpUnavailable):
        await Connections(SmtpServer("smtp", "127.0.0.1", port), SENDER, response_timeout=0.2).deliver(ADA, MESSAGE)
    async with asyncio.timeout(patient(5)):
        await closed.wait()
    silent.close()


async def test_a_closed_idle_connection_is_replaced() -> None:
    async with running() as server:
        connections = mails(server)
        await connections.deliver(ADA, MESSAGE)
        port = server.port
    await asyncio.sleep(0.05)
    async with running(server, port=port):
        await connections.deliver(ADA, MESSAGE)
        assert len(server.received) == 2
        await connections.close()


async def test_a_connection_closed_at_the_next_mail_is_replaced() -> None:
    async with running() as server:
        connections = mails(server)
        await connections.deliver(ADA, MESSAGE)
        server.on_mail["*"] = "drop once"
        await connections.deliver(ADA, MESSAGE)
        assert (len(server.received), server.connections) == (2, 2)
        await connections.close()


async def test_idle_and_much_used_connections_are_not_reused() -> None:
    async with running() as server:
        connections = mails(server, mails_per_connection=2)
        for _ in range(4):
            await connections.deliver(ADA, MESSAGE)
        assert server.connections == 2
        await connections.close()
        connections = mails(server, idle_timeout=0.0)
        await connections.deliver(ADA, MESSAGE)
        await connections.deliver(ADA, MESSAGE)
        assert server.connections == 4
        await connections.close()


async def test_international_addresses_require_a_server_with_smtputf8() -> None:
    message = "Subject: Grüße\r\nTo: jürgen@example.com\r\n\r\nHallo\r\n".encode()
    async with running() as server:
        connections = mails(server)
        await connections.deliver("jürgen@example.com", message)
        [received] = server.received
        assert (received.recipient, received.message["Subject"], received.raw) == (
            "jürgen@example.com",
            "Grüße",
            message,
        )
        assert "SMTPUTF8" in received.options
        await connections.close()
    async with running(smtputf8=False) as server:
        connections = mails(server)
        with pytest.raises(MailRefused, match="SMTPUTF8") as refused:
            await connections.deliver("jürgen@example.com", message)
        assert refused.value.is_permanent
        await connections.deliver(ADA, MESSAGE)
        assert server.connections == 1
        await connections.close()


@pytest.mark.parametrize(
    "recipient", ["a>b@example.com", "ada@example.com> SIZE=1", "ada@example.com\r\nRCPT TO:<eve@x>"]
)
async def test_an_address_cannot_inject_commands(recipient: str) -> None:
    async with running() as server:
        connections = mails(server)
        with pytest.raises(MailRefused) as refused:
            await connections.deliver(recipient, MESSAGE)
        assert refused.value.is_permanent
        await connections.deliver(ADA, MESSAGE)
        assert [mail.recipient for mail in server.received] == [ADA]
        await connections.close()


async def test_a_mail_that_is_too_large_is_refused_before_it_is_sent() -> None:
    async with running(size=2000) as server:
        connections = mails(server)
        with pytest.raises(MailRefused, match="552") as refused:
            await connections.deliver(ADA, MESSAGE + b"x" * 3000 + b"\r\n")
        assert refused.value.is_permanent
        await connections.close()


async def test_a_cancelled_delivery_drops_its_connection() -> None:
    async with running() as server:
        connections = mails(server)
        server.on_rcpt["*"] = "hang"
        task = asyncio.create_task(connections.deliver(ADA, MESSAGE))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.on_rcpt.clear()
        await connections.deliver(ADA, MESSAGE)
        assert len(server.received) == 1
        await connections.close()
