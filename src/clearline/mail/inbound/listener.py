"""A server for mail over SMTP (RFC 5321) or LMTP (RFC 2033). Two functions decide what it accepts.

A mail is answered with 250 only after ``receive`` has returned: from then on we are responsible for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

from clearline.logs import Logger
from clearline.setting_values import Bind

CONNECTIONS_MAX = 50
"""The most connections of one process. Further ones are answered with 421, and retried by their servers."""

RECIPIENTS_MAX = 50
LINE_MAX = 256 * 1024
"""Bytes of a line. RFC 5321 allows 1000, but many programs send more, and refusing them helps nobody."""

COMMAND_TIMEOUT_SECONDS = 300
"""The most time for one command or, with DATA, for the whole mail (RFC 5321, section 4.5.3.2)."""

_OK = "250 2.0.0 Kept"
_NO_SUCH = "550 5.1.1 No such mailbox here"
_LATER = "451 4.3.0 Try again later"
_TOO_MANY = "452 4.5.3 Too many recipients"
_BUSY = b"421 4.3.2 Too many connections; try again later\r\n"

_log = Logger("clearline.mail")
logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd logs every line of every session


class Delivery(Struct, frozen=True):
    """A mail as it was delivered. ``sender`` is empty for mail that must not be replied to."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class Unavailable(Exception):
    """The mail cannot be accepted now; the delivering server retries it."""


HasMailbox = Callable[[str], Awaitable[bool]]
"""Returns whether there is a mailbox for an address; raises Unavailable."""

Receive = Callable[[Delivery], Awaitable[None]]
"""Stores a mail durably; raises Unavailable."""


class _Handler:
    """The hooks that aiosmtpd calls."""

    def __init__(self, has_mailbox: HasMailbox, receive: Receive) -> None:
        self._has_mailbox, self._receive = has_mailbox, receive

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, if there is a mailbox."""
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return _TOO_MANY
        try:
            is_known = await self._has_mailbox(_without_surrogates(address))
        except Unavailable:
            return _LATER
        except Exception:  # noqa: BLE001 - the mail is not lost: its server retries it
            _log.exception("recipient not looked up")
            return _LATER
        if not is_known:
            return _NO_SUCH
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store the mail, then answer: in LMTP once for each recipient."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = "" if envelope.mail_from in {None, "<>"} else _without_surrogates(str(envelope.mail_from))
        status = _OK
        try:
            await self._receive(Delivery(sender, tuple(map(_without_surrogates, envelope.rcpt_tos)), content))
        except Unavailable:
            status = _LATER
        except Exception:  # noqa: BLE001 - the mail is not lost: its server retries it
            _log.exception("mail not kept")
            status = _LATER
        return "\r\n".join([status] * (len(envelope.rcpt_tos) if isinstance(server, LMTP) else 1))


def _without_surrogates(address: str) -> str:
    """Return an address with bytes that are not UTF-8 replaced."""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\x00", "")


class _Smtp(SMTP):
    """A connection that is counted while it is open, and refused when there are too many."""

    line_length_limit = LINE_MAX

    def __init__(self, *args: Any, open_connections: set[Any], connections_max: int, **kwargs: Any) -> None:
        self._open_connections, self._connections_max = open_connections, connections_max
        super().__init__(*args, **kwargs)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the session, or answer 421 and close."""
        if len(self._open_connections) < self._connections_max:
            self._open_connections.add(self)
            super().connection_made(transport)
            return
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_BUSY)
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End the session."""
        if self in self._open_connections:
            self._open_connections.discard(self)
            super().connection_lost(error)


class _Lmtp(_Smtp, LMTP):
    """LMTP that also refuses a mail once for each recipient (RFC 2033, section 4.2)."""

    _answers = 1

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Receive the mail."""
        self._answers = max(1, len(self.envelope.rcpt_tos) if self.envelope is not None else 1)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._answers = 1

    async def push(self, status: Any) -> None:
        """Send a response."""
        is_about_mail = isinstance(status, str) and status.startswith(("552 ", "500 Line"))
        await super().push("\r\n".join([status] * self._answers) if is_about_mail else status)


class MailListener:
    """A listening port. ``address`` is ``lmtp://host:port`` or ``smtp://host:port``, with port 0 for any."""

    def __init__(
        self,
        address: str,
        *,
        size_max: int,
        has_mailbox: HasMailbox,
        receive: Receive,
        hostname: str,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        scheme, _, bind = address.partition("://")
        self._kind: type[_Smtp] = _Lmtp if scheme == "lmtp" else _Smtp
        self._bind = Bind(bind)
        self._size_max, self._hostname, self._connections_max = size_max, hostname, connections_max
        self._handler = _Handler(has_mailbox, receive)
        self._server: asyncio.Server | None = None
        self._open: set[Any] = set()

    async def start(self, *, shared: bool = False) -> int:
        """Listen, and return the port. ``shared`` when several processes listen on it.

        Raises:
            OSError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: self._connection(loop), self._bind.host, self._bind.port, reuse_port=shared or None
            )
        except OSError as error:
            message = (
                f"cannot receive mail on {self._bind}: {error.strerror or error}; set CLEARLINE_MAIL_LISTEN to another"
            )
            raise OSError(error.errno, message) from error
        port: int = self._server.sockets[0].getsockname()[1]
        _log.info("mail listener started", kind=self._kind.__name__.strip("_").lower(), host=self._bind.host, port=port)
        return port

    def _connection(self, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        return self._kind(
            self._handler,
            open_connections=self._open,
            connections_max=self._connections_max,
            data_size_limit=self._size_max,
            enable_SMTPUTF8=True,
            hostname=self._hostname,
            ident="Clearline",
            timeout=COMMAND_TIMEOUT_SECONDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=loop,
        )

    async def stop(self) -> None:
        """Stop listening and close all connections; servers retry a mail that was not answered."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._open):
            transport: Any = getattr(connection, "transport", None)
            if transport is not None:
                transport.close()
        await self._server.wait_closed()
        self._server = None
