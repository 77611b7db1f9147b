import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.settings.settings import read_settings
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments import worker
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from clearline.tickets.attachments.domain import NewAttachment
from clearline.tickets.attachments.worker import EVERY_SECONDS, delete_orphaned_files, orphaned_files_job
from clearline.tickets.note_domain import Visibility
from tests.builders.jobs import kept
from tests.builders.people import Tenant
from tests.builders.tickets import raised

GRACE = kept("orphaned_attachments")


def blobs_in(folder: Path) -> Blobs:
    return open_blobs(read_settings({"CLEARLINE_DATA_DIR": str(folder)}))


def stored_in(folder: Path) -> set[Key]:
    files = (folder / "attachments").glob("*-*/*")
    return {Key(UUID(path.parent.name), UUID(path.name)) for path in files}


async def some() -> AsyncIterator[bytes]:
    yield b"bytes"


async def attached(database: Database, tenant: Tenant, blobs: Blobs, now: datetime) -> Key:
    content = await blobs.stage(tenant.company.id, some(), most=10)
    new = NewAttachment("a.txt", "text/plain", Visibility.PUBLIC)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await attachments.add_attachment(tx, tenant.actor, number, new, content, now=now)
    return Key(tenant.company.id, content.id)


async def test_orphaned_files_are_deleted_after_a_day_and_the_others_stay(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    blobs, now = blobs_in(tmp_path), clock.now()
    in_use = await attached(database, tenant, blobs, now)
    orphaned = Key(tenant.company.id, (await blobs.stage(tenant.company.id, some(), most=10)).id)
    unknown = uuid4()
    foreign = Key(unknown, (await blobs.stage(unknown, some(), most=10)).id)
    half = tmp_path / "attachments" / "staging" / str(uuid4())
    half.write_bytes(b"half")

    assert await delete_orphaned_files(database, blobs, before=now - timedelta(minutes=1)) == 0
    assert (stored_in(tmp_path), half.exists()) == ({in_use, orphaned, foreign}, True)
    assert await delete_orphaned_files(database, blobs, before=now + timedelta(minutes=1)) == 2
    assert (stored_in(tmp_path), half.exists()) == ({in_use, foreign}, False)
    assert await delete_orphaned_files(database, blobs, before=now + timedelta(minutes=1)) == 0


async def test_the_age_of_a_file_is_its_modification_time(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    blobs, now = blobs_in(tmp_path), clock.now()
    old, new = [(await blobs.stage(tenant.company.id, some(), most=10)).id for _ in range(2)]
    folder = tmp_path / "attachments" / str(tenant.company.id)
    yesterday = (now - GRACE).timestamp() - 60
    os.utime(folder / str(old), (yesterday, yesterday))
    assert await delete_orphaned_files(database, blobs, before=now - GRACE) == 1
    assert stored_in(tmp_path) == {Key(tenant.company.id, new)}


async def test_the_job_deletes_orphaned_files_when_due_and_not_because_the_server_stops(
    database: Database, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = blobs_in(tmp_path)
    await blobs.stage(tenant.company.id, some(), most=10)
    at, seconds = clock.now() + GRACE * 2, clock.monotonic()
    monkeypatch.setattr(worker, "monotonic", lambda: seconds)
    job = orphaned_files_job(database, blobs, GRACE, lambda: at)
    assert await job.run() == 0
    seconds += EVERY_SECONDS
    assert await job.run() == 1
    await blobs.stage(tenant.company.id, some(), most=10)
    assert await job.run() == 0
    seconds += EVERY_SECONDS
    at -= timedelta(hours=1)
    assert await job.run() == 1, "also after the clock was set back"


async def test_an_unavailable_store_does_not_end_the_job(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "attachments").write_text("no directory")
    seconds = clock.monotonic()
    monkeypatch.setattr(worker, "monotonic", lambda: seconds)
    job = orphaned_files_job(database, blobs_in(tmp_path), GRACE, clock.now)
    seconds += EVERY_SECONDS
    assert await job.run() == 0
