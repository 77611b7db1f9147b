"""Where a list goes on: opaque, signed, and good only for the list it came from."""

import hashlib
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeSerializer


class InvalidCursor(Exception):
    """The cursor was made up, cut short, or belongs to another list."""


class Cursors:
    """Makes and reads cursors. Those of one server are good on every other with the same ``secret``."""

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(
            secret, salt="clearline.cursor", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, keys: list[Any], asked: Mapping[str, str]) -> str:
        """A cursor after the item with these sort keys, in the list that ``asked`` describes."""
        made: str | bytes = self._serializer.dumps([_digest(asked), *keys])
        return made if isinstance(made, str) else made.decode()

    def read(self, cursor: str, asked: Mapping[str, str]) -> list[Any]:
        """The sort keys in a cursor.

        Raises:
            InvalidCursor: it is none of ours, or was made for other filters.
        """
        try:
            found: list[Any] = self._serializer.loads(cursor)
            digest, *keys = found
        except (BadData, ValueError, TypeError):
            raise InvalidCursor from None
        if digest != _digest(asked):
            raise InvalidCursor
        return keys


def _digest(asked: Mapping[str, str]) -> str:
    text = "\0".join(f"{name}\0{value}" for name, value in sorted(asked.items()))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
