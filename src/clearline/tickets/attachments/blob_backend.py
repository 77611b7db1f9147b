"""What a backend of attachments is: a store of bytes by key, whose calls block.

Bytes are named by their company and a random id, never by a name that somebody gave.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from clearline.errors import OperationalError

BLOCK = 1024 * 1024
"""Bytes read or written in one go."""

PAGE = 1000
"""The most keys of one page of a listing."""


class BlobsUnavailable(OperationalError):
    """The store of attachments cannot be reached, refuses us, or is full. The text is for the operator."""


class BlobMissing(BlobsUnavailable):
    """The bytes of an attachment are not there, or not all of them."""


class Key(NamedTuple):
    """What names bytes: the company that they belong to, and a random id."""

    company_id: UUID
    id: UUID


class Upload(Protocol):
    """Bytes on their way in, not there for anybody until ``finish``."""

    def write(self, block: bytes) -> None:
        """Take the next bytes: ``Backend.block`` of them, and fewer only at the end."""

    def finish(self) -> None:
        """Have the bytes there for good, or raise."""

    def abandon(self) -> None:
        """Leave nothing behind, whatever was done so far."""


class Reader(Protocol):
    """Bytes on their way out."""

    def read(self, size: int, /) -> bytes:
        """At most so many of the next bytes; none at the end."""

    def close(self) -> None:
        """Let go of them."""


class Backend(Protocol):
    """A place to keep bytes. Its calls block, and raise BlobsUnavailable; ``Blobs`` makes them in threads."""

    block: int

    def begin(self, key: Key) -> Upload:
        """Begin to store bytes; nothing is done before the first of them."""

    def open(self, key: Key, start: int) -> Reader:
        """Read bytes from an offset on; BlobMissing when there are none of this key."""

    def delete(self, key: Key) -> None:
        """Delete bytes; no error when there are none."""

    def older_than(self, before: datetime) -> Iterator[list[Key]]:
        """Yield what was stored before a time, in pages."""

    def drop_unfinished(self, before: datetime) -> int:
        """Delete what was begun before a time and never finished; answers how many."""

    def check(self) -> str:
        """Return what an operator should know of a backend that works; BlobsUnavailable says why it does not."""
