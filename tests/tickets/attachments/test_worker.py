import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.settings.settings import read_settings
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from clearline.tickets.attachments.domain import NewAttachment
from clearline.tickets.attachments.worker import delete_orphaned_files
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


async def deleted(database: Database, blobs: Blobs, *, before: datetime) -> int:
    return sum([count async for count in delete_orphaned_files(database, blobs, before=before)])


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

    assert await deleted(database, blobs, before=now - timedelta(minutes=1)) == 0
    assert (stored_in(tmp_path), half.exists()) == ({in_use, orphaned, foreign}, True)
    assert await deleted(database, blobs, before=now + timedelta(minutes=1)) == 2
    assert (stored_in(tmp_path), half.exists()) == ({in_use, foreign}, False)
    assert await deleted(database, blobs, before=now + timedelta(minutes=1)) == 0


async def test_the_age_of_a_file_is_its_modification_time(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    blobs, now = blobs_in(tmp_path), clock.now()
    old, new = [(await blobs.stage(tenant.company.id, some(), most=10)).id for _ in range(2)]
    folder = tmp_path / "attachments" / str(tenant.company.id)
    yesterday = (now - GRACE).timestamp() - 60
    os.utime(folder / str(old), (yesterday, yesterday))
    assert await deleted(database, blobs, before=now - GRACE) == 1
    assert stored_in(tmp_path) == {Key(tenant.company.id, new)}
