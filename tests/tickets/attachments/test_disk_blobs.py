"""The store in a directory."""

import asyncio
import errno
import os
import signal
import stat
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.settings.settings import InvalidSetting, Settings, read_settings
from clearline.tickets.attachments.blob_backend import BlobsFull, BlobsUnavailable
from clearline.tickets.attachments.blobs import open_blobs
from tests.builders.attachments import COMPANY, SOON, in_chunks, older, on_disk


async def test_only_the_servers_account_can_read_the_files(tmp_path: Path) -> None:
    staged = await on_disk(tmp_path).blobs.stage(COMPANY, in_chunks(b"secret"), most=10)
    root = tmp_path / "attachments"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    final = root / str(COMPANY) / str(staged.id)
    assert modes == {root: 0o700, root / "staging": 0o700, final.parent: 0o700, final: 0o600}


async def test_an_unfinished_file_of_a_killed_server_is_deleted_a_day_later(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    staged_file = tmp_path / "attachments" / "staging" / str(uuid4())
    staged_file.parent.mkdir(parents=True)
    staged_file.write_bytes(b"half")
    assert await store.blobs.drop_unfinished(now() - SOON) == 0
    assert staged_file.exists()
    assert await store.blobs.drop_unfinished(now() + SOON) == 1
    assert not staged_file.exists()


KILLED = """
import asyncio, os, signal, sys, uuid
from clearline.tickets.attachments.blobs import open_blobs
from clearline.settings.settings import InvalidSetting, Settings, read_settings

async def chunks():
    for _ in range(3):
        yield b"x" * 1024 * 1024
    os.kill(os.getpid(), signal.SIGKILL)
    yield b"never"

asyncio.run(open_blobs(read_settings({"CLEARLINE_DATA_DIR": sys.argv[1]})).stage(uuid.uuid4(), chunks(), most=10**9))
"""


async def test_the_unfinished_upload_of_a_killed_process_is_deleted(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(tmp_path))
    assert await process.wait() == -signal.SIGKILL
    store = on_disk(tmp_path)
    assert (store.contents(), store.unfinished()) == ({}, 1)
    assert await store.blobs.drop_unfinished(now() + SOON) == 1
    assert store.unfinished() == 0


async def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
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


async def test_a_directory_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "attachments").write_text("no directory")
    blobs = on_disk(tmp_path).blobs
    with pytest.raises(BlobsUnavailable, match="attachments cannot be kept in"):
        await blobs.stage(COMPANY, in_chunks(b"x"), most=1)
    with pytest.raises(BlobsUnavailable, match="attachments cannot be kept in"):
        await older(blobs, now())
    with pytest.raises(BlobsUnavailable, match="is no directory"):
        await blobs.check()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_the_check_reports_a_directory_without_permissions(tmp_path: Path) -> None:
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
def test_an_invalid_setting_is_refused(variable: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"CLEARLINE_{variable} must be "):
        read_settings({f"CLEARLINE_{variable}": value})


def test_media_types_are_read_as_a_list() -> None:
    settings = read_settings({"CLEARLINE_ATTACHMENT_TYPES": "Text/Plain, image/* ,"})
    assert settings.attachment_types == ("text/plain", "image/*")
    assert read_settings({"CLEARLINE_ATTACHMENT_TYPES": "*"}).attachment_types == ("*",)


async def test_the_check_reports_a_disk_without_room(tmp_path: Path) -> None:
    full = open_blobs(Settings(data_dir=tmp_path, disk_floor=1024**5))
    with pytest.raises(BlobsFull, match="MiB are free, and CLEARLINE_DISK_FLOOR leaves 1073741824 MiB for others"):
        await full.check()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_disk_that_fills_during_an_upload_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, "no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(BlobsFull, match="attachments cannot be kept in"):
        await open_blobs(Settings(data_dir=tmp_path, disk_floor=0)).stage(COMPANY, in_chunks(b"x"), most=10)
