"""Verify that a backup is whole, without changing anything."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from clearline.backup import dump_programs, folders
from clearline.backup.domain import DUMP, BackupError, BackupFaulty, Manifest, StoredFile, major
from clearline.settings.settings import Settings

_SHOWN_MAX = 20


class Verified(NamedTuple):
    """A backup that is whole."""

    folder: Path
    manifest: Manifest


async def verify(settings: Settings, path: Path) -> Verified:
    """Verify the backup that a path names: its manifest, the size and SHA-256 of each file, and the dump's contents.

    Raises:
        BackupFaulty: the backup is not whole; the faults say what is wrong, of many files the first.
        BackupError: there is no backup, or no pg_restore that can read it.
    """
    folder = folders.choose(path)
    manifest = folders.read_manifest(folder)
    faults = await asyncio.to_thread(_faults, folder, manifest.files)
    if DUMP not in {fault.split(maxsplit=1)[0] for fault in faults}:
        program = dump_programs.for_restore(settings, major(manifest.dump_version))
        try:
            await dump_programs.read_contents(program, folder / DUMP)
        except BackupError as error:
            faults.append(f"{DUMP} cannot be read: {error}")
    if faults:
        more = [f"and {len(faults) - _SHOWN_MAX} more"] if len(faults) > _SHOWN_MAX else []
        raise BackupFaulty([*faults[:_SHOWN_MAX], *more])
    return Verified(folder, manifest)


def _faults(folder: Path, files: list[StoredFile]) -> list[str]:
    return [f"{file.path} {fault}" for file in files if (fault := _fault(folder, file)) is not None]


def _fault(folder: Path, file: StoredFile) -> str | None:
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"has {size} bytes, and the manifest says {file.size}"
        if folders.checksum(path) != file.sha256:
            return "has another SHA-256 than the manifest says: its content is damaged"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
