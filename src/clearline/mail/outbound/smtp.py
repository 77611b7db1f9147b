"""Send messages by SMTP (RFC 5321). This module knows addresses and messages, and nothing of tickets."""

import asyncio
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from clearline.mail.outbound.bounce import refuses_address
from clearline.settings.settings import InvalidSetting
from clearline.text import is_mailable

RESPONSE_TIMEOUT_SECONDS = 30.0
"""The most time for one response. RFC 5321, section 4.5.3.2 allows minutes, but the queue waits for it."""

IDLE_TIMEOUT_SECONDS = 20.0
"""A connection that was idle for longer is not used again: servers close idle connections."""

MAX_MAILS_PER_CONNECTION = 100
"""The most mails over one connection; some servers close it after that many."""

ERROR_MAX = 500
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_TOO_LARGE = 552


class SmtpUnavailable(Exception):
    """No mail can be sent now: the server is unreachable, busy, not trusted, or refuses our login or sender."""


class MailRefused(Exception):
    """The server refused this mail, or the connection failed during it.

    ``is_permanent``: a retry is useless (RFC 5321, section 4.2.1: 5yz). ``is_bad_address``: the recipient does not
    exist, according to the server.
    """

    def __init__(self, detail: str, *, is_permanent: bool, is_bad_address: bool = False) -> None:
        super().__init__(detail[:ERROR_MAX])
        self.is_permanent, self.is_bad_address = is_permanent, is_bad_address


