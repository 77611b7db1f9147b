"""Backups of a database at an address: made, verified and restored into another one."""

import asyncio
import hashlib
import json
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import pytest

from clearline.backup import dump_programs
from clearline.backup.domain import BackupError, name_at, sort_key
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import StoreState
from tests.builders.application import run_command, run_json
from tests.builders.databases import MANY_ROWS, administer, move_ahead, new_database
from tests.builders.people import NOW

CONTENT = b"a photograph of the patch panel" * 1000


class Desk(NamedTuple):
    """A database with tickets, and one attachment in its store."""

    url: str
    store: Path
    attachment: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings of its commands."""
        return {"CLEARLINE_ATTACHMENTS": str(self.store)}


@pytest.fixture(scope="module")
async def desk(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    store = tmp_path_factory.mktemp("store")
    async with new_database(postgres) as url:
        await administer(url, MANY_ROWS)
        identifier = uuid4()
        connection = await asyncpg.connect(url)
        company, number = await connection.fetchrow("select company_id, number from ticket order by number limit 1")
        await connection.execute(
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                                       source, author, created_at)
               values ($1, $2, $3, 'panel.jpg', 'image/jpeg', $4, sha256($5), 'public', 'buyer', 'Ada', now())""",
            company, number, identifier, len(CONTENT), CONTENT,
        )  # fmt: skip
        await connection.close()
        (store / str(company)).mkdir()
        (store / str(company) / str(identifier)).write_bytes(CONTENT)
        yield Desk(url, store, f"{company}/{identifier}")


@pytest.fixture(scope="module")
def made(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with one backup."""
    root = tmp_path_factory.mktemp("made") / "backups"
    run_json(desk.url, "backup", str(root), **desk.settings)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the directory with one backup."""
    shutil.copytree(made, tmp_path / "backups")
    return tmp_path / "backups"


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres, migrated=False) as url:
        yield url


def only(root: Path) -> Path:
    """Return the only backup of a directory."""
    [folder] = [path for path in root.iterdir() if path.name[0] != "."]
    return folder


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


