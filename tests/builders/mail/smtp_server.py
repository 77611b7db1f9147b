"""SMTP servers on loopback that accept or reject mail, or fail, in all kinds of ways."""

import asyncio
import contextlib
import socket
import ssl
import warnings
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.patience import patient

USER, PASSWORD = "desk@example.net", "p@ss: word/1"


class ReceivedMail(NamedTuple):
    """A mail that the server accepted."""

    sender: str
    recipient: str
    options: list[str]
    raw: bytes
    is_encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """Return the mail as the standard library parses it."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


class MailServer:
    """Accepts every mail, unless one of its responses says otherwise; stores what it accepted.

    ``on_mail``, ``on_rcpt`` and ``on_data`` are responses by recipient (or sender), "*" for any; "drop" aborts the
    connection, "hang" never responds, and a response that ends in " once" applies to one mail.
    ``open`` counts connections.
    """

    def __init__(self) -> None:
        self.received: list[ReceivedMail] = []
        self.on_mail: dict[str, str] = {}
        self.on_rcpt: dict[str, str] = {}
        self.on_data: dict[str, str] = {}
        self.connections = 0
        self.open = 0
        self.under_way = 0
        self.delay = 0.0
        self.port = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(server, self.on_mail, address)
        if answer is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
            return "250 OK"
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._answer(server, self.on_rcpt, address)
        if answer is None:
            envelope.rcpt_tos.append(address)
            return "250 OK"
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.under_way += 1
        await asyncio.sleep(self.delay)
        self.under_way -= 1
        [recipient] = envelope.rcpt_tos
        answer = await self._answer(server, self.on_data, recipient)
        if answer is not None:
            return answer
        raw = envelope.original_content
        assert raw is not None
        assert envelope.mail_from is not None
        assert server.transport is not None
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.received.append(ReceivedMail(envelope.mail_from, recipient, envelope.mail_options, raw, is_encrypted))
        return "250 2.0.0 taken"

    async def _answer(self, server: SMTP, answers: dict[str, str], address: str) -> str | None:
        key = address if address in answers else "*"
        answer = answers.get(key)
        if answer is not None and answer.endswith(" once"):
            del answers[key]
            answer = answer.removesuffix(" once")
        if answer == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "250 not delivered"
        if answer == "hang":
            await asyncio.sleep(3600)
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Accept the login of one user."""
        assert mechanism in {"LOGIN", "PLAIN"}
        known = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)


class Certificate(NamedTuple):
    """A self-signed certificate for localhost, and its key."""

    file: Path
    context: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """Create a certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate_of_localhost = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(certificate_of_localhost.public_bytes(pem))
    private = folder / "key.pem"
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return Certificate(file, context)


@asynccontextmanager
async def running(
    server: MailServer | None = None,
    *,
    smtps: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    auth: bool = False,
    smtputf8: bool = True,
    port: int = 0,
    size: int = 1_000_000,
) -> AsyncIterator[MailServer]:
    """Run a server on 127.0.0.1 while the block runs."""
    mail_server = server or MailServer()
    open_now: dict[asyncio.Transport, TransportSocket] = {}

    class Counted(SMTP):
        def connection_made(self, transport: Any) -> None:
            mail_server.connections += 1
            mail_server.open += 1
            open_now[transport] = transport.get_extra_info("socket")
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            mail_server.open -= 1
            super().connection_lost(error)

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # it warns of logins without TLS, which are tested here
            return Counted(
                mail_server, hostname="mail.example.net", enable_SMTPUTF8=smtputf8, tls_context=starttls,
                require_starttls=starttls is not None, authenticator=mail_server.authenticate if auth else None,
                auth_required=auth, auth_require_tls=False, data_size_limit=size, timeout=3600,
            )  # fmt: skip

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, ssl=smtps)
    mail_server.port = listening.sockets[0].getsockname()[1]
    try:
        yield mail_server
    finally:
        listening.close()
        for transport, below in open_now.items():
            if transport.is_closing():  # CPython 3.11.2 cannot abort a TLS connection that was closed twice
                with contextlib.suppress(OSError):
                    below.shutdown(socket.SHUT_RDWR)
            else:
                transport.abort()
        async with asyncio.timeout(patient(5)):
            while any(below.fileno() != -1 for below in open_now.values()):  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0)
