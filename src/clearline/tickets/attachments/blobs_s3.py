"""The content of attachments in an S3-compatible store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from clearline.tickets.attachments.blob_backend import (
    MARK,
    MARK_MAX,
    BlobMissing,
    BlobsUnavailable,
    Key,
    Reader,
    Upload,
)

PART = 5 * 1024 * 1024
"""Bytes of one part: the minimum of S3, because each upload has two parts in memory."""

_NO_KEYS = "there are no keys for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "404": "the bucket does not exist",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "AccessDenied": "the keys do not allow it",
    "403": "the keys do not allow it",
}


class S3Backend:
    """Objects under a prefix of a bucket, named ``prefix/company/id``."""

    block = PART

    def __init__(self, bucket: str, prefix: str, *, endpoint: str | None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._location = f"s3://{bucket}/{prefix}" + (f" at {endpoint}" if endpoint else "")
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=32,
            # Stores other than Amazon's support neither the newer checksums nor a host name for each bucket.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        with self._translate_errors():
            self._client = Session().client("s3", endpoint_url=endpoint, config=config)

    @property
    def location(self) -> str:
        """See ``Backend``."""
        return self._location

    def begin(self, key: Key) -> Upload:
        """See ``Backend``."""
        return _S3Upload(self._call, self._name(key))

    def open(self, key: Key, start: int, length: int) -> Reader:
        """See ``Backend``."""
        byte_range = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = self._call("get_object", Key=self._name(key), **byte_range)
        except BlobsUnavailable as error:
            match _cause(error):
                case "NoSuchKey" | "404":
                    raise BlobMissing(f"the content of attachment {key.id} is missing in {self._location}") from None
                case "InvalidRange" | "416":
                    raise self._too_short(key) from None
            raise
        if answer["ContentLength"] < length:
            answer["Body"].close()
            raise self._too_short(key)
        return _S3Reader(answer["Body"], self._translate_errors)

    def size(self, key: Key) -> int | None:
        """See ``Backend``."""
        try:
            size: int = self._call("head_object", Key=self._name(key))["ContentLength"]
        except BlobsUnavailable as error:
            if _cause(error) == "404":  # the answer has no body that says what is missing: the object, or the bucket
                self._call("head_bucket")
                return None
            raise
        return size

    def delete(self, key: Key) -> None:
        """See ``Backend``."""
        self._call("delete_object", Key=self._name(key))

    def older_than(self, before: datetime) -> Iterator[list[Key]]:
        """See ``Backend``. Objects with other names are ignored."""
        for page in self._pages("list_objects_v2"):
            keys = [self._key(item["Key"]) for item in page.get("Contents", ()) if item["LastModified"] < before]
            yield [key for key in keys if key is not None]

    def drop_unfinished(self, before: datetime) -> int:
        """See ``Backend``."""
        dropped = 0
        for page in self._pages("list_multipart_uploads"):
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < before and self._key(upload["Key"]) is not None:
                    self._call("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
                    dropped += 1
        return dropped

    def read_mark(self) -> str | None:
        """See ``Backend``."""
        try:
            body = self._call("get_object", Key=f"{self._prefix}{MARK}")["Body"]
        except BlobsUnavailable as error:
            if _cause(error) in {"NoSuchKey", "404"}:
                return None
            raise
        reader = _S3Reader(body, self._translate_errors)
        try:
            return reader.read(MARK_MAX).decode(errors="replace")
        finally:
            reader.close()

    def write_mark(self, text: str, *, replaces: bool) -> None:
        """See ``Backend``. A store without conditional writes is asked before: whoever writes last has it then."""
        condition = {} if replaces else {"IfNoneMatch": "*"}
        try:
            self._call("put_object", Key=f"{self._prefix}{MARK}", Body=text.encode(), **condition)
        except BlobsUnavailable as error:
            match _cause(error):
                case "PreconditionFailed" | "412" | "ConditionalRequestConflict" | "409":
                    return
                case "NotImplemented" | "501" if not replaces and self.read_mark() is None:
                    self._call("put_object", Key=f"{self._prefix}{MARK}", Body=text.encode())
                case _:
                    raise

    def check(self) -> str:
        """See ``Backend``. Writes, reads and deletes an object named ``check``."""
        name = f"{self._prefix}check"
        self._call("put_object", Key=name, Body=b"check")
        self._call("get_object", Key=name)["Body"].close()
        self._call("delete_object", Key=name)
        return f"in {self._location}, which can be written and read"

    def _too_short(self, key: Key) -> BlobMissing:
        return BlobMissing(f"the content of attachment {key.id} is too short in {self._location}")

    def _call(self, name: str, **arguments: Any) -> Any:
        with self._translate_errors():
            return getattr(self._client, name)(Bucket=self._bucket, **arguments)

    def _pages(self, name: str) -> Iterator[Any]:
        with self._translate_errors():
            yield from self._client.get_paginator(name).paginate(Bucket=self._bucket, Prefix=self._prefix)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise BlobsUnavailable, with a text for the operator, instead of the library's errors."""
        try:
            yield
        except ClientError as error:
            code = _code(error)
            message = f"{_REASONS.get(code, 'it refuses')} ({code})"
            raise BlobsUnavailable(f"{self._location}: {message}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise BlobsUnavailable(f"{self._location}: {_NO_KEYS}") from error
        except (BotoCoreError, HTTPClientError, ValueError) as error:
            raise BlobsUnavailable(f"{self._location}: {error}") from error

    def _name(self, key: Key) -> str:
        return f"{self._prefix}{key.company_id}/{key.id}"

    def _key(self, name: str) -> Key | None:
        company_id, _, blob_id = name.removeprefix(self._prefix).partition("/")
        try:
            key = Key(UUID(company_id), UUID(blob_id))
        except ValueError:
            return None
        return key if self._name(key) == name else None


class _S3Reader:
    def __init__(self, body: Any, translate_errors: Callable[[], Any]) -> None:
        self._body, self._translate_errors = body, translate_errors

    def read(self, size: int, /) -> bytes:
        with self._translate_errors():
            block: bytes = self._body.read(size)
            return block

    def close(self) -> None:
        self._body.close()


class _S3Upload:
    """An upload of an object: one call when it fits into a part, otherwise a multipart upload."""

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self._call, self._name = call, name
        self._pending = b""
        self._id: str | None = None
        self._parts: list[dict[str, object]] = []
        self._finishing = False

    def write(self, block: bytes) -> None:
        if self._pending:
            self._send()
        self._pending = block

    def finish(self) -> None:
        self._finishing = True
        if self._id is None:
            self._call("put_object", Key=self._name, Body=self._pending)
            return
        self._send()
        parts = {"Parts": self._parts}
        self._call("complete_multipart_upload", Key=self._name, UploadId=self._id, MultipartUpload=parts)

    def abandon(self) -> None:
        if self._id is not None:
            with suppress(BlobsUnavailable):  # the upload may have completed although the answer was lost
                self._call("abort_multipart_upload", Key=self._name, UploadId=self._id)
        if self._finishing:
            self._call("delete_object", Key=self._name)

    def _send(self) -> None:
        if self._id is None:
            self._id = self._call("create_multipart_upload", Key=self._name)["UploadId"]
        number = len(self._parts) + 1
        sent = self._call("upload_part", Key=self._name, UploadId=self._id, PartNumber=number, Body=self._pending)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})


def _cause(error: BlobsUnavailable) -> str | None:
    """Return the code with which the store refused, if it did."""
    return _code(error.__cause__) if isinstance(error.__cause__, ClientError) else None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
