"""Files that are attached through the house API, and stores of contents."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx

from clearline.settings.settings import read_settings
from clearline.tickets.attachments.blob_backend import MARK, Key
from clearline.tickets.attachments.blobs import Blobs, open_blobs

COMPANY = UUID("00000000-0000-4000-8000-00000000beef")
BUCKET = "desk"
MIB = 1024 * 1024
SOON = timedelta(minutes=1)
"""Everything stored now is older than the time that this is ahead."""
MOST = 3_000_000
"""How long a file may be, in bytes."""
CONTENT = b"Interface Gi0/0/1\n" * 100
DIGEST = hashlib.sha256(CONTENT).digest()


def stored_files(folder: Path) -> list[str]:
    """Return the ids of all contents in a directory, including unfinished uploads."""
    names = sorted(path.name for path in (folder / "attachments").rglob("*") if path.is_file())
    return [name for name in names if not name.startswith(MARK)]


async def attach(
    client: httpx.AsyncClient,
    path: str,
    headers: dict[str, str],
    content: bytes | AsyncIterator[bytes] = CONTENT,
    kind: str | None = "text/plain",
    **query: str,
) -> httpx.Response:
    """Attach a file through the house API."""
    type_header = {} if kind is None else {"Content-Type": kind}
    query = {"name": "a.txt"} | query
    return await client.post(f"{path}?{urlencode(query)}", headers=headers | type_header, content=content)


@dataclass(frozen=True)
class BlobStore:
    """A store, and functions that list its contents directly."""

    blobs: Blobs
    contents: Callable[[], dict[str, bytes]]
    unfinished: Callable[[], int]


def on_disk(folder: Path) -> BlobStore:
    """Open the store in a directory."""
    root = folder / "attachments"

    def contents() -> dict[str, bytes]:
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.parent.name != "staging"
        }

    def unfinished() -> int:
        return len(list((root / "staging").glob("*")))

    return BlobStore(open_blobs(read_settings({"CLEARLINE_DATA_DIR": str(folder)})), contents, unfinished)


def in_s3(client: Any, blobs: Blobs) -> BlobStore:
    """Return a store in a bucket, which is listed with a separate client."""

    def contents() -> dict[str, bytes]:
        objects = client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return {
            item["Key"].removeprefix("files/"): client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            for item in objects
        }

    def unfinished() -> int:
        return len(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))

    return BlobStore(blobs, contents, unfinished)


def s3_blobs(endpoint: str, bucket: str = BUCKET, prefix: str = "files") -> Blobs:
    """Open the store in a bucket."""
    chosen = {"CLEARLINE_ATTACHMENTS": f"s3://{bucket}/{prefix}", "CLEARLINE_S3_ENDPOINT": endpoint}
    return open_blobs(read_settings(chosen))


def some_bytes(size: int) -> bytes:
    """Return content of the given size in bytes."""
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


async def in_chunks(content: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    """Yield content in chunks, as a request does."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def whole(blobs: Blobs, key: Key, length: int, start: int = 0) -> bytes:
    """Read a range of a content completely."""
    return b"".join([block async for block in blobs.read(key, start=start, length=length)])


async def older(blobs: Blobs, before: datetime) -> list[Key]:
    """Return the keys of the contents that were stored before a time."""
    return [key async for page in blobs.older_than(before) for key in page]
