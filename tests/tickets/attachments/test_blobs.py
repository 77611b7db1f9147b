"""Both kinds of store: a real directory, and a real S3 server on this machine."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.errors import AttachmentTooLarge, InvalidInput
from clearline.tickets.attachments.blob_backend import BlobMissing, Key
from tests.builders.attachments import (
    COMPANY,
    MIB,
    SOON,
    BlobStore,
    in_chunks,
    in_s3,
    older,
    on_disk,
    some_bytes,
    whole,
)


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "disk":
        return on_disk(tmp_path)
    return in_s3(request.getfixturevalue("s3"), request.getfixturevalue("usual"))


@pytest.mark.parametrize("size", [1, 1000, MIB, 5 * MIB, 5 * MIB + 1, 12 * MIB + 7])
async def test_stored_content_is_read_unchanged(store: BlobStore, size: int) -> None:
    content = some_bytes(size)
    staged = await store.blobs.stage(COMPANY, in_chunks(content), most=size)
    assert (staged.size, staged.sha256) == (size, hashlib.sha256(content).digest())
    assert store.contents() == {f"{COMPANY}/{staged.id}": content}
    assert store.unfinished() == 0
    assert await whole(store.blobs, Key(COMPANY, staged.id), size) == content


@pytest.mark.parametrize(("start", "length"), [(0, 1), (1, 4), (3 * MIB - 1, 1), (MIB - 1, 2 * MIB)])
async def test_a_part_can_be_read(store: BlobStore, start: int, length: int) -> None:
    content = some_bytes(3 * MIB)
    staged = await store.blobs.stage(COMPANY, in_chunks(content), most=3 * MIB)
    assert await whole(store.blobs, Key(COMPANY, staged.id), length, start) == content[start : start + length]


async def test_one_big_chunk_is_stored_like_many_small_ones(store: BlobStore) -> None:
    content = some_bytes(11 * MIB)
    staged = await store.blobs.stage(COMPANY, in_chunks(content, 11 * MIB), most=11 * MIB)
    assert store.contents() == {f"{COMPANY}/{staged.id}": content}


@pytest.mark.parametrize("most", [10, 6 * MIB])
async def test_too_much_content_is_refused_at_once_and_leaves_nothing(store: BlobStore, most: int) -> None:
    bytes_sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal bytes_sent
        while True:
            bytes_sent += 70_000
            yield some_bytes(70_000)

    with pytest.raises(AttachmentTooLarge):
        await store.blobs.stage(COMPANY, endless(), most=most)
    assert bytes_sent <= most + 70_000
    assert (store.contents(), store.unfinished()) == ({}, 0)


@pytest.mark.parametrize("chunks", [0, 1, 3])
async def test_an_empty_file_is_refused(store: BlobStore, chunks: int) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            yield b""

    with pytest.raises(InvalidInput, match="content must not be empty"):
        await store.blobs.stage(COMPANY, nothing(), most=10)
    assert (store.contents(), store.unfinished()) == ({}, 0)


class ClientGone(Exception):
    pass


@pytest.mark.parametrize("size", [1000, 11 * MIB])
async def test_an_upload_that_the_client_breaks_off_leaves_nothing(store: BlobStore, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for chunk in in_chunks(some_bytes(size)):
            yield chunk
        raise ClientGone

    with pytest.raises(ClientGone):
        await store.blobs.stage(COMPANY, broken(), most=20 * MIB)
    assert (store.contents(), store.unfinished()) == ({}, 0)


@pytest.mark.parametrize("size", [1000, 11 * MIB])
async def test_a_cancelled_upload_leaves_nothing(store: BlobStore, size: int) -> None:
    waiting = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        async for chunk in in_chunks(some_bytes(size)):
            yield chunk
        waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(store.blobs.stage(COMPANY, stuck(), most=20 * MIB))
    await waiting.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert (store.contents(), store.unfinished()) == ({}, 0)


@pytest.mark.parametrize("pause", [0.004, 0.016])
async def test_an_upload_cancelled_in_the_middle_of_a_write_leaves_nothing(store: BlobStore, pause: float) -> None:
    upload = asyncio.create_task(store.blobs.stage(COMPANY, in_chunks(some_bytes(15 * MIB)), most=20 * MIB))
    await asyncio.sleep(pause)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert (store.contents(), store.unfinished()) == ({}, 0)


async def test_deleted_content_is_missing_and_a_second_deletion_is_no_error(store: BlobStore) -> None:
    staged = await store.blobs.stage(COMPANY, in_chunks(b"bye"), most=10)
    key = Key(COMPANY, staged.id)
    for _ in range(2):
        await store.blobs.delete(key)
        assert store.contents() == {}
    with pytest.raises(BlobMissing, match=str(staged.id)):
        await whole(store.blobs, key, 3)


async def test_content_that_is_too_short_is_an_error(store: BlobStore) -> None:
    staged = await store.blobs.stage(COMPANY, in_chunks(b"short"), most=10)
    for start, length in ((0, 6), (3, 3), (5, 1), (9, 1)):
        with pytest.raises(BlobMissing, match="too short"):
            await anext(store.blobs.read(Key(COMPANY, staged.id), start=start, length=length))


async def test_the_store_says_whether_it_holds_content(store: BlobStore) -> None:
    staged = await store.blobs.stage(COMPANY, in_chunks(b"short"), most=10)
    sizes = [(staged.id, 5), (staged.id, 6), (uuid4(), 1)]
    assert [await store.blobs.holds(Key(COMPANY, key), size) for key, size in sizes] == [True, False, False]


async def test_only_content_that_is_old_enough_is_listed(store: BlobStore) -> None:
    other = uuid4()
    staged = {
        Key(company_id, (await store.blobs.stage(company_id, in_chunks(b"x"), most=1)).id)
        for company_id in (COMPANY, COMPANY, other)
    }
    assert set(await older(store.blobs, now() + SOON)) == staged
    assert await older(store.blobs, now() - SOON) == []


async def test_an_empty_store_lists_nothing(store: BlobStore) -> None:
    assert await older(store.blobs, now() + SOON) == []
    assert await store.blobs.drop_unfinished(now() + SOON) == 0


async def test_the_check_of_a_working_store_returns_its_location_and_leaves_nothing(store: BlobStore) -> None:
    description = await store.blobs.check()
    assert description.startswith("in ")
    assert store.contents() == {}
