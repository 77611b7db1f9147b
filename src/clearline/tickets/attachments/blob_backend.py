"""The interface of a store of attachments' content by key. Its methods block.

Content is named by its company and a random id, never by the name of the file.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from clearline.errors import OperationalError

BLOCK = 1024 * 1024
"""Bytes of one read or write."""

PAGE = 1000
"""The maximum number of keys on a page of a listing."""


MARK = "clearline-store.txt"
"""The name of the mark of a store, beside the content of the companies. What it says: ``marks/domain.py``."""

MARK_MAX = 4096
"""Bytes of a mark that are read."""


class BlobsUnavailable(OperationalError):
    """The store of attachments cannot be reached, denies access, or is full. The text is for the operator."""


class BlobsFull(BlobsUnavailable):
    """The store of attachments has no room for more content."""


class BlobMissing(OperationalError):
    """The store of attachments answers, and the content of an attachment is not in it, or only a part of it.

    Trying again does not help: somebody has to bring the content back, or to connect the right store.
    """


class Key(NamedTuple):
    """The name of stored content: the company that it belongs to, and a random id."""

    company_id: UUID
    id: UUID


class Upload(Protocol):
    """An upload. Its content cannot be read before ``finish``."""

    def write(self, block: bytes) -> None:
        """Write the next block: ``Backend.block`` bytes, and fewer only at the end."""

    def finish(self) -> None:
        """Store the content durably, or raise."""

    def abandon(self) -> None:
        """Delete everything that the upload has stored, in any state."""


class Reader(Protocol):
    """A download."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` of the next bytes; none at the end."""

    def close(self) -> None:
        """Close the download."""


class Backend(Protocol):
    """A store of content. Its methods block, and raise BlobsUnavailable; ``Blobs`` calls them in threads."""

    block: int

    @property
    def location(self) -> str:
        """Where the store is, for the operator."""

    def begin(self, key: Key) -> Upload:
        """Begin an upload; nothing is stored before the first ``write``."""

    def open(self, key: Key, start: int, length: int) -> Reader:
        """Open content at an offset. Raises BlobMissing when there are not ``length`` bytes from there."""

    def size(self, key: Key) -> int | None:
        """Return the size of content in bytes; None when there is none with this key."""

    def delete(self, key: Key) -> None:
        """Delete content; no error when there is none."""

    def older_than(self, before: datetime) -> Iterator[list[Key]]:
        """Yield the keys of content stored before a time, in pages."""

    def drop_unfinished(self, before: datetime) -> int:
        """Delete unfinished uploads that began before a time; return how many."""

    def read_mark(self) -> str | None:
        """Return the mark of the store; None when it has none."""

    def write_mark(self, text: str, *, replaces: bool) -> None:
        """Write the mark durably, whole or not at all; without ``replaces`` only when the store has none."""

    def check(self) -> str:
        """Test the store, and return a description of it for the operator. Raises BlobsUnavailable when it fails."""
