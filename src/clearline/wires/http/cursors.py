"""Cursors of lists: opaque, signed, and valid only for the list that they come from."""

from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode


class InvalidCursor(Exception):
    """The cursor was forged or truncated, or belongs to another list."""


def list_id(path: str, filters: dict[str, str]) -> str:
    """Return what identifies a list: its path and its filters."""
    text = "".join(f"\0{name}\0{value}" for name, value in sorted(filters.items()))
    return sha256(f"\0{path}{text}".encode(errors="surrogatepass")).hexdigest()[:16]


class Cursors:
    """Makes and reads cursors. The cursors of one server are valid on every other with the same ``secret``.

    A server knows it as soon as it has read it from the database; before that it answers no request that has a cursor.
    """

    def __init__(self, secret: bytes = b"") -> None:
        self.sign_with(secret)

    def sign_with(self, secret: bytes) -> None:
        """Sign cursors with this secret from now on."""
        self._signer = Signer(secret, salt=b"clearline.cursor", digest_method=sha256)
        # Signing takes as long as mapping ten tickets, and clients ask for the same page again and again.
        self._sign = lru_cache(maxsize=1024)(self._signer.sign)

    def make(self, keys: list[Any], of_list: str) -> str:
        """Return a cursor after the item with these sort keys, in the list with this id."""
        return self._sign(base64_encode(msgspec.json.encode([of_list, *keys]))).decode()

    def read(self, cursor: str, of_list: str) -> list[Any]:
        """Return the sort keys in a cursor.

        Raises:
            InvalidCursor: this server did not make it, or made it for other filters.
        """
        try:
            values: list[Any] = msgspec.json.decode(base64_decode(self._signer.unsign(cursor)), type=list[Any])
            made_for, *keys = values
        except (BadData, ValueError):
            raise InvalidCursor from None
        if made_for != of_list:
            raise InvalidCursor
        return keys
