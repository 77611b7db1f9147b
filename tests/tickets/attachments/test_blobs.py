"""Both kinds of store: a real directory, and a real S3 server on this machine."""

import asyncio
import hashlib
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from clearline.clock import now
from clearline.errors import AttachmentTooLarge, InvalidInput
from clearline.settings import InvalidSetting, read_settings
from clearline.tickets.attachments.blobs import BlobMissing, Blobs, BlobsUnavailable, Key, open_blobs

COMPANY = UUID("00000000-0000-4000-8000-00000000beef")
BUCKET = "desk"
MIB = 1024 * 1024
SOON = timedelta(minutes=1)
"""What is stored now is older than that from now."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    nothing = str(tmp_path_factory.mktemp("aws") / "none")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "an-id")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", nothing)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
        yield


@pytest.fixture(scope="module")
def client(endpoint: str, keys: None) -> Iterator[Any]:  # noqa: ARG001 - the keys must be set first
    """An S3 client of the tests' own."""
    opened = boto3.client("s3", endpoint_url=endpoint)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def usual(endpoint: str, keys: None) -> Blobs:  # noqa: ARG001
    return s3_blobs(endpoint)


@pytest.fixture
def s3(client: Any, endpoint: str) -> Any:
    """The tests' client of a server that has one empty bucket."""
    httpx.post(f"{endpoint}/moto-api/reset")
    client.create_bucket(Bucket=BUCKET)
    return client


@dataclass(frozen=True)
class Store:
    """A store, and what is in it whatever it is called."""

    blobs: Blobs
    contents: Callable[[], dict[str, bytes]]
    unfinished: Callable[[], int]


def on_disk(folder: Path) -> Store:
    root = folder / "attachments"

    def contents() -> dict[str, bytes]:
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.parent.name != "staging"
        }

    def unfinished() -> int:
        return len(list((root / "staging").glob("*")))

    return Store(open_blobs(read_settings({"CLEARLINE_DATA_DIR": str(folder)})), contents, unfinished)


def in_s3(client: Any, blobs: Blobs) -> Store:
    def contents() -> dict[str, bytes]:
        found = client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return {
            one["Key"].removeprefix("files/"): client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            for one in found
        }

    def unfinished() -> int:
        return len(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))

    return Store(blobs, contents, unfinished)


def s3_blobs(endpoint: str, bucket: str = BUCKET, prefix: str = "files") -> Blobs:
    chosen = {"CLEARLINE_ATTACHMENTS": f"s3://{bucket}/{prefix}", "CLEARLINE_S3_ENDPOINT": endpoint}
    return open_blobs(read_settings(chosen))


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "disk":
        return on_disk(tmp_path)
    return in_s3(request.getfixturevalue("s3"), request.getfixturevalue("usual"))


