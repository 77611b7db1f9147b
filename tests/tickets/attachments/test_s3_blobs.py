"""The store in S3."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.clock import now
from clearline.tickets.attachments.blob_backend import BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs
from tests.builders.attachments import BUCKET, COMPANY, SOON, in_chunks, in_s3, older, s3_blobs, whole
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("keys")


async def test_without_a_prefix_keys_begin_with_the_company(s3: Any, endpoint: str) -> None:
    store = in_s3(s3, s3_blobs(endpoint, prefix=""))
    staged = await store.blobs.stage(COMPANY, in_chunks(b"x"), most=1)
    assert list(store.contents()) == [f"{COMPANY}/{staged.id}"]
    assert await older(store.blobs, now() + SOON) == [Key(COMPANY, staged.id)]


async def test_an_unfinished_upload_of_a_killed_server_is_aborted_a_day_later(s3: Any, usual: Blobs) -> None:
    store = in_s3(s3, usual)
    for name in (f"files/{COMPANY}/{uuid4()}", "files/somebody-elses", f"other/{COMPANY}/{uuid4()}"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=name)
    assert await store.blobs.drop_unfinished(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert await store.blobs.drop_unfinished(now() + timedelta(days=36500)) == 1
    assert store.unfinished() == 2


async def test_a_bucket_that_is_deleted_during_an_upload_is_reported(s3: Any, usual: Blobs) -> None:
    async def deserted() -> AsyncIterator[bytes]:
        yield b"x"
        s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(BlobsUnavailable, match=r"the bucket does not exist \(NoSuchBucket\)"):
        await usual.stage(COMPANY, deserted(), most=10)


async def refused(blobs: Blobs) -> str:
    """Return the message with which every call refuses a store that cannot be used."""
    messages = set()
    for attempt in (
        blobs.check(),
        blobs.stage(COMPANY, in_chunks(b"x"), most=1),
        whole(blobs, Key(COMPANY, uuid4()), 1),
        older(blobs, now()),
        blobs.drop_unfinished(now()),
    ):
        with pytest.raises(BlobsUnavailable) as error:
            await attempt
        messages.add(str(error.value))
    assert len(messages) == 1
    return messages.pop()


@pytest.mark.usefixtures("s3")
async def test_a_wrong_bucket_is_named(endpoint: str) -> None:
    message = await refused(s3_blobs(endpoint, "nowhere"))
    assert message == f"s3://nowhere/files at {endpoint}: the bucket does not exist (NoSuchBucket)"


@pytest.fixture
def guarded(s3: Any, endpoint: str) -> Iterator[str]:  # noqa: ARG001 - the bucket is created before keys are checked
    """Yield the URL of a server that knows no keys."""
    httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"0", timeout=patient(5))
    yield endpoint
    httpx.post(f"{endpoint}/moto-api/reset-auth", content=b"1000000000", timeout=patient(5))


async def test_an_unknown_key_is_reported_without_its_secret(guarded: str) -> None:
    message = await refused(s3_blobs(guarded))
    assert message == f"s3://desk/files at {guarded}: the access key is not known there (InvalidAccessKeyId)"


async def test_missing_keys_are_reported(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in await refused(s3_blobs(endpoint))


async def test_an_unreachable_store_is_reported_except_by_a_deletion() -> None:
    unreachable = s3_blobs("http://127.0.0.1:1")
    with pytest.raises(BlobsUnavailable, match="Could not connect"):
        await unreachable.check()
    await unreachable.delete(Key(COMPANY, uuid4()))
