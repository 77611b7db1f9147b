"""The content of attachments as files."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from clearline.tickets.attachments.blob_backend import (
    BLOCK,
    MARK,
    MARK_MAX,
    PAGE,
    BlobMissing,
    BlobsFull,
    BlobsUnavailable,
    Key,
    Reader,
    Upload,
)


class DiskBackend:
    """Files under a directory: one directory for each company, and ``staging`` for unfinished uploads."""

    block = BLOCK

    def __init__(self, root: Path, *, floor: int = 0) -> None:
        """Keep files under ``root``, as long as the disk has at least ``floor`` bytes left."""
        self._root, self._floor = root, floor
        self._staging = root / "staging"

    @property
    def location(self) -> str:
        """See ``Backend``."""
        return str(self._root)

    def begin(self, key: Key) -> Upload:
        """See ``Backend``."""
        return _DiskUpload(self._staging / str(key.id), self.path_of(key), self._floor)

    def open(self, key: Key, start: int, length: int) -> Reader:
        """See ``Backend``."""
        try:
            file = self.path_of(key).open("rb")
        except FileNotFoundError:
            raise BlobMissing(f"the content of attachment {key.id} is missing in {self._root}") from None
        except OSError as error:
            raise _disk_error(error, self._root) from error
        size = os.fstat(file.fileno()).st_size
        if size < start + length:
            file.close()
            raise BlobMissing(f"the content of attachment {key.id} is too short in {self._root}: {size} bytes")
        file.seek(start)
        return file

    def size(self, key: Key) -> int | None:
        """See ``Backend``."""
        try:
            return self.path_of(key).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _disk_error(error, self._root) from error

    def delete(self, key: Key) -> None:
        """See ``Backend``."""
        try:
            self.path_of(key).unlink(missing_ok=True)
        except OSError as error:
            raise _disk_error(error, self._root) from error

    def older_than(self, before: datetime) -> Iterator[list[Key]]:
        """See ``Backend``. Files with other names are ignored."""
        page: list[Key] = []
        for folder in _entries(self._root):
            company_id = _uuid(folder.name)
            if company_id is None or not folder.is_dir(follow_symlinks=False):
                continue
            for entry in _entries(Path(folder.path)):
                blob_id = _uuid(entry.name)
                if blob_id is not None and _is_older(entry, before):
                    page.append(Key(company_id, blob_id))
                if len(page) == PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def drop_unfinished(self, before: datetime) -> int:
        """See ``Backend``."""
        old = [entry.path for entry in _entries(self._staging) if _is_older(entry, before)]
        for path in old:
            with suppress(FileNotFoundError):
                Path(path).unlink()
        return len(old)

    def read_mark(self) -> str | None:
        """See ``Backend``."""
        try:
            with (self._root / MARK).open("rb") as file:
                return file.read(MARK_MAX).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _disk_error(error, self._root) from error

    def write_mark(self, text: str, *, replaces: bool) -> None:
        """See ``Backend``."""
        new = self._root / f"{MARK}.{uuid4()}"
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            try:
                _put(new, self._root / MARK, replaces=replaces)
            finally:
                new.unlink(missing_ok=True)
            _sync_folder(self._root)
        except OSError as error:
            raise _disk_error(error, self._root) from error

    def check(self) -> str:
        """See ``Backend``. Does not create directories: the server could not write to another account's."""
        folders = (self._staging, *self._staging.parents)
        existing = next(folder for folder in folders if os.path.exists(folder))  # noqa: PTH110 - raises nothing where closed
        if not existing.is_dir():
            raise BlobsUnavailable(f"attachments cannot be kept in {self._root}: {existing} is no directory")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise BlobsUnavailable(f"{existing} cannot be written to by this account")
        free = shutil.disk_usage(existing).free
        if free < self._floor:
            raise BlobsFull(_full(self._root, free, self._floor))
        missing = "" if os.path.exists(self._root) else ", which does not exist yet"  # noqa: PTH110 - as above
        return f"in {self._root}{missing}, {free // BLOCK} MiB free"

    def path_of(self, key: Key) -> Path:
        """Return where the file of a key is, whether or not it is there."""
        return self._root / str(key.company_id) / str(key.id)


class _DiskUpload:
    """A file in ``staging`` that is renamed to its final path once it is synced to disk."""

    def __init__(self, path: Path, final: Path, floor: int) -> None:
        self._path, self._final, self._floor = path, final, floor
        self._file: IO[bytes] | None = None

    def write(self, block: bytes) -> None:
        try:
            if self._file is None:
                root = self._path.parent.parent
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb", buffering=0)
            self._require_room(len(block))
            remaining = memoryview(block)
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError as error:
            raise _disk_error(error, self._path.parent.parent) from error

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self._path.parent).free
        if free - size < self._floor:
            raise BlobsFull(_full(self._path.parent.parent, free, self._floor))

    def finish(self) -> None:
        if self._file is None:
            raise ValueError("nothing was written")
        folder = self._final.parent
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            folder.mkdir(mode=0o700, exist_ok=True)
            self._path.rename(self._final)
            for changed in (folder, folder.parent):
                _sync_folder(changed)
        except OSError as error:
            raise _disk_error(error, folder.parent) from error

    def abandon(self) -> None:
        if self._file is None:
            return
        self._file.close()
        for path in (self._path, self._final):
            with suppress(OSError):
                path.unlink()


def _put(new: Path, final: Path, *, replaces: bool) -> None:
    """Give a file its final name; without ``replaces`` only when no other has it."""
    if replaces:
        new.rename(final)
        return
    with suppress(FileExistsError):
        try:
            final.hardlink_to(new)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: servers on one database do not come here at the same time
            if not final.exists():
                new.rename(final)


def _sync_folder(folder: Path) -> None:
    """Sync the entries of a directory to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _disk_error(error, folder) from error


def _is_older(entry: "os.DirEntry[str]", before: datetime) -> bool:
    try:
        return datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC) < before
    except FileNotFoundError:
        return False


def _uuid(text: str) -> UUID | None:
    """Parse a UUID in its canonical form; return None for any other text."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text else None


def _full(root: Path, free: int, floor: int) -> str:
    return (
        f"attachments cannot be kept in {root}: {free // BLOCK} MiB are free, and CLEARLINE_DISK_FLOOR leaves "
        f"{floor // BLOCK} MiB for others"
    )


def _disk_error(error: OSError, root: Path) -> BlobsUnavailable:
    kind = BlobsFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else BlobsUnavailable
    return kind(f"attachments cannot be kept in {root}: {error.strerror}")