class SmtpServer(Struct, frozen=True):
    """The mail server. ``scheme`` is smtp (never encrypted), smtp+starttls, or smtps (TLS from the start).

    Certificates are checked against the machine's authorities, or those in ``SSL_CERT_FILE``.
    """

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse an address such as ``smtp+starttls://user:password@host:587``.

        Raises:
            InvalidSetting: the port is not a number.
        """
        parts = urlsplit(url)
        try:
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise InvalidSetting("CLEARLINE_SMTP must be an address such as smtps://mail.example.net:465") from error
        user = None if parts.username is None else unquote(parts.username)
        return cls(parts.scheme, parts.hostname or "", port, user, unquote(parts.password or ""))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


class Connections:
    """A pool of connections to one server: one for each mail that is being sent, reused afterwards."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        *,
        response_timeout: float = RESPONSE_TIMEOUT_SECONDS,
        idle_timeout: float = IDLE_TIMEOUT_SECONDS,
        mails_per_connection: int = MAX_MAILS_PER_CONNECTION,
    ) -> None:
        """Set the envelope sender, to which bounces are sent, and the timeouts in seconds."""
        self._server, self._sender, self._response_timeout = server, sender, response_timeout
        self._idle_timeout, self._mails_per_connection = idle_timeout, mails_per_connection
        self._idle: list[_Connection] = []

    async def deliver(self, recipient: str, message: bytes) -> str:
        """Send a message, and return the server's response.

        Raises:
            MailRefused: the server refused this mail.
            SmtpUnavailable: the server accepts no mail now.
        """
        if not is_mailable(recipient):  # the library parses it leniently, and would send to another address
            raise MailRefused("mail servers do not accept such an address", is_permanent=True)
        while (connection := self._reusable()) is not None:
            try:
                return await self._deliver_over(connection, recipient, message)
            except SmtpUnavailable:
                continue  # the server closed an idle connection; nothing was sent
        connection = await _Connection.open(self._server, self._response_timeout)
        return await self._deliver_over(connection, recipient, message)

    async def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            await self._idle.pop().quit()

    def _reusable(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh(self._idle_timeout, self._mails_per_connection):
                return connection
            connection.drop()
        return None

    async def _deliver_over(self, connection: "_Connection", recipient: str, message: bytes) -> str:
        try:
            response = await connection.deliver(self._sender, recipient, message)
        except BaseException:
            if connection.is_usable:
                self._idle.append(connection)
            else:
                connection.drop()
            raise
        self._idle.append(connection)
        return response


class _Connection:
    """One connection.

    ``is_usable`` is false during a mail, and after a failure that left the session in an unknown state.
    """

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._mails = 0
        self._last_used = _seconds()
        self.is_usable = True

    @classmethod
    async def open(cls, server: SmtpServer, seconds: float) -> Self:
        """Connect, encrypt and log in.

        Raises:
            SmtpUnavailable: any of these failed.
        """
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password if server.user is not None else None,
            use_tls=server.scheme == "smtps",
            start_tls=server.scheme == "smtp+starttls",
            timeout=seconds,
        )
        try:
            await client.connect()
            await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise SmtpUnavailable(f"{server}: {_error_text(error)}") from error
        return cls(client)

    def is_fresh(self, idle_timeout: float, max_mails: int) -> bool:
        """Return whether the server probably takes another mail over this connection."""
        was_used_recently = _seconds() - self._last_used < idle_timeout
        return self.is_usable and was_used_recently and self._mails < max_mails and self._client.is_connected

    async def deliver(self, sender: str, recipient: str, message: bytes) -> str:
        """Send one mail: MAIL, RCPT, DATA.

        A failure before RCPT counts against the server, and a later one against the mail, so that a mail that crashes a
        server does not block the queue forever.
        """
        self.is_usable = False
        await self._announce(sender, recipient, message)
        is_accepted = False
        try:
            await self._client.rcpt(recipient, encoding=_encoding(sender, recipient, message))
            is_accepted = True
            answer = await self._client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            await self._reset()
            is_bad_address = refuses_address(error.code, error.message, is_rcpt=not is_accepted)
            is_permanent = 500 <= error.code < 600
            raise MailRefused(_error_text(error), is_permanent=is_permanent, is_bad_address=is_bad_address) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailRefused(_error_text(error), is_permanent=False) from error
        self._mails += 1
        self._last_used = _seconds()
        self.is_usable = True
        return answer.message

    async def _announce(self, sender: str, recipient: str, message: bytes) -> None:
        encoding = _encoding(sender, recipient, message)
        options = [f"SIZE={len(message)}"] if self._client.supports_extension("size") else []
        if encoding != "ascii":
            if not self._client.supports_extension("smtputf8"):
                self.is_usable = True
                raise MailRefused("the server does not accept international addresses (SMTPUTF8)", is_permanent=True)
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            await self._client.mail(sender, options=options, encoding=encoding)
        except aiosmtplib.SMTPResponseException as error:
            about_mail = error.code == _TOO_LARGE or (400 <= error.code < 500 and error.code != 421)
            if about_mail:
                await self._reset()
                raise MailRefused(_error_text(error), is_permanent=error.code == _TOO_LARGE) from error
            raise SmtpUnavailable(f"the sender {sender} is refused: {_error_text(error)}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise SmtpUnavailable(_error_text(error)) from error

    async def _reset(self) -> None:
        """Make the connection usable for the next mail, if possible."""
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            return
        self._last_used = _seconds()
        self.is_usable = True

    async def quit(self) -> None:
        """Close the connection with QUIT, if the server answers within 2 seconds."""
        try:
            await self._client.quit(timeout=2)
        except (aiosmtplib.SMTPException, OSError):
            self.drop()

    def drop(self) -> None:
        """Close the connection without QUIT."""
        self._client.close()


async def check(server: SmtpServer) -> str:
    """Connect and log in, and return a sentence about the server.

    Raises:
        SmtpUnavailable: the server is unreachable, or refuses the login.
    """
    connection = await _Connection.open(server, 10)
    await connection.quit()
    return f"{server} answers" + ("" if server.user is None else f" and knows {server.user}")


def _encoding(sender: str, recipient: str, message: bytes) -> str:
    return "ascii" if sender.isascii() and recipient.isascii() and message.isascii() else "utf-8"


def _error_text(error: BaseException) -> str:
    """Return an error in one line: the server's response, or what happened to the connection."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        text = f"{error.code} {error.message}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.replace("\0", "").split())[:ERROR_MAX]


def _seconds() -> float:
    return asyncio.get_running_loop().time()
