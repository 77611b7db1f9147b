"""A server for mail over SMTP (RFC 5321) or LMTP (RFC 2033). Two functions decide what it accepts.

A mail is answered with 250 only after ``receive`` has returned: from then on we are responsible for it. What a client
may send before it is known is limited in every respect: see ``docs/reference/inbound-mail.md``.
"""

import asyncio
import logging
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from msgspec import Struct

from clearline.logs import Logger
from clearline.mail.inbound.large_mail import room_for
from clearline.mail.inbound.reception.admission import Admission, Refusal
from clearline.mail.inbound.reception.arriving import ArrivingBytes, ArrivingMail
from clearline.settings.values import Bind

RECIPIENTS_MAX = 50
SKIPPED_MAX = 100 * 1024**2
"""How many bytes of a mail that is too large are read for its end; then the connection is closed."""

COMMANDS_MAX = 5000
"""The most commands of one kind on a connection."""

ERRORS_MAX = 20
"""After so many commands that are wrong the connection is closed."""

ARRIVING_MAX = 10
"""All mails that are arriving have so many times the bytes of the largest mail at most."""

COMMAND_SECONDS, BLOCK_SECONDS, MAIL_SECONDS = 300, 180, 900
"""The most time until the next command, the next bytes of a mail, and the end of a mail (RFC 5321, section 4.5.3.2)."""

STORE_SECONDS = 540
"""The most time to store a mail: its sender waits for ten minutes (RFC 5321, section 4.5.3.2.6)."""

COMMAND_MAX = 1024
"""Bytes of a command; RFC 5321, section 4.5.3.1.4, allows 512, and more with extensions."""

_BUFFER, _BLOCK = 8 * 1024, 64 * 1024
"""Bytes after which reading pauses until they are processed, and of a mail that are processed at once."""

_END = b"\r\n.\r\n"
_WRONG = ("500", "501", "503")
_OK = "250 2.0.0 Kept"
_NO_SUCH = "550 5.1.1 No such mailbox here"
_LATER = "451 4.3.0 Try again later"
_TOO_MANY = "452 4.5.3 Too many recipients"
_TOO_MANY_ERRORS = "421 4.7.0 Too many errors"
_TIMEOUT = b"421 4.4.2 Timeout\r\n"

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


