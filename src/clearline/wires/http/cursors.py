"""Cursors of lists: opaque, signed, and valid only for the list that they come from."""

import hashlib
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeSerializer


class InvalidCursor(Exception):
    """The cursor was forged or truncated, or belongs to another list."""


class Cursors:
    """Makes and reads cursors. The cursors of one server are valid on every other with the same ``secret``."""

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(
            secret, salt="clearline.cursor", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, keys: list[Any], scope: Mapping[str, str]) -> str:
        """Return a cursor after the item with these sort keys, in the list that ``scope`` describes."""
        cursor: str | bytes = self._serializer.dumps([_digest(scope), *keys])
        return cursor if isinstance(cursor, str) else cursor.decode()

    def read(self, cursor: str, scope: Mapping[str, str]) -> list[Any]:
        """Return the sort keys in a cursor.

        Raises:
            InvalidCursor: this server did not make it, or made it for other filters.
        """
        try:
            values: list[Any] = self._serializer.loads(cursor)
            digest, *keys = values
        except (BadData, ValueError, TypeError):
            raise InvalidCursor from None
        if digest != _digest(scope):
            raise InvalidCursor
        return keys


def _digest(scope: Mapping[str, str]) -> str:
    text = "\0".join(f"{name}\0{value}" for name, value in sorted(scope.items()))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
