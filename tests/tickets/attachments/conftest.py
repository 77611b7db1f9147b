"""A real S3 server on this machine, and the keys for it."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from clearline.tickets.attachments.blobs import Blobs
from tests.builders.attachments import BUCKET, s3_blobs
from tests.patience import patient


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Yield the URL of the server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set keys in the environment, and remove every other setting of AWS."""
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
def s3_client(endpoint: str, keys: None) -> Iterator[Any]:  # noqa: ARG001 - the keys must be set first
    """Yield a separate S3 client for the tests."""
    opened = boto3.client("s3", endpoint_url=endpoint)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def usual(endpoint: str, keys: None) -> Blobs:  # noqa: ARG001
    """Return the store in the bucket."""
    return s3_blobs(endpoint)


@pytest.fixture
def s3(s3_client: Any, endpoint: str) -> Any:
    """Return the client of a server with one empty bucket."""
    httpx.post(f"{endpoint}/moto-api/reset", timeout=patient(5))
    s3_client.create_bucket(Bucket=BUCKET)
    return s3_client
