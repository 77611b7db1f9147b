"""Mailboxes on IMAP servers (RFC 9051, RFC 3501). The functions block: call them in a thread.

Hosts come from users: the client connects only to addresses that may be reached, whatever the name resolves to later,
and reads a limited number of bytes of each answer.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from msgspec import Struct

from clearline.platform.network.addresses import may_reach

HEAD_MAX = 65_536
PIECE = 1024**2
"""Bytes of a mail that are fetched with one command."""

_ERROR_MAX = 255
_SEEN = rb"\Seen"
_FLAGGED = rb"\Flagged"


@cache
def _library() -> Any:
    import imapclient.exceptions  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import, and most commands need none

    return imapclient


class ImapFailed(Exception):
    """The mailbox cannot be read. The text says why, for the operator."""


class ImapAccess(Struct, frozen=True):
    """How to connect to a mailbox.

    With ``uses_tls``, TLS from the first byte; without, STARTTLS if the server offers it. ``networks`` are the private
    ones in which the server may be.
    """

    host: str
    port: int
    uses_tls: bool
    user: str
    password: str
    folder: str
    networks: tuple[str, ...]


class OpenMailbox:
    """An open folder, for one thread at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def unseen(self, most: int) -> dict[int, int]:
        """Return the UID and size of mails that are not seen, the oldest first, at most ``most``."""
        with _translated_errors():
            uids = sorted(self._client.search(["UNSEEN", "UNDELETED"]))[:most]
            sizes = self._client.fetch(uids, ["RFC822.SIZE"]) if uids else {}
            return {uid: int(sizes[uid].get(b"RFC822.SIZE", 0)) for uid in uids if uid in sizes}

    def fetch(self, uid: int, most: int) -> bytes | None:
        """Return the first ``most`` bytes of a mail without marking it as seen; None when it was deleted."""
        pieces: list[bytes] = []
        left = most
        while left > 0:
            size = min(PIECE, left)
            piece = self._part(uid, f"BODY.PEEK[]<{most - left}.{size}>")
            if piece is None:
                return None
            pieces.append(piece[:size])
            left -= size
            if len(piece) < size:
                break
        return b"".join(pieces)

    def head(self, uid: int) -> bytes:
        """Return the headers of a mail without marking it as seen."""
        return self._part(uid, f"BODY.PEEK[HEADER]<0.{HEAD_MAX}>") or b""

    def _part(self, uid: int, section: str) -> bytes | None:
        with _translated_errors():
            items = self._client.fetch([uid], [section]).get(uid)
            if items is None:
                return None
            raw = next((value for key, value in items.items() if key.startswith(b"BODY[")), None)
            return raw if isinstance(raw, bytes) else b""  # NIL: it ends before the part

    def mark(self, uid: int, *, too_large: bool = False) -> None:
        """Mark a mail as seen. One that is too large is also flagged, so that people find it."""
        with _translated_errors():
            self._client.add_flags([uid], [_SEEN, _FLAGGED] if too_large else [_SEEN], silent=True)

    def abort(self) -> None:
        """Close the connection at once, even while another thread uses it."""
        with suppress(_library().exceptions.IMAPClientError, OSError, ValueError, AttributeError):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        with suppress(_library().exceptions.IMAPClientError, OSError, ValueError, AttributeError):
            self._client.shutdown()

    def close(self) -> None:
        """Log out."""
        with suppress(_library().exceptions.IMAPClientError, OSError, ValueError):
            self._client.logout()


def open_mailbox(access: ImapAccess) -> OpenMailbox:
    """Log in and open the folder.

    Raises:
        ImapFailed: the server is unreachable or may not be reached, refuses the login, or has no such folder.
    """
    with _translated_errors():
        addresses = _addresses(access)
        client = _new_client(access, addresses)
        try:
            if not access.uses_tls and client.has_capability("STARTTLS"):
                client.starttls(ssl.create_default_context())
            elif not access.uses_tls and not all(map(_is_loopback, addresses)):
                raise ImapFailed("no TLS: the password is not sent in the clear")  # noqa: TRY301
            client.login(access.user, access.password)
            client.select_folder(access.folder)
        except BaseException:
            with suppress(_library().exceptions.IMAPClientError, OSError):
                client.shutdown()
            raise
        return OpenMailbox(client)


def _new_client(access: ImapAccess, addresses: Sequence[str]) -> Any:
    from clearline.mail.inbound.imap_client import Client  # noqa: PLC0415 - see _library

    return Client(access.host, access.port, addresses, uses_tls=access.uses_tls)


def host_refusal(host: str, networks: Sequence[str]) -> str | None:
    """Return why the server may not be reached, or None. Looks its name up; blocks.

    Raises:
        OSError, UnicodeError: the name cannot be resolved now.
    """
    return _refusal(host, _looked_up(host, None), networks)


def _addresses(access: ImapAccess) -> Sequence[str]:
    """Return the addresses of the server, all of which may be reached."""
    addresses = _looked_up(access.host, access.port)
    if (refusal := _refusal(access.host, addresses, access.networks)) is not None:
        raise ImapFailed(refusal)
    return addresses


def _looked_up(host: str, port: int | None) -> Sequence[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _refusal(host: str, addresses: Sequence[str], networks: Sequence[str]) -> str | None:
    forbidden = next((address for address in addresses if not may_reach(address, networks)), None)
    if forbidden is None:
        return None
    named = host if host == forbidden else f"{host} is {forbidden}, which"
    return f"{named} is not a public address: add its network to CLEARLINE_IMAP_NETWORKS"


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raise ImapFailed for any error, without the login, which the server may have repeated."""
    try:
        yield
    except _library().exceptions.LoginError as error:
        raise ImapFailed("the server refused the user or the password") from error
    except ssl.SSLError as error:
        raise ImapFailed(f"no secure connection: {error.reason or error}"[:_ERROR_MAX]) from error
    except OSError as error:
        raise ImapFailed(f"cannot reach the server: {error.strerror or error}"[:_ERROR_MAX]) from error
    except (_library().exceptions.IMAPClientError, ValueError, KeyError, AssertionError) as error:
        raise ImapFailed(f"the server answered: {error}"[:_ERROR_MAX]) from error
