"""Make a backup while the server runs."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from clearline.backup import dump_programs, folders, store
from clearline.backup.domain import (
    ATTACHMENTS,
    DUMP,
    FORMAT,
    BackupError,
    BackupFaulty,
    Manifest,
    StoredFile,
    major,
    name_at,
)
from clearline.backup.store import LastBackup
from clearline.clock import monotonic
from clearline.platform.database import migrate
from clearline.platform.database.errors import DatabaseUnavailable, StatementFailed
from clearline.platform.database.server import version_and_time
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import disk_folder, s3_location
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.version import version

_LOCK = "clearline backup"


class Made(NamedTuple):
    """A backup that was made, which older ones were deleted for it, and how long it took.

    ``is_noted`` is whether the database knows of it: a standby takes no notes, nor does one that lacks migrations.
    """

    folder: Path
    manifest: Manifest
    copied: int
    deleted: list[str]
    seconds: float
    is_noted: bool


async def back_up(settings: Settings, url: str, root: Path, *, keep: int | None, now: datetime) -> Made:
    """Make a backup in a folder of its own in ``root``, then delete all but the newest ``keep``.

    The dump comes first, then the attachments: a file is stored before a row refers to it, so that every file that the
    dump refers to is there to be copied, unless it was deleted in between.

    Raises:
        BackupError: it cannot be made; nothing is left of it.
        SchemaTooNew: a newer Clearline migrated the database.
    """
    began = monotonic()
    with folders.locked(root):
        name = name_at(now, folders.names(root))
        with folders.new_folder(root, name) as partial:
            manifest, copied = await _write(settings, url, root, partial, now)
        deleted = [] if keep is None else folders.delete_oldest(root, keep)
    seconds = monotonic() - began
    is_noted = await _note(url, LastBackup(now, seconds, sum(file.size for file in manifest.files)))
    return Made(root / name, manifest, copied, deleted, seconds, is_noted)


async def _note(url: str, backup: LastBackup) -> bool:
    """Store in the database that a backup was made; return whether that was possible."""
    database = Database(url, size=2)
    try:
        await database.connect()
        async with database.statement() as tx:
            await store.note_backup(tx, backup)
    except (DatabaseUnavailable, StatementFailed):
        return False
    finally:
        await database.close()
    return True


async def _write(settings: Settings, url: str, root: Path, partial: Path, now: datetime) -> tuple[Manifest, int]:
    database = await Database.open(url, size=2)
    try:
        migration = await migrate.require_known(database)
        if not migration:
            raise BackupError("the database has no desk: there is nothing to back up")
        async with database.alone(_LOCK) as session, session.transaction() as tx:
            snapshot = await store.export_snapshot(tx)
            postgresql, _ = await version_and_time(tx)
            program = dump_programs.for_dump(settings, major(postgresql))
            await dump_programs.dump(program, url, snapshot, partial / DUMP)
            counts, attached = await store.counts(tx), await store.attachments(tx)
            marked = await store.attachment_store(tx)
    finally:
        await database.close()
    size, digest = (partial / DUMP).stat().st_size, await asyncio.to_thread(folders.checksum, partial / DUMP)
    in_s3 = s3_location(settings)
    files = [] if in_s3 else await asyncio.to_thread(_copy_attachments, disk_folder(settings), root, partial)
    there = {file.path for file, _ in files}
    needed = [] if in_s3 else [f"{ATTACHMENTS}/{item.company_id}/{item.id}" for item in attached]
    manifest = Manifest(
        format=FORMAT,
        clearline=version(),
        created_at=now,
        migration=migration,
        postgresql=postgresql,
        dump_version=program.version,
        counts=counts,
        files=[StoredFile(DUMP, size, digest), *(file for file, _ in files)],
        s3=in_s3,
        missing=sorted(path for path in needed if path not in there),
        attachment_store=marked,
    )
    folders.write_manifest(partial, manifest)
    return manifest, sum(is_new for _, is_new in files)


def _copy_attachments(source: Path, root: Path, partial: Path) -> list[tuple[StoredFile, bool]]:
    """Bring every attachment into a backup; return the files, and whether each is copied and not linked.

    Content never changes under its name, so that what the newest backup has is linked and not copied again.
    """
    earlier, known = _newest(root)
    files: list[tuple[StoredFile, bool]] = []
    blobs = DiskBackend(source)
    for page in blobs.older_than(datetime.max.replace(tzinfo=UTC)):
        for key in page:
            path = f"{ATTACHMENTS}/{key.company_id}/{key.id}"
            target = partial / path
            for folder in (target.parent.parent, target.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            stored = known.get(path)
            if stored is not None and _has(earlier / path, stored) and folders.link(earlier / path, target):
                files.append((stored, False))
                continue
            try:
                size, digest = folders.copy(blobs.path_of(key), target)
            except FileNotFoundError:  # deleted just now
                continue
            files.append((StoredFile(path, size, digest), True))
    return files


def _newest(root: Path) -> tuple[Path, dict[str, StoredFile]]:
    """Return the newest backup in a directory, and its files by their paths; none when its manifest is broken."""
    found = folders.names(root)
    if not found:
        return root, {}
    try:
        manifest = folders.read_manifest(root / found[-1])
    except BackupFaulty:
        return root, {}
    return root / found[-1], {file.path: file for file in manifest.files}


def _has(path: Path, stored: StoredFile) -> bool:
    """Return whether a file is there with its size."""
    try:
        return path.stat().st_size == stored.size
    except OSError:
        return False
