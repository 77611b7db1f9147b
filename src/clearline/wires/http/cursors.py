"""Cursors of lists: opaque, signed, and valid only for the list that they come from."""

import hashlib
from typing import Any

import msgspec
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode


class InvalidCursor(Exception):
    """The cursor was forged or truncated, or belongs to another list."""


class Cursors:
    """Makes and reads cursors. The cursors of one server are valid on every other with the same ``secret``."""

    def __init__(self, secret: bytes) -> None:
        # A signer derives its key for each signature, which takes longer than the signature: so it is derived once.
        key = Signer(secret, salt=b"clearline.cursor", digest_method=hashlib.sha256).derive_key()
        self._signer = Signer(key, key_derivation="none", digest_method=hashlib.sha256)

    def make(self, keys: list[Any], items: str) -> str:
        """Return a cursor after the item with these sort keys, in the list that ``items`` identifies."""
        return self._signer.sign(base64_encode(msgspec.json.encode([_digest(items), *keys]))).decode()

    def read(self, cursor: str, items: str) -> list[Any]:
        """Return the sort keys in a cursor.

        Raises:
            InvalidCursor: this server did not make it, or made it for other filters.
        """
        try:
            values: list[Any] = msgspec.json.decode(base64_decode(self._signer.unsign(cursor)), type=list[Any])
            digest, *keys = values
        except (BadData, ValueError):
            raise InvalidCursor from None
        if digest != _digest(items):
            raise InvalidCursor
        return keys


def _digest(items: str) -> str:
    return hashlib.sha256(items.encode(errors="surrogatepass")).hexdigest()[:16]
