"""The folders of backups: found, written so that half of one is never taken for a whole one, and deleted."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from clearline.backup.domain import MANIFEST, BackupError, BackupFaulty, Manifest, is_name, parse_manifest, sort_key

_BLOCK = 1024 * 1024
_PARTIAL, _DELETED = ".partial", ".deleted"
"""The ends of the names of folders that are not whole yet, or no longer. Their names begin with a dot."""


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the directory of backups, made when missing, and delete what interrupted commands left in it.

    Raises:
        BackupError: it cannot be written to, or another command works in it.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BackupError(f"backups cannot be written to {root}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BackupError(f"another backup is being written to {root}: wait for its end") from None
    try:
        for left in root.glob(".*"):
            if left.name.endswith((_PARTIAL, _DELETED)):
                shutil.rmtree(left)
        yield
    except OSError as error:
        raise BackupError(f"backups cannot be written to {root}: {error.strerror}") from error
    finally:
        os.close(lock)


def names(root: Path) -> list[str]:
    """Return the names of the whole backups in a directory, the oldest first."""
    try:
        found = [entry.name for entry in os.scandir(root) if is_name(entry.name)]
    except OSError as error:
        raise BackupError(f"backups cannot be read in {root}: {error.strerror}") from error
    return sorted((name for name in found if (root / name / MANIFEST).exists()), key=sort_key)


def choose(path: Path) -> Path:
    """Return the backup that a path names: its own folder, or the newest of a directory of backups.

    Raises:
        BackupError: there is none.
    """
    if is_name(path.absolute().name) or (path / MANIFEST).exists():
        return path
    found = names(path)
    if not found:
        raise BackupError(f"there is no backup in {path}")
    return path / found[-1]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        BackupFaulty: it is missing or cannot be read.
    """
    try:
        return parse_manifest((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupFaulty([f"{MANIFEST} is missing in {folder}: it is no whole backup"]) from None
    except OSError as error:
        raise BackupFaulty([f"{folder / MANIFEST} cannot be read: {error.strerror}"]) from error


@contextmanager
def new_folder(root: Path, name: str) -> Iterator[Path]:
    """Yield a folder that gets its name when the block ends, with everything in it on disk; deleted on an error."""
    partial = root / f".{name}{_PARTIAL}"
    partial.mkdir(mode=0o700)
    try:
        yield partial
        for folder in (*(path for path in partial.rglob("*") if path.is_dir()), partial):
            sync_folder(folder)
        partial.rename(root / name)
        sync_folder(root)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupError(f"the backup cannot be written to {root}: {error.strerror}; nothing is left of it") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, as the last file of a backup."""
    with open_new(folder / MANIFEST) as descriptor:
        _write(descriptor, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def delete_oldest(root: Path, keep: int) -> list[str]:
    """Delete all but the newest backups; return the names of what was deleted."""
    old = names(root)[:-keep]
    for name in old:
        leaving = root / f".{name}{_DELETED}"
        (root / name).rename(leaving)
        sync_folder(root)
        shutil.rmtree(leaving)
    return old


def link(source: Path, target: Path) -> bool:
    """Give a file a second name; return whether the file system could."""
    with suppress(OSError):
        target.hardlink_to(source)
        return True
    return False


def copy(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file to disk under a new name, in one step; return its size and SHA-256.

    Raises:
        FileNotFoundError: there is no such file.
    """
    digest, size = hashlib.sha256(), 0
    staged = target.with_name(f"{target.name}.new")
    with source.open("rb", buffering=0) as file:
        staged.unlink(missing_ok=True)
        with open_new(staged) as descriptor:
            while block := file.read(_BLOCK):
                digest.update(block)
                _write(descriptor, block)
                size += len(block)
    staged.rename(target)
    return size, digest.hexdigest()


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_new(path: Path) -> Iterator[int]:
    """Open a new file that only its owner can read, and sync it to disk at the end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def sync_folder(folder: Path) -> None:
    """Sync the entries of a directory to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