class Reception(Struct):
    """What the connections of a listener share."""

    has_mailbox: HasMailbox
    receive: Receive
    admission: Admission
    arriving: ArrivingBytes
    size_max: int

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, if there is a mailbox."""
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return _TOO_MANY
        try:
            is_known = await self.has_mailbox(_without_surrogates(address))
        except Unavailable:
            return _LATER
        except Exception:  # noqa: BLE001 - the mail is not lost: its server retries it
            _log.exception("recipient not looked up")
            return _LATER
        if not is_known:
            return _NO_SUCH
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, _error: Exception) -> str:
        """Reply to a command that failed."""
        _log.exception("mail session failed")
        return _LATER

    async def store(self, envelope: Envelope, mail: ArrivingMail) -> str:
        """Store a mail that has arrived, and return the reply: 250 only when it is stored."""
        sender = "" if envelope.mail_from in {None, "<>"} else _without_surrogates(str(envelope.mail_from))
        recipients = tuple(map(_without_surrogates, envelope.rcpt_tos))
        try:
            async with room_for(mail.size):
                await self.receive(Delivery(sender, recipients, mail.content()))
        except Unavailable:
            return _LATER
        except Exception:  # noqa: BLE001 - the mail is not lost: its server retries it
            _log.exception("mail not kept")
            return _LATER
        return _OK


def _without_surrogates(address: str) -> str:
    """Return an address with bytes that are not UTF-8 replaced."""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\x00", "")


class _Smtp(SMTP):
    """A connection that is limited in what it sends and how slowly, and refused when there are too many."""

    line_length_limit = _BUFFER

    def __init__(self, reception: Reception, **options: Any) -> None:
        super().__init__(reception, command_call_limit=COMMANDS_MAX, timeout=COMMAND_SECONDS, **options)
        # aiosmtpd has one for all connections, and raises it with every greeting.
        self.command_size_limits = defaultdict(lambda: COMMAND_MAX)
        self._reception = reception
        self._admitted: asyncio.BaseTransport | None = None
        self._errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the session, or hand the connection to one that refuses it."""
        reply = self._reception.admission.admit(transport)
        if reply is None:
            self._admitted = transport
            super().connection_made(transport)
            return
        refusal = Refusal(self._reception.admission, reply)
        transport.set_protocol(refusal)
        refusal.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End the session."""
        if self._admitted is not None:
            self._reception.admission.leave(self._admitted)
        super().connection_lost(error)

    def _timeout_cb(self) -> None:
        """Close a connection that is too slow, also one that does not read the reply."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None:
            return
        if transport.is_closing() or transport.get_write_buffer_size():
            transport.abort()
            return
        transport.write(_TIMEOUT)
        transport.close()
        self._timeout_handle = self.loop.call_later(1, transport.abort)

    async def push(self, status: Any) -> None:
        """Send a reply, and close the connection after too many errors."""
        await super().push(status)
        if not str(status).startswith(_WRONG):
            return
        self._errors += 1
        if self._errors >= ERRORS_MAX and self.transport is not None:
            await super().push(_TOO_MANY_ERRORS)
            self._close()

    def _close(self) -> None:
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is not None:
            transport.close()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Receive a mail, store it, then reply: in LMTP once for each recipient."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        with ArrivingMail(self._reception.arriving, self._reception.size_max) as mail:
            is_complete = await self._read_mail(mail)
            self._reset_timeout(STORE_SECONDS)
            status = mail.refusal or await self._reception.store(envelope, mail)
        self._reset_timeout()
        self.envelope = self._create_envelope()
        if status == _OK:
            self._errors = 0
        await super().push("\r\n".join([status] * (len(envelope.rcpt_tos) if isinstance(self, LMTP) else 1)))
        if not is_complete:
            self._close()

    async def _read_mail(self, mail: ArrivingMail) -> bool:
        """Read up to the end of the mail; False when it is too large and does not end."""
        # The line end before the mail, since the mail ends with a dot between two of them.
        self._reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]  # noqa: SLF001 - as aiosmtpd does for STARTTLS
        skipped, until = 2, self.loop.time() + MAIL_SECONDS
        while True:
            self._reset_timeout(max(0.0, min(BLOCK_SECONDS, until - self.loop.time())))
            try:
                block = await self._reader.readuntil(_END)
            except asyncio.LimitOverrunError as more:
                block = await self._reader.readexactly(min(more.consumed, _BLOCK))
            else:
                mail.add(block[skipped : len(block) - len(_END) + 2])
                return True
            mail.add(block[skipped:])
            skipped = 0
            if mail.size > self._reception.size_max + SKIPPED_MAX:
                return False


class _Lmtp(_Smtp, LMTP):
    """A connection with LMTP, which has another greeting, and a reply for each recipient (RFC 2033, section 4.2)."""


def open_port(address: str) -> socket.socket:
    """Return a socket that listens on an address, ``lmtp://host:port`` or ``smtp://host:port``; port 0 is any.

    Raises:
        OSError: the address cannot be listened on.
    """
    bind = Bind(address.partition("://")[2])
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        return socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        message = f"cannot receive mail on {bind}: {error.strerror or error}; set CLEARLINE_MAIL_LISTEN to another"
        raise OSError(error.errno, message) from error


class MailListener:
    """A listening port. ``address`` says with which protocol it is served."""

    def __init__(
        self,
        address: str,
        *,
        size_max: int,
        has_mailbox: HasMailbox,
        receive: Receive,
        hostname: str,
        connections_max: int,
        peer_connections_max: int,
    ) -> None:
        self._kind: type[_Smtp] = _Lmtp if address.startswith("lmtp:") else _Smtp
        self._hostname, self._size_max = hostname, size_max
        self._admission = Admission(connections_max, peer_connections_max)
        self._reception = Reception(
            has_mailbox, receive, self._admission, ArrivingBytes(ARRIVING_MAX * size_max), size_max
        )
        self._server: asyncio.Server | None = None

    async def start(self, port: socket.socket) -> None:
        """Serve the connections of a listening socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self._connection(loop), sock=port)
        host, number = port.getsockname()[:2]
        _log.info("mail listener started", kind=self._kind.__name__.strip("_").lower(), host=host, port=number)

    def _connection(self, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        return self._kind(
            self._reception,
            data_size_limit=self._size_max,
            enable_SMTPUTF8=True,
            hostname=self._hostname,
            ident="Clearline",
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            loop=loop,
        )

    async def stop(self) -> None:
        """Stop listening and close all connections; servers retry a mail that was not answered."""
        if self._server is None:
            return
        self._server.close()
        self._admission.close()
        await self._server.wait_closed()
        self._server = None
