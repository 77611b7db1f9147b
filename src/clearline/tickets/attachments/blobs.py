"""Where the bytes of attachments are kept: on disk, or in an S3-compatible store. Never in the database.

Bytes are named by their company and a random id, never by a name that somebody gave. They are stored before the
transaction that makes them an attachment, and deleted after the one that ends it. A process that dies in between
leaves bytes that no attachment names; ``worker.py`` finds these.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import UUID, uuid4

import structlog

from clearline.errors import AttachmentTooLarge, InvalidInput, Violation
from clearline.settings import Settings
from clearline.tickets.attachments.blob_backend import BLOCK, Backend, BlobMissing, BlobsUnavailable, Key
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.attachments.domain import Content

P = ParamSpec("P")
T = TypeVar("T")
_log = structlog.get_logger("clearline.blobs")


class Blobs:
    """The bytes of attachments."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def stage(self, company_id: UUID, chunks: AsyncIterable[bytes], *, most: int) -> Content:
        """Store bytes as they come, at most ``most``, in bounded memory. They are there for good when this returns.

        Whatever breaks it off, a cancellation too, leaves nothing behind; a process that dies leaves what
        ``drop_unfinished`` finds.

        Raises:
            AttachmentTooLarge: there are more; the rest was not waited for.
            InvalidInput: there are none.
            BlobsUnavailable: they cannot be stored.
        """
        key = Key(company_id, uuid4())
        upload = self._backend.begin(key)
        digest = hashlib.sha256()
        size = 0

        def take(block: bytes) -> None:
            digest.update(block)
            upload.write(block)

        try:
            async for block in _blocks(chunks, self._backend.block, most):
                size += len(block)
                await _in_thread(take, block)
            _check_not_empty(size)
            await _in_thread(upload.finish)
        except BaseException:
            with suppress(BlobsUnavailable):
                await _in_thread(upload.abandon)
            raise
        return Content(key.id, size, digest.digest())

    async def read(self, key: Key, *, start: int = 0, length: int) -> AsyncIterator[bytes]:
        """``length`` bytes from an offset on. Nothing is opened before the first is asked for.

        Raises:
            BlobMissing: they are not all there.
            BlobsUnavailable: they cannot be read.
        """
        reader = await _in_thread(self._backend.open, key, start)
        try:
            while length:
                block = await _in_thread(reader.read, min(BLOCK, length))
                if not block:
                    raise BlobMissing(f"the content of attachment {key.id} is too short")
                length -= len(block)
                yield block
        finally:
            reader.close()

    async def delete(self, key: Key) -> None:
        """Delete bytes that no attachment names any more. When that fails it is logged, and left to the sweep."""
        try:
            await _in_thread(self._backend.delete, key)
        except BlobsUnavailable as error:
            _log.warning("content of an attachment not deleted", id=str(key.id), error=str(error))

    async def older_than(self, before: datetime) -> AsyncIterator[list[Key]]:
        """Yield what was stored before a time, in pages of at most 1000.

        Raises:
            BlobsUnavailable: it cannot be listed.
        """
        pages = await _in_thread(self._backend.older_than, before)
        while (page := await _in_thread(_next, pages)) is not None:
            yield page

    async def drop_unfinished(self, before: datetime) -> int:
        """Delete uploads that were begun before a time and never finished; answers how many.

        Raises:
            BlobsUnavailable: they cannot be listed or deleted.
        """
        return await _in_thread(self._backend.drop_unfinished, before)

    async def check(self) -> str:
        """Return where the bytes are kept, for an operator, after a test that they can be.

        Raises:
            BlobsUnavailable: they cannot, and why.
        """
        return await _in_thread(self._backend.check)


def open_blobs(settings: Settings) -> Blobs:
    """Return the store that the settings name. It is not contacted yet.

    Raises:
        BlobsUnavailable: the settings of S3 make no sense.
    """
    place = settings.attachments
    if place.startswith("s3://"):
        from clearline.tickets.attachments.blobs_s3 import S3Backend  # noqa: PLC0415 - slow to import, and most need none

        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return Blobs(S3Backend(bucket, prefix.strip("/"), endpoint=settings.s3_endpoint))
    return Blobs(DiskBackend(settings.data_dir / "attachments" if place == "disk" else Path(place)))


async def _in_thread(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Do blocking work in a thread. Who is cancelled meanwhile waits for it: what it uses is about to be let go."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # seen, so that nobody complains that it was not
        raise


def _check_not_empty(size: int) -> None:
    if not size:
        raise InvalidInput([Violation("content", "must not be empty")])


def _next(pages: Iterator[list[Key]]) -> list[Key] | None:
    return next(pages, None)


async def _blocks(chunks: AsyncIterable[bytes], size: int, most: int) -> AsyncIterator[bytes]:
    """Yield the same bytes in blocks of one size; only the last may have fewer."""
    kept = bytearray()
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise AttachmentTooLarge(most)
        kept += chunk
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if kept:
        yield bytes(kept)
