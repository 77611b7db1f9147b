"""The mark by which the database and its store know each other: on disk, and in a real S3 server on this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from clearline import clock
from clearline.platform.database.transactions import Database
from clearline.tickets.attachments.blob_backend import MARK, BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.attachments.marks import store as mark_store
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import StoreState, problem_of, read_mark
from clearline.tickets.attachments.marks.worker import StoreMonitor
from clearline.tickets.attachments.worker import delete_orphaned_files
from tests.builders.attachments import BUCKET, in_chunks, older, s3_blobs
from tests.builders.databases import new_database
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised

Open = Callable[[str], Blobs]
"""Opens a store, by its name."""


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "disk":
        return lambda name: Blobs(DiskBackend(tmp_path / name))
    request.getfixturevalue("s3")
    endpoint = request.getfixturevalue("endpoint")
    return lambda name: s3_blobs(endpoint, prefix=name)


@pytest.fixture
async def desk(postgres: str) -> AsyncIterator[Database]:
    """Yield the database of a desk on which no server has started yet."""
    async with new_database(postgres) as url:
        database = await Database.open(url, size=8)
        yield database
        await database.close()


async def attached(desk: Database, blobs: Blobs, content: bytes = b"rx -14.6") -> Key:
    """Attach a file to a ticket."""
    tenant = await new_tenant(desk)
    staged = await blobs.stage(tenant.company.id, in_chunks(content), most=len(content))
    async with desk.transaction() as tx:
        number = await raised(tx, tenant)
        await tx.write(
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                                       source, author, created_at)
               values ($1, $2, $3, 'levels.txt', 'text/plain', $4, $5, 'public', 'buyer', 'Ada', $6)""",
            tenant.company.id, number, staged.id, staged.size, staged.sha256, NOW,
        )  # fmt: skip
    return Key(tenant.company.id, staged.id)


async def mark(desk: Database, blobs: Blobs) -> StoreState:
    return await marks.mark(desk, blobs, now=NOW)


async def known_id(desk: Database) -> Any:
    async with desk.statement() as tx:
        known = await mark_store.get(tx)
    return None if known is None else known.id


async def test_the_first_server_marks_the_store_and_others_know_it(desk: Database, store: Open) -> None:
    blobs = store("one")
    assert await marks.recognize(desk, blobs) is StoreState.NEW
    assert await mark(desk, blobs) is StoreState.OWN
    text = await blobs.read_mark()
    assert text is not None
    assert read_mark(text) == await known_id(desk)
    assert await mark(desk, blobs) is StoreState.OWN
    assert await blobs.read_mark() == text
    assert await older(blobs, clock.now() + timedelta(days=1)) == [], "the mark is no attachment"


async def test_a_server_with_another_store_is_told(desk: Database, store: Open) -> None:
    await mark(desk, store("one"))
    apart = store("two")
    assert await mark(desk, apart) is StoreState.UNMARKED
    assert await apart.read_mark() is None, "a second store is not marked"
    problem = problem_of(StoreState.UNMARKED, apart.location)
    assert problem is not None
    assert problem.startswith(f"{apart.location} is not the store of attachments of this desk: it has no mark")
    assert "clearline attachment adopt" in problem


async def test_the_store_of_another_desk_is_told_and_keeps_its_mark(postgres: str, desk: Database, store: Open) -> None:
    blobs = store("one")
    await mark(desk, blobs)
    text = await blobs.read_mark()
    async with new_database(postgres) as url:
        other = await Database.open(url, size=3)
        assert await mark(other, blobs) is StoreState.FOREIGN
        assert await marks.recognize(other, blobs) is StoreState.FOREIGN
        await mark(other, store("two"))
        assert await mark(other, blobs) is StoreState.FOREIGN
        await other.close()
    assert await blobs.read_mark() == text


async def test_of_servers_that_start_at_once_all_know_one_mark(desk: Database, store: Open) -> None:
    blobs = store("one")
    assert set(await asyncio.gather(*(mark(desk, blobs) for _ in range(8)))) == {StoreState.OWN}
    text = await blobs.read_mark()
    assert text is not None
    assert read_mark(text) == await known_id(desk)


async def test_of_servers_with_stores_apart_that_start_at_once_one_marks_its_own(desk: Database, store: Open) -> None:
    stores = [store(f"node{at}") for at in range(6)]
    states = await asyncio.gather(*(mark(desk, blobs) for blobs in stores))
    assert sorted(states) == ["own", *["unmarked"] * 5]
    assert len([text for blobs in stores if (text := await blobs.read_mark()) is not None]) == 1


async def test_two_desks_that_start_at_once_on_one_store_do_not_share_it(
    postgres: str, desk: Database, store: Open
) -> None:
    async with new_database(postgres) as url:
        other = await Database.open(url, size=3)
        states = await asyncio.gather(mark(desk, store("one")), mark(other, store("one")))
        await other.close()
    assert sorted(states) == ["foreign", "own"]


async def test_the_store_with_the_attachments_is_marked_and_not_an_empty_one(desk: Database, store: Open) -> None:
    full, empty = store("full"), store("empty")
    await attached(desk, full)
    assert await mark(desk, empty) is StoreState.EMPTY
    assert await marks.recognize(desk, empty) is StoreState.EMPTY
    assert await empty.read_mark() is None
    assert await mark(desk, full) is StoreState.OWN
    assert await mark(desk, empty) is StoreState.UNMARKED


