"""The content of attachments: on disk, or in an S3-compatible store. Never in the database.

Content is stored before the transaction that adds the attachment, and deleted after the transaction that removes it.
A process that dies in between leaves an orphaned file, which ``worker.py`` deletes.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid4

from clearline.errors import AttachmentTooLarge, InvalidInput, RuleCode, Violation
from clearline.logs import Logger
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blob_backend import BLOCK, Backend, BlobMissing, BlobsUnavailable, Key
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.attachments.domain import Content

P = ParamSpec("P")
T = TypeVar("T")
_log = Logger("clearline.blobs")


class Blobs:
    """The content of attachments."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def stage(self, company_id: UUID, chunks: AsyncIterable[bytes], *, most: int) -> Content:
        """Store chunks as they arrive, at most ``most`` bytes, in bounded memory. The content is durable on return.

        Nothing stays after an error or a cancellation; a process that dies leaves an unfinished upload, which
        ``drop_unfinished`` deletes.

        Raises:
            AttachmentTooLarge: there are more bytes; the remaining chunks are not read.
            InvalidInput: there are no bytes.
            BlobsUnavailable: the content cannot be stored.
        """
        key = Key(company_id, uuid4())
        upload = self._backend.begin(key)
        digest = hashlib.sha256()
        size = 0

        def write(block: bytes) -> None:
            digest.update(block)
            upload.write(block)

        try:
            async for block in _blocks(chunks, self._backend.block, most):
                size += len(block)
                await _in_thread(write, block)
            _check_not_empty(size)
            await _in_thread(upload.finish)
        except BaseException:
            with suppress(BlobsUnavailable):
                await _in_thread(upload.abandon)
            raise
        return Content(key.id, size, digest.digest())

    async def read(self, key: Key, *, start: int = 0, length: int) -> AsyncGenerator[bytes, None]:
        """Yield ``length`` bytes from an offset. Nothing is opened before the first block is requested.

        Raises:
            BlobMissing: the content is missing or too short, which is known before the first block.
            BlobsUnavailable: the content cannot be read.
        """
        reader = await _in_thread(self._backend.open, key, start, length)
        try:
            while length:
                block = await _in_thread(reader.read, min(BLOCK, length))
                if not block:
                    raise BlobMissing(f"the content of attachment {key.id} ended early")
                length -= len(block)
                yield block
        finally:
            reader.close()

    async def holds(self, key: Key, size: int) -> bool:
        """Return whether content is there with all of its bytes.

        Raises:
            BlobsUnavailable: the store cannot be asked.
        """
        stored = await _in_thread(self._backend.size, key)
        return stored is not None and stored >= size

    async def delete(self, key: Key) -> None:
        """Delete content that no attachment uses any more. A failure is logged; the file is then orphaned."""
        try:
            await _in_thread(self._backend.delete, key)
        except BlobsUnavailable as error:
            _log.warning("content of an attachment not deleted", id=str(key.id), error=str(error))

    async def erase(self, key: Key) -> None:
        """Delete content that must not be kept; no error when there is none.

        Raises:
            BlobsUnavailable: it is not deleted.
        """
        await _in_thread(self._backend.delete, key)

    async def older_than(self, before: datetime) -> AsyncIterator[list[Key]]:
        """Yield the keys of content stored before a time, in pages of at most 1000.

        Raises:
            BlobsUnavailable: the content cannot be listed.
        """
        pages = await _in_thread(self._backend.older_than, before)
        while (page := await _in_thread(_next, pages)) is not None:
            yield page

    async def drop_unfinished(self, before: datetime) -> int:
        """Delete unfinished uploads that began before a time; return how many.

        Raises:
            BlobsUnavailable: they cannot be listed or deleted.
        """
        return await _in_thread(self._backend.drop_unfinished, before)

    @property
    def location(self) -> str:
        """Where the store is, for the operator."""
        return self._backend.location

    async def read_mark(self) -> str | None:
        """Return the mark of the store; None when it has none.

        Raises:
            BlobsUnavailable: it cannot be read.
        """
        return await _in_thread(self._backend.read_mark)

    async def write_mark(self, text: str, *, replaces: bool) -> None:
        """Write the mark of the store durably; without ``replaces`` only when it has none.

        Raises:
            BlobsUnavailable: it cannot be written.
        """
        await _in_thread(self._backend.write_mark, text, replaces=replaces)

    async def check(self) -> str:
        """Test the store, and return a description of it for the operator.

        Raises:
            BlobsUnavailable: the store does not work; the text says why.
        """
        return await _in_thread(self._backend.check)


def open_blobs(settings: Settings) -> Blobs:
    """Open the configured store without connecting to it.

    Raises:
        BlobsUnavailable: the settings of S3 are invalid.
    """
    location = s3_location(settings)
    if location is not None:
        from clearline.tickets.attachments.blobs_s3 import S3Backend  # noqa: PLC0415 - slow to import, and most need none

        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return Blobs(S3Backend(bucket, prefix.strip("/"), endpoint=settings.s3_endpoint))
    return Blobs(DiskBackend(disk_folder(settings), floor=settings.disk_floor))


def s3_location(settings: Settings) -> str | None:
    """Return where attachments are in S3, as ``s3://bucket/prefix``; None when they are on disk."""
    return settings.attachments if settings.attachments.startswith("s3://") else None


def disk_folder(settings: Settings) -> Path:
    """Return where attachments are on disk, when they are not in S3."""
    return settings.data_dir / "attachments" if settings.attachments == "disk" else Path(settings.attachments)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a thread.

    A cancelled caller waits until the thread ends, because the thread still uses the caller's resources.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # retrieve the exception, or asyncio logs a warning
        raise


def _check_not_empty(size: int) -> None:
    if not size:
        raise InvalidInput([Violation("content", "must not be empty", RuleCode.REQUIRED)])


def _next(pages: Iterator[list[Key]]) -> list[Key] | None:
    return next(pages, None)


async def _blocks(chunks: AsyncIterable[bytes], size: int, most: int) -> AsyncIterator[bytes]:
    """Yield the bytes of chunks in blocks of one size; only the last may be smaller."""
    buffer = bytearray()
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise AttachmentTooLarge(most)
        buffer += chunk
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