async def rows(url: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        found: list[Any] = await connection.fetch("select * from ticket order by company_id, number")
        return found
    finally:
        await connection.close()


async def test_a_restored_desk_has_every_row_and_every_file(desk: Desk, root: Path, empty: str, tmp_path: Path) -> None:
    store = tmp_path / "restored"
    report = run_json(empty, "restore", str(root), CLEARLINE_ATTACHMENTS=str(store))
    assert report["ok"] is True
    assert (report["counts"]["ticket"], report["counts"]["note"]) == (10_500, 31_500)
    assert await rows(empty) == await rows(desk.url)
    assert (store / desk.attachment).read_bytes() == CONTENT
    again = run_command(empty, "restore", str(root), CLEARLINE_ATTACHMENTS=str(store))
    assert (again.exit_code, again.stderr) == (
        4, "error: the database is not empty: restore into a new one; nothing was changed\n",
    )  # fmt: skip


async def test_events_ahead_of_the_new_server_are_renumbered(postgres: str, tmp_path: Path, empty: str) -> None:
    async with new_database(postgres) as url:
        run_json(url, "company", "add", "Birch Telecom", "--code", "BIR001")
        database = await Database.open(url)
        await move_ahead(database)
        await database.close()
        run_json(url, "backup", str(tmp_path / "backups"))
    assert run_json(empty, "restore", str(tmp_path / "backups"), CLEARLINE_ATTACHMENTS=str(tmp_path / "a"))["ok"]
    connection = await asyncpg.connect(empty)
    ahead = await connection.fetchval("select count(*) from event where xid >= pg_snapshot_xmax(pg_current_snapshot())")
    await connection.close()
    assert ahead == 0


def test_a_backup_is_its_owner_s_alone_and_says_what_it_has(desk: Desk, root: Path) -> None:
    folder = only(root)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert modes <= {0o700, 0o600}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["migration"] == migrate.known()[-1].number
    assert manifest["missing"] == []
    assert [file["path"] for file in manifest["files"]] == ["database.dump", f"attachments/{desk.attachment}"]
    assert run_json(desk.url, "verify-backup", str(root))["ok"] is True
    assert run_json(desk.url, "verify-backup", str(folder))["backup"] == str(folder)


def test_what_an_earlier_backup_has_is_linked_and_old_backups_are_deleted_last(desk: Desk, root: Path) -> None:
    first = only(root)
    inode = (first / "attachments" / desk.attachment).stat().st_ino
    second = run_json(desk.url, "backup", str(root), "--keep", "2", **desk.settings)
    assert (second["copied"], second["attachments"], second["deleted"]) == (0, 1, [])
    assert (Path(second["backup"]) / "attachments" / desk.attachment).stat().st_ino == inode
    third = run_json(desk.url, "backup", str(root), "--keep", "1", **desk.settings)
    assert third["deleted"] == [first.name, Path(second["backup"]).name]
    assert only(root) == Path(third["backup"])
    assert run_json(desk.url, "verify-backup", str(root))["ok"] is True


def test_a_failed_backup_leaves_the_earlier_ones_and_nothing_of_its_own(desk: Desk, root: Path) -> None:
    before = sorted(root.iterdir())
    (root / ".20260101T000000Z.partial").mkdir()
    failed = run_command(desk.url, "backup", str(root), "--keep", "1", CLEARLINE_ATTACHMENTS="/dev/null")
    assert failed.exit_code == 4
    assert sorted(root.iterdir()) == before


async def test_an_attachment_without_a_file_is_named(desk: Desk, tmp_path: Path) -> None:
    report = run_json(desk.url, "backup", str(tmp_path / "b"), CLEARLINE_ATTACHMENTS=str(tmp_path / "nothing"))
    assert report["missing"] == [f"attachments/{desk.attachment}"]
    shown = run_command(desk.url, "verify-backup", str(tmp_path / "b"))
    assert (shown.exit_code, "1 attachments were missing in the store" in shown.stderr) == (0, True)


async def test_counts_are_of_the_snapshot_of_the_dump_while_others_write(
    postgres: str, tmp_path: Path, empty: str
) -> None:
    async with new_database(postgres) as url:
        await administer(url, MANY_ROWS)

        async def write() -> None:
            while True:
                await administer(
                    url,
                    "insert into note (company_id, ticket_number, text, visibility, source, channel, author, "
                    "created_at) select company_id, number, 'More', 'public', 'buyer', 'API', 'User', now() from "
                    "ticket limit 50",
                )

        writing = asyncio.create_task(write())
        await asyncio.to_thread(run_json, url, "backup", str(tmp_path / "b"))
        writing.cancel()
        await asyncio.wait({writing})
    report = run_json(empty, "restore", str(tmp_path / "b"), CLEARLINE_ATTACHMENTS=str(tmp_path / "a"))
    assert report["counts"]["note"] >= 31_500


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replace_dump(folder: Path) -> None:
    """Put another file in the place of the dump, which the manifest agrees with."""
    (folder / "database.dump").write_bytes(b"select 1;\n")
    digest = hashlib.sha256(b"select 1;\n").hexdigest()
    change_manifest(folder, lambda it: it["files"][0].update(size=10, sha256=digest))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    "half a manifest": (
        lambda folder: (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:100]),
        "manifest.json cannot be read",
    ),
    "newer format": (lambda folder: change_manifest(folder, lambda it: it.update(format=2)), "use a newer Clearline"),
    "strange path": (
        lambda folder: change_manifest(folder, lambda it: it["files"][0].update(path="../../etc/passwd")),
        "names a file that no backup has",
    ),
    "no dump": (lambda folder: (folder / "database.dump").unlink(), "database.dump is missing"),
    "cut dump": (
        lambda folder: (folder / "database.dump").write_bytes((folder / "database.dump").read_bytes()[:-1]),
        "bytes, and the manifest says",
    ),
    "flipped bit": (lambda folder: flip(folder / "database.dump"), "database.dump has another SHA-256"),
    "damaged attachment": (
        lambda folder: flip(next(path for path in (folder / "attachments").rglob("*") if path.is_file())),
        "its content is damaged",
    ),
    "no attachments": (lambda folder: shutil.rmtree(folder / "attachments"), "is missing"),
    "no dump of pg_dump": (replace_dump, "database.dump cannot be read: pg_restore failed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_backup_is_named_and_refused_by_restore(fault: str, root: Path) -> None:
    spoil, message = FAULTS[fault]
    folder = only(root)
    spoil(folder)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    nobody = "postgresql://nobody@127.0.0.1:1/nothing"
    for command in ("verify-backup", "restore"):
        result = run_command(nobody, command, str(folder))
        assert (result.exit_code, result.stdout) == (3, "")
        assert message in result.stderr
    report = run_command(nobody, "verify-backup", str(folder), "--json")
    assert (report.exit_code, json.loads(report.stdout)["ok"]) == (3, False)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before, "nothing is changed"


def test_a_directory_without_backups_is_refused(tmp_path: Path) -> None:
    result = run_command("postgresql://nobody@127.0.0.1:1/nothing", "verify-backup", str(tmp_path))
    assert (result.exit_code, result.stderr) == (4, f"error: there is no backup in {tmp_path}\n")


async def test_a_restore_is_refused_while_others_are_connected(root: Path, empty: str, tmp_path: Path) -> None:
    other = await asyncpg.connect(empty)
    result = await asyncio.to_thread(
        run_command, empty, "restore", str(root), CLEARLINE_ATTACHMENTS=str(tmp_path / "a")
    )
    assert result.exit_code == 4
    assert "1 other sessions are connected" in result.stderr
    assert await other.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    assert not (tmp_path / "a").exists(), "nothing is changed"
    await other.close()


async def test_a_backup_of_a_newer_clearline_is_refused(root: Path, empty: str) -> None:
    change_manifest(only(root), lambda it: it.update(migration=9999))
    result = run_command(empty, "restore", str(root))
    assert result.exit_code == 4
    assert "the database is at migration 9999" in result.stderr


async def test_rows_that_differ_from_the_manifest_are_named(root: Path, empty: str, tmp_path: Path) -> None:
    change_manifest(only(root), lambda it: it["counts"].update(ticket=10_501))
    result = run_command(empty, "restore", str(root), CLEARLINE_ATTACHMENTS=str(tmp_path / "a"))
    assert result.exit_code == 3
    assert "table ticket has 10500 rows, and the manifest says 10501" in result.stderr
    assert "do not use the restored database" in result.stderr


async def test_attachments_in_s3_are_a_reference_that_a_restore_asks_for(root: Path, empty: str) -> None:
    change_manifest(only(root), lambda it: it.update(s3="s3://desk/files", files=it["files"][:1]))
    result = run_command(empty, "restore", str(root))
    assert result.exit_code == 4
    assert "are in s3://desk/files: set CLEARLINE_ATTACHMENTS accordingly" in result.stderr


async def test_a_backup_of_a_database_that_takes_no_notes_is_whole_and_says_so(postgres: str, tmp_path: Path) -> None:
    async with new_database(postgres) as url:
        await administer(url, "drop table last_backup")  # as before its migration
        done = run_command(
            url, "backup", str(tmp_path / "backups"), "--json", CLEARLINE_ATTACHMENTS=str(tmp_path / "a")
        )
        assert done.exit_code == 0
        assert done.stderr == "The time of this backup is not in the database, so that metrics do not tell it.\n"
        assert run_json(url, "verify-backup", str(tmp_path / "backups"))["ok"] is True


async def state_of(url: str, store: Path) -> StoreState:
    """Look at the store as a server does at its start, which marks a new one."""
    database = await Database.open(url, size=3)
    try:
        return await marks.mark(database, Blobs(DiskBackend(store)), now=NOW)
    finally:
        await database.close()


async def test_a_restored_store_has_the_mark_that_the_database_knows(postgres: str, empty: str, tmp_path: Path) -> None:
    own, restored, other = (tmp_path / name for name in ("own", "restored", "other"))
    backups = str(tmp_path / "backups")
    async with new_database(postgres) as url:
        assert await state_of(url, own) is StoreState.OWN
        run_json(url, "backup", backups, CLEARLINE_ATTACHMENTS=str(own))
        assert run_json(url, "restore", backups, "--drill")["ok"] is True
    async with new_database(postgres) as url:
        await state_of(url, other)
    mixed = run_command(empty, "restore", backups, CLEARLINE_ATTACHMENTS=str(other))
    assert (mixed.exit_code, f"{other} has the attachments of another desk" in mixed.stderr) == (4, True)
    report = run_json(empty, "restore", backups, CLEARLINE_ATTACHMENTS=str(restored))
    [check] = [check for check in report["checks"] if check["name"] == "attachment store"]
    assert check == {"name": "attachment store", "ok": True, "detail": "has the mark of this desk"}
    assert await state_of(empty, restored) is StoreState.OWN
    assert await state_of(empty, other) is StoreState.FOREIGN


async def test_a_database_without_a_desk_is_not_backed_up(empty: str, tmp_path: Path) -> None:
    result = run_command(empty, "backup", str(tmp_path / "b"))
    assert (result.exit_code, result.stderr) == (
        4, "error: the database has no desk: there is nothing to back up\n",
    )  # fmt: skip


def test_programs_are_of_the_major_version_of_the_server_or_a_newer_one() -> None:
    settings = Settings(database_url="postgresql://x@y/z")
    assert dump_programs.for_dump(settings, 18).major == 18
    with pytest.raises(BackupError, match=r"no pg_dump of PostgreSQL 99 or newer .*postgresql-client-99"):
        dump_programs.for_dump(settings, 99)
    with pytest.raises(BackupError, match="no pg_restore of PostgreSQL 99"):
        dump_programs.for_restore(settings, 99)
    with pytest.raises(BackupError, match="written by pg_dump 18, which no server of PostgreSQL 15 can load"):
        dump_programs.for_restore(settings, 18, 15)


@pytest.mark.parametrize(
    "url",
    ["postgresql://desk:p%40ss@[2001:db8::1],db.example.net:5433/desk", "postgresql://desk@db/desk?password=p%40ss"],
)
def test_the_password_is_in_no_argument(url: str) -> None:
    address, environment = dump_programs.connection(url)
    assert "ss" not in address.replace("session", "")
    assert address.endswith("target_session_attrs=primary")
    assert environment == {"PGPASSWORD": "p@ss"}


def test_backups_of_one_second_keep_their_order() -> None:
    name = f"{NOW:%Y%m%dT%H%M%SZ}"
    names = [name, f"{name}-2", f"{name}-10"]
    assert name_at(NOW, []) == name
    assert name_at(NOW, names[:1]) == names[1]
    assert sorted([names[2], names[0], names[1]], key=sort_key) == names