def some_bytes(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


async def in_chunks(content: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def whole(blobs: Blobs, key: Key, length: int, start: int = 0) -> bytes:
    return b"".join([block async for block in blobs.read(key, start=start, length=length)])


@pytest.mark.parametrize("size", [1, 1000, MIB, 5 * MIB, 5 * MIB + 1, 12 * MIB + 7])
async def test_what_is_stored_is_read_again(store: Store, size: int) -> None:
    content = some_bytes(size)
    staged = await store.blobs.stage(COMPANY, in_chunks(content), most=size)
    assert (staged.size, staged.sha256) == (size, hashlib.sha256(content).digest())
    assert store.contents() == {f"{COMPANY}/{staged.id}": content}
    assert store.unfinished() == 0
    assert await whole(store.blobs, Key(COMPANY, staged.id), size) == content


@pytest.mark.parametrize(("start", "length"), [(0, 1), (1, 4), (3 * MIB - 1, 1), (MIB - 1, 2 * MIB)])
async def test_a_part_can_be_read(store: Store, start: int, length: int) -> None:
    content = some_bytes(3 * MIB)
    staged = await store.blobs.stage(COMPANY, in_chunks(content), most=3 * MIB)
    assert await whole(store.blobs, Key(COMPANY, staged.id), length, start) == content[start : start + length]


async def test_one_big_chunk_is_as_good_as_many_small_ones(store: Store) -> None:
    content = some_bytes(11 * MIB)
    staged = await store.blobs.stage(COMPANY, in_chunks(content, 11 * MIB), most=11 * MIB)
    assert store.contents() == {f"{COMPANY}/{staged.id}": content}


@pytest.mark.parametrize("most", [10, 6 * MIB])
async def test_more_than_may_be_is_refused_at_once_and_leaves_nothing(store: Store, most: int) -> None:
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        while True:
            seen += 70_000
            yield some_bytes(70_000)

    with pytest.raises(AttachmentTooLarge):
        await store.blobs.stage(COMPANY, endless(), most=most)
    assert seen <= most + 70_000
    assert (store.contents(), store.unfinished()) == ({}, 0)


@pytest.mark.parametrize("chunks", [0, 1, 3])
async def test_an_empty_file_is_refused(store: Store, chunks: int) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            yield b""

    with pytest.raises(InvalidInput, match="content must not be empty"):
        await store.blobs.stage(COMPANY, nothing(), most=10)
    assert (store.contents(), store.unfinished()) == ({}, 0)


class ClientGone(Exception):
    pass


@pytest.mark.parametrize("size", [1000, 11 * MIB])
async def test_a_sender_who_goes_away_leaves_nothing(store: Store, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        async for chunk in in_chunks(some_bytes(size)):
            yield chunk
        raise ClientGone

    with pytest.raises(ClientGone):
        await store.blobs.stage(COMPANY, broken(), most=20 * MIB)
    assert (store.contents(), store.unfinished()) == ({}, 0)


@pytest.mark.parametrize("size", [1000, 11 * MIB])
async def test_a_cancelled_upload_leaves_nothing(store: Store, size: int) -> None:
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
async def test_an_upload_cancelled_in_the_middle_of_a_write_leaves_nothing(store: Store, pause: float) -> None:
    upload = asyncio.create_task(store.blobs.stage(COMPANY, in_chunks(some_bytes(15 * MIB)), most=20 * MIB))
    await asyncio.sleep(pause)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert (store.contents(), store.unfinished()) == ({}, 0)


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(store: Store) -> None:
    staged = await store.blobs.stage(COMPANY, in_chunks(b"bye"), most=10)
    key = Key(COMPANY, staged.id)
    for _ in range(2):
        await store.blobs.delete(key)
        assert store.contents() == {}
    with pytest.raises(BlobMissing, match=str(staged.id)):
        await whole(store.blobs, key, 3)


async def test_content_that_is_too_short_is_not_passed_off_as_whole(store: Store) -> None:
    staged = await store.blobs.stage(COMPANY, in_chunks(b"short"), most=10)
    with pytest.raises(BlobMissing, match="too short"):
        await whole(store.blobs, Key(COMPANY, staged.id), 6)


async def older(blobs: Blobs, before: datetime) -> list[Key]:
    return [key async for page in blobs.older_than(before) for key in page]


async def test_only_what_is_old_enough_is_listed(store: Store) -> None:
    other = uuid4()
    staged = {Key(one, (await store.blobs.stage(one, in_chunks(b"x"), most=1)).id) for one in (COMPANY, COMPANY, other)}
    assert set(await older(store.blobs, now() + SOON)) == staged
    assert await older(store.blobs, now() - SOON) == []


async def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert await older(store.blobs, now() + SOON) == []
    assert await store.blobs.drop_unfinished(now() + SOON) == 0


async def test_the_check_of_a_good_store_tells_where_it_is_and_leaves_nothing(store: Store) -> None:
    told = await store.blobs.check()
    assert told.startswith("in ")
    assert store.contents() == {}


# Disk alone


async def test_files_are_for_the_servers_account_alone(tmp_path: Path) -> None:
    staged = await on_disk(tmp_path).blobs.stage(COMPANY, in_chunks(b"secret"), most=10)
    root = tmp_path / "attachments"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    final = root / str(COMPANY) / str(staged.id)
    assert modes == {root: 0o700, root / "staging": 0o700, final.parent: 0o700, final: 0o600}


async def test_a_file_that_a_killed_server_left_is_dropped_a_day_later(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    left = tmp_path / "attachments" / "staging" / str(uuid4())
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert await store.blobs.drop_unfinished(now() - SOON) == 0
    assert left.exists()
    assert await store.blobs.drop_unfinished(now() + SOON) == 1
    assert not left.exists()


KILLED = """
import asyncio, os, signal, sys, uuid
from clearline.tickets.attachments.blobs import open_blobs
from clearline.settings import InvalidSetting, read_settings

async def chunks():
    for _ in range(3):
        yield b"x" * 1024 * 1024
    os.kill(os.getpid(), signal.SIGKILL)
    yield b"never"

asyncio.run(open_blobs(read_settings({"CLEARLINE_DATA_DIR": sys.argv[1]})).stage(uuid.uuid4(), chunks(), most=10**9))
"""


async def test_what_a_killed_process_had_received_is_dropped(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(tmp_path))
    assert await process.wait() == -signal.SIGKILL
    store = on_disk(tmp_path)
    assert (store.contents(), store.unfinished()) == ({}, 1)
    assert await store.blobs.drop_unfinished(now() + SOON) == 1
    assert store.unfinished() == 0


async def test_what_others_put_into_the_directory_is_left_alone(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    root = tmp_path / "attachments"
    for name in ("notes.txt", "backup/notes.txt", f"{COMPANY}/notes.txt", f"{COMPANY}/{uuid4().hex}"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"mine")
    assert await older(store.blobs, now() + SOON) == []


async def test_a_long_listing_comes_in_pages(tmp_path: Path) -> None:
    folder = tmp_path / "attachments" / str(COMPANY)
    folder.mkdir(parents=True)
    for _ in range(1001):
        (folder / str(uuid4())).touch()
    pages = [page async for page in on_disk(tmp_path).blobs.older_than(now() + SOON)]
    assert [len(page) for page in pages] == [1000, 1]


async def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("no directory")
    blobs = on_disk(tmp_path).blobs
    with pytest.raises(BlobsUnavailable, match="attachments cannot be kept in"):
        await blobs.stage(COMPANY, in_chunks(b"x"), most=1)
    with pytest.raises(BlobsUnavailable, match="attachments cannot be kept in"):
        await older(blobs, now())
    with pytest.raises(BlobsUnavailable, match="is no directory"):
        await blobs.check()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_the_check_tells_of_a_directory_without_rights(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o500)  # noqa: PTH101
    with pytest.raises(BlobsUnavailable, match="cannot be written to"):
        await on_disk(tmp_path).blobs.check()


async def test_the_directory_can_be_elsewhere(tmp_path: Path) -> None:
    blobs = open_blobs(read_settings({"CLEARLINE_ATTACHMENTS": str(tmp_path / "elsewhere")}))
    staged = await blobs.stage(COMPANY, in_chunks(b"x"), most=1)
    assert (tmp_path / "elsewhere" / str(COMPANY) / str(staged.id)).read_bytes() == b"x"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ATTACHMENTS", "attachments"),
        ("ATTACHMENTS", "s3://"),
        ("ATTACHMENTS", "s3:///prefix"),
        ("S3_ENDPOINT", "s3.example.com"),
        ("S3_ENDPOINT", "ftp://s3.example.com"),
        ("ATTACHMENT_MAX", "0"),
        ("ATTACHMENT_MAX", "25M"),
        ("ATTACHMENT_TYPES", ","),
        ("ATTACHMENT_TYPES", "text"),
        ("ATTACHMENT_TYPES", "*/*"),
        ("ATTACHMENT_TYPES", "text/plain;charset=utf-8"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"CLEARLINE_{variable} must be "):
        read_settings({f"CLEARLINE_{variable}": value})


def test_media_types_are_read_as_a_list() -> None:
    found = read_settings({"CLEARLINE_ATTACHMENT_TYPES": "Text/Plain, image/* ,"})
    assert found.attachment_types == ("text/plain", "image/*")
    assert read_settings({"CLEARLINE_ATTACHMENT_TYPES": "*"}).attachment_types == ("*",)


# S3 alone


async def test_without_a_prefix_keys_begin_with_the_company(s3: Any, endpoint: str) -> None:
    store = in_s3(s3, s3_blobs(endpoint, prefix=""))
    staged = await store.blobs.stage(COMPANY, in_chunks(b"x"), most=1)
    assert list(store.contents()) == [f"{COMPANY}/{staged.id}"]
    assert await older(store.blobs, now() + SOON) == [Key(COMPANY, staged.id)]


async def test_an_upload_that_a_killed_server_left_is_aborted_a_day_later(s3: Any, usual: Blobs) -> None:
    store = in_s3(s3, usual)
    for name in (f"files/{COMPANY}/{uuid4()}", "files/somebody-elses", f"other/{COMPANY}/{uuid4()}"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=name)
    assert await store.blobs.drop_unfinished(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert await store.blobs.drop_unfinished(now() + timedelta(days=36500)) == 1
    assert store.unfinished() == 2


async def test_a_bucket_that_goes_away_in_the_middle_is_told(s3: Any, usual: Blobs) -> None:
    async def deserted() -> AsyncIterator[bytes]:
        yield b"x"
        s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(BlobsUnavailable, match=r"the bucket does not exist \(NoSuchBucket\)"):
        await usual.stage(COMPANY, deserted(), most=10)


async def refused(blobs: Blobs) -> str:
    """What every call says of a store that cannot be used."""
    told = set()
    for attempt in (
        blobs.check(),
        blobs.stage(COMPANY, in_chunks(b"x"), most=1),
        whole(blobs, Key(COMPANY, uuid4()), 1),
        older(blobs, now()),
        blobs.drop_unfinished(now()),
    ):
        with pytest.raises(BlobsUnavailable) as error:
            await attempt
        told.add(str(error.value))
    assert len(told) == 1
    return told.pop()


@pytest.mark.usefixtures("s3")
async def test_a_wrong_bucket_is_named(endpoint: str) -> None:
    told = await refused(s3_blobs(endpoint, "nowhere"))
    assert told == f"s3://nowhere/files at {endpoint}: the bucket does not exist (NoSuchBucket)"


@pytest.fixture
def guarded(s3: Any, endpoint: str) -> Iterator[str]:  # noqa: ARG001 - its bucket is there before keys are looked at
    """The address of a server that knows no keys."""
    httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"0")
    yield endpoint
    httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"1000000000")


async def test_an_unknown_key_is_told_and_the_secret_is_not(guarded: str) -> None:
    told = await refused(s3_blobs(guarded))
    assert told == f"s3://desk/files at {guarded}: the access key is not known there (InvalidAccessKeyId)"


async def test_missing_keys_are_told(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in await refused(s3_blobs(endpoint))


async def test_a_store_that_does_not_answer_is_told_but_a_deletion_is_left_to_the_sweep() -> None:
    away = s3_blobs("http://127.0.0.1:1")
    with pytest.raises(BlobsUnavailable, match="Could not connect"):
        await away.check()
    await away.delete(Key(COMPANY, uuid4()))
