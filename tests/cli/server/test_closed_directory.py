"""A data directory that this account may not enter, or that cannot exist, is an error in words and no traceback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearline.cli.server.doctor import examine
from clearline.platform.postgres import embedded
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs_disk import DiskBackend
from tests.builders.databases import ROOT, reachable_dir

_NOBODY = 65534


@pytest.fixture(params=["closed", "too long"])
def unusable(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data directory in a folder that this account may not enter, or with a name that is too long."""
    folder = reachable_dir("clearline-closed-")
    if request.param == "too long":
        yield folder / ("x" * 300)
    else:
        folder.chmod(0)
        if ROOT:
            os.seteuid(_NOBODY)
        try:
            yield folder / "data"
        finally:
            if ROOT:
                os.seteuid(0)
            folder.chmod(0o700)
    folder.rmdir()


def test_the_doctor_says_what_is_wrong(unusable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLINE_DATA_DIR", str(unusable))
    monkeypatch.delenv("CLEARLINE_DATABASE_URL", raising=False)
    checks = {check.name: check for check in examine()}
    assert not checks["database"].ok
    assert str(unusable) in checks["database"].detail
    assert checks["disk"].detail


def test_no_server_runs_there_and_none_can_be_started(unusable: Path) -> None:
    assert embedded.running_url(unusable) is None
    with pytest.raises(EmbeddedPostgresError, match="cannot make the data directory"):
        embedded.start(unusable)


def test_files_cannot_be_kept_there_by_this_account(unusable: Path) -> None:
    blobs = DiskBackend(unusable / "attachments", floor=2**62)
    with pytest.raises(BlobsUnavailable):
        blobs.check()
