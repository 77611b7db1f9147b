"""Restore a backup into an empty database, or as a drill into a scratch directory that is deleted again.

The embedded PostgreSQL is restored in a directory of its own in the data directory. Only the last step, a rename, makes
it the desk: before that no server, worker or command can reach it, and an interrupted restore leaves no desk.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from clearline.backup import dump_programs, folders, store
from clearline.backup.domain import ATTACHMENTS, DUMP, BackupError, BackupFaulty, Manifest, differences, major
from clearline.backup.verify_usecases import Verified, verify
from clearline.clock import monotonic, now
from clearline.events import store as event_store
from clearline.events.consumer import CONSUMERS
from clearline.health import usecases as health
from clearline.health.domain import Check
from clearline.platform.database import migrate
from clearline.platform.database.migrate import SchemaTooNew
from clearline.platform.database.server import version_and_time
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded, programs, supervisor
from clearline.platform.postgres.embedded import DataDirectoryInUse
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import disk_folder, open_blobs, s3_location
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import read_mark

_NEW = "restore.new-"
"""How the directory in the data directory begins in which a desk is restored. Each attempt has one of its own: programs
that a killed one started may still write to theirs for a moment."""

_DRILL = "clearline-drill-"

_WAITING = {*CONSUMERS, "inbound mail", "mailboxes"}
"""Checks of work that waits: none was done since the backup, and none is meant to be done yet."""


class Restored(NamedTuple):
    """What was restored, what the checks found, and how long it took."""

    folder: Path
    manifest: Manifest
    checks: list[Check]
    missing: list[str]
    seconds: float


async def restore(settings: Settings, path: Path) -> Restored:
    """Restore the backup that a path names into the empty database of the settings, and the attachments to their place.

    Raises:
        BackupFaulty: the backup is not whole, or what was restored differs from its manifest.
        BackupError: the target is not empty or in use, or loading fails; the target is then still empty.
        SchemaTooNew: a newer Clearline made the backup.
    """
    began = monotonic()
    verified = await _verified(settings, path)
    _check_store(settings, verified.manifest.s3)
    await _check_mark(settings, verified.manifest)
    if settings.database_url is not None:
        checks = await _into_server(settings, settings.database_url, verified)
    else:
        checks = await _into_data_dir(settings, verified)
    return Restored(*verified, checks, verified.manifest.missing, monotonic() - began)


async def drill(settings: Settings, path: Path) -> Restored:
    """Restore a backup into a scratch directory with its own PostgreSQL, check it there, and delete the directory.

    Raises:
        BackupFaulty, BackupError, SchemaTooNew: as for ``restore``.
    """
    began = monotonic()
    verified = await _verified(settings, path)
    with _scratch() as folder:
        alone = replace(settings, data_dir=folder, database_url=None, attachments="disk")
        checks = await _into_data_dir(alone, verified)
    return Restored(*verified, checks, verified.manifest.missing, monotonic() - began)


async def _verified(settings: Settings, path: Path) -> Verified:
    verified = await verify(settings, path)
    newest = migrate.known()[-1].number
    if verified.manifest.migration > newest:
        raise SchemaTooNew(verified.manifest.migration, newest)
    return verified


def _check_store(settings: Settings, s3: str | None) -> None:
    if s3 != s3_location(settings):
        where = f"in {s3}" if s3 else "in its folder, not in S3"
        raise BackupError(f"the attachments of the backup are {where}: set CLEARLINE_ATTACHMENTS accordingly")


async def _check_mark(settings: Settings, manifest: Manifest) -> None:
    """Refuse to mix the attachments with those of another desk."""
    if manifest.s3 is not None or manifest.attachment_store is None:
        return
    blobs = open_blobs(settings)
    mark = await blobs.read_mark()
    if mark is not None and read_mark(mark) != manifest.attachment_store:
        raise BackupError(
            f"{blobs.location} has the attachments of another desk: set CLEARLINE_ATTACHMENTS or CLEARLINE_DATA_DIR to "
            "another directory, or move them away; nothing was changed"
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a directory for a drill. Those of drills that were killed are deleted."""
    for left in Path(tempfile.gettempdir()).glob(f"{_DRILL}*"):
        _delete_unless_used(left)
    folder = _folder_for_postgres(None, _DRILL)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder_for_postgres(parent: Path | None, prefix: str) -> Path:
    """Make a new directory that PostgreSQL's account may pass through: as root, it has another one."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    folder.chmod(0o711)
    return folder


def _delete_unless_used(folder: Path) -> None:
    try:
        with embedded.exclusive(folder):
            shutil.rmtree(folder, ignore_errors=True)
    except EmbeddedPostgresError:  # a drill that runs, or another account's
        return


async def _into_data_dir(settings: Settings, verified: Verified) -> list[Check]:
    data_dir = settings.data_dir
    account = programs.own_account(settings.postgres_user)
    embedded.make_directory(data_dir, account)
    try:
        with embedded.exclusive(data_dir):
            return await _into_locked(settings, verified)
    except DataDirectoryInUse as error:
        raise BackupError(str(error)) from None


async def _into_locked(settings: Settings, verified: Verified) -> list[Check]:
    data = settings.data_dir / "postgresql"
    if data.exists() or embedded.kept_data(data) is not None:
        raise BackupError(
            f"the data directory {settings.data_dir} has a desk: restore into an empty one, or move its postgresql away"
        )
    _delete_attempts(settings.data_dir)
    new = _folder_for_postgres(settings.data_dir, _NEW)
    try:
        server = await asyncio.to_thread(embedded.start, new, settings.postgres_user, settings.postgres_bin)
        try:
            await _load(settings, server.url, verified)
            checks = await _finish(settings, server.url, new)
        finally:
            await asyncio.to_thread(server.stop)
        (new / "postgresql").rename(data)
        folders.sync_folder(settings.data_dir)
    finally:
        _delete_attempts(settings.data_dir)
    return checks


def _delete_attempts(data_dir: Path) -> None:
    for left in data_dir.glob(f"{_NEW}*"):
        supervisor.stop_orphan(left / "postgresql")
        shutil.rmtree(left, ignore_errors=True)


async def _into_server(settings: Settings, url: str, verified: Verified) -> list[Check]:
    await _load(settings, url, verified)
    return await _finish(settings, url, settings.data_dir)


async def _load(settings: Settings, url: str, verified: Verified) -> None:
    """Bring the attachments, then load the dump, while servers wait for the lock of migrations; compare the counts.

    Interrupted, it leaves an empty database, and files that the next attempt finds.
    """
    manifest = verified.manifest
    database = Database(url, size=1)
    try:
        async with database.alone("clearline migrations") as session:
            async with session.statement() as tx:
                version, _ = await version_and_time(tx)
            async with session.statement() as tx:
                if await store.tables(tx):
                    raise BackupError("the database is not empty: restore into a new one; nothing was changed")
            async with session.statement() as tx:
                if others := await store.other_sessions(tx):
                    raise BackupError(
                        f"{others} other sessions are connected to the database: stop every server, worker and other "
                        "client first; nothing was changed"
                    )
            if major(version) < major(manifest.postgresql):
                raise BackupError(
                    f"the backup is of PostgreSQL {manifest.postgresql}, and the server is {version}: restore into the "
                    "same or a newer major version; nothing was changed"
                )
            program = dump_programs.for_restore(settings, major(manifest.dump_version), major(version))
            await asyncio.to_thread(_bring_attachments, settings, verified)
            await dump_programs.load(program, url, verified.folder / DUMP)
            async with session.transaction() as tx:
                different = differences(manifest.counts, await store.counts(tx))
    finally:
        await database.close()
    if different:
        raise BackupFaulty([*different, "do not use the restored database"])


def _bring_attachments(settings: Settings, verified: Verified) -> None:
    """Copy the attachments to their place. What is there already, of an interrupted restore, is compared."""
    try:
        _copy_attachments(settings, verified)
    except OSError as error:
        raise BackupError(f"attachments cannot be restored to {disk_folder(settings)}: {error.strerror}") from error


def _copy_attachments(settings: Settings, verified: Verified) -> None:
    root = disk_folder(settings)
    for file in verified.manifest.files:
        if not file.path.startswith(f"{ATTACHMENTS}/"):
            continue
        target = root / Path(file.path).relative_to(ATTACHMENTS)
        if target.exists():
            if folders.checksum(target) != file.sha256:
                raise BackupError(f"{target} is there with other content: move the attachments of another desk away")
            continue
        for folder in (root, target.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _size, digest = folders.copy(verified.folder / file.path, target)
        if digest != file.sha256:
            raise BackupFaulty([f"{file.path} changed while it was restored"])


async def _finish(settings: Settings, url: str, data_dir: Path) -> list[Check]:
    """Do what a first start has to do: migrate, and renumber the events; then check the desk.

    ``data_dir`` is where the database is, when it is the embedded one.
    """
    database = await Database.open(url, size=2)
    try:
        await migrate.migrate(database, afterwards=event_store.renumber)
        used = replace(settings, database_url=url, data_dir=data_dir)
        blobs = open_blobs(settings)
        if s3_location(settings) is None:
            await marks.mark_restored(database, blobs, now=now())
        checks = await health.check_database(database, used, is_thorough=True)
        checks += await health.check_store(database, blobs, is_thorough=False)
    finally:
        await database.close()
    files = [health.check_disk(settings), await health.check_attachments(blobs)]
    return [*files, *(check for check in checks if check.name not in _WAITING)]