async def test_a_server_killed_between_the_two_marks_is_finished_by_the_next(
    desk: Database, store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    async def killed(*_arguments: object, **_values: object) -> None:
        raise Killed

    blobs = store("one")
    with monkeypatch.context() as patch:
        patch.setattr(mark_store, "save", killed)
        with pytest.raises(Killed):
            await mark(desk, blobs)
    text = await blobs.read_mark()
    assert text is not None
    assert await mark(desk, blobs) is StoreState.OWN
    assert await blobs.read_mark() == text


async def test_a_database_from_before_the_mark_knows_its_store_by_its_attachments(desk: Database, store: Open) -> None:
    blobs = store("one")
    await attached(desk, blobs)
    await mark(desk, blobs)
    text = await blobs.read_mark()
    async with desk.transaction() as tx:
        await tx.write("delete from attachment_store")
    assert await mark(desk, blobs) is StoreState.OWN
    assert await blobs.read_mark() == text


async def test_an_adopted_store_is_the_only_one(desk: Database, store: Open) -> None:
    old, new = store("old"), store("new")
    await attached(desk, old)
    await mark(desk, old)
    adopted = await marks.adopt(desk, new, now=NOW)
    assert adopted == await known_id(desk)
    assert await mark(desk, new) is StoreState.OWN
    assert await mark(desk, old) is StoreState.FOREIGN


@pytest.mark.parametrize("text", ["", "nonsense\n", "\x00" * 10_000])
async def test_a_mark_that_cannot_be_read_is_none(desk: Database, store: Open, text: str) -> None:
    blobs = store("one")
    await blobs.write_mark(text, replaces=True)
    assert await mark(desk, blobs) is StoreState.FOREIGN
    await marks.adopt(desk, blobs, now=NOW)
    assert await mark(desk, blobs) is StoreState.OWN
    await blobs.write_mark(text, replaces=True)
    assert await mark(desk, blobs) is StoreState.UNMARKED


async def test_orphans_are_deleted_only_in_the_own_store(desk: Database, tmp_path: Path) -> None:
    own, other = (Blobs(DiskBackend(tmp_path / name)) for name in ("own", "other"))
    key = await attached(desk, own)
    orphans = [tmp_path / name / str(key.company_id) / str(uuid4()) for name in ("own", "other")]
    old = (clock.now() - timedelta(days=2)).timestamp()
    for orphan in orphans:
        orphan.parent.mkdir(parents=True, exist_ok=True)
        orphan.write_bytes(b"x")
        os.utime(orphan, (old, old))
    await mark(desk, own)
    before = clock.now() - timedelta(days=1)
    with pytest.raises(marks.WrongStore, match="is not the store of attachments of this desk"):
        await anext(aiter(delete_orphaned_files(desk, other, before=before)))
    assert sum([count async for count in delete_orphaned_files(desk, own, before=before)]) == 1
    assert [orphan.exists() for orphan in orphans] == [False, True]


async def problem_of_monitor(monitor: StoreMonitor) -> str:
    await monitor.check()
    return monitor.problem or ""


async def test_the_monitor_says_what_is_wrong_until_it_is_right(desk: Database, tmp_path: Path) -> None:
    await mark(desk, Blobs(DiskBackend(tmp_path / "own")))
    monitor = StoreMonitor(desk, Blobs(DiskBackend(tmp_path / "other")), lambda: NOW)
    assert "it has no mark" in await problem_of_monitor(monitor)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / MARK).write_bytes((tmp_path / "own" / MARK).read_bytes())
    assert await problem_of_monitor(monitor) == ""
    (tmp_path / "other" / MARK).unlink()
    (tmp_path / "other" / MARK).mkdir()
    assert "Is a directory" in await problem_of_monitor(monitor)


async def test_a_store_that_cannot_be_written_is_not_marked(desk: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blobs = Blobs(DiskBackend(tmp_path / "file"))
    with pytest.raises(BlobsUnavailable):
        await mark(desk, blobs)
    assert await mark(desk, Blobs(DiskBackend(tmp_path / "folder"))) is StoreState.OWN


async def test_the_mark_is_for_the_account_of_the_server_alone(desk: Database, tmp_path: Path) -> None:
    await mark(desk, Blobs(DiskBackend(tmp_path / "new" / "store")))
    [path] = (tmp_path / "new" / "store").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == (MARK, 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_store_on_a_disk_without_links_is_marked_too(
    desk: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(_path: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    blobs = Blobs(DiskBackend(tmp_path))
    assert await mark(desk, blobs) is StoreState.OWN
    text = await blobs.read_mark()
    await blobs.write_mark("another", replaces=False)
    assert await blobs.read_mark() == text
    assert os.listdir(tmp_path) == [MARK]  # noqa: PTH208


async def test_a_store_in_s3_without_conditional_writes_is_marked_too(
    desk: Database, s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    blobs = s3_blobs(endpoint)
    backend: Any = blobs._backend  # noqa: SLF001
    put = backend._client.put_object  # noqa: SLF001

    def without_conditions(**arguments: Any) -> Any:
        if "IfNoneMatch" in arguments:
            raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        return put(**arguments)

    monkeypatch.setattr(backend._client, "put_object", without_conditions)  # noqa: SLF001
    assert await mark(desk, blobs) is StoreState.OWN
    [stored] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert stored["Key"] == f"files/{MARK}"
