"""What a backup is: its name, its manifest, and how two counts of tables differ."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.errors import OperationalError

FORMAT = 1
"""The format of a backup's folder. A reader refuses a newer one."""

DUMP = "database.dump"
MANIFEST = "manifest.json"
ATTACHMENTS = "attachments"

_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_PATH = re.compile(r"database\.dump|attachments/[0-9a-f-]{36}/[0-9a-f-]{36}")


class BackupError(OperationalError):
    """A backup cannot be made, read or restored; the text says why and what to do."""


class BackupFaulty(OperationalError):
    """A backup is not whole, or a restored database is not what its manifest says."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


class StoredFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a backup: its path in the folder of the backup, its size, and its SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What a backup has. The counts are of the same snapshot as the dump.

    ``dump_version`` is of the program that wrote the dump. ``s3`` is where the attachments are when they are not in the
    backup. ``missing`` are attachments that the dump refers to, and whose files the store did not have.
    ``attachment_store`` is the id in the mark of their store.
    """

    format: int
    clearline: str
    created_at: datetime
    migration: int
    postgresql: str
    dump_version: str
    counts: dict[str, int]
    files: list[StoredFile]
    s3: str | None
    missing: list[str]
    attachment_store: UUID | None = None


class _Format(Struct):
    format: int


def parse_manifest(text: bytes) -> Manifest:
    """Return the manifest that a file holds.

    Raises:
        BackupFaulty: it is no manifest, or of a newer format.
    """
    try:
        found = msgspec.json.decode(text, type=_Format)
        if found.format == FORMAT:
            manifest = msgspec.json.decode(text, type=Manifest)
            _check_paths(manifest)
            return manifest
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BackupFaulty([f"{MANIFEST} cannot be read: {error}"]) from None
    raise BackupFaulty(
        [f"{MANIFEST} has format {found.format}, and this Clearline knows only format {FORMAT}: use a newer Clearline"]
    )


def _check_paths(manifest: Manifest) -> None:
    """Refuse paths that no backup has: they may lead out of its folder."""
    wrong = [file.path for file in manifest.files if _PATH.fullmatch(file.path) is None]
    if wrong:
        raise BackupFaulty([f"{MANIFEST} names a file that no backup has: {wrong[0]!r}"])
    if DUMP not in {file.path for file in manifest.files}:
        raise BackupFaulty([f"{MANIFEST} names no {DUMP}"])


def name_at(at: datetime, taken: Sequence[str]) -> str:
    """Return the name of a backup made at a time in UTC, such that it sorts after those of the same second."""
    name = f"{at:%Y%m%dT%H%M%SZ}"
    others = sum(1 for other in taken if other.split("-")[0] == name)
    return f"{name}-{others + 1}" if others else name


def is_name(name: str) -> bool:
    """Return whether a folder with this name is a backup."""
    return _NAME.fullmatch(name) is not None


def sort_key(name: str) -> tuple[str, int]:
    """Return what sorts the names of backups by their age."""
    at, _, number = name.partition("-")
    return at, int(number or 1)


def major(version: str) -> int:
    """Return the major version of PostgreSQL of a version such as ``15.18 (Debian 15.18-0+deb12u1)``."""
    return int(re.split(r"\D", version, maxsplit=1)[0])


def differences(expected: dict[str, int], actual: dict[str, int]) -> list[str]:
    """Return how the rows of a restored database differ from those of the manifest."""
    return [
        f"table {table} has {actual.get(table, 'no')} rows, and the manifest says {expected.get(table, 'no')}"
        for table in sorted(expected.keys() | actual.keys())
        if expected.get(table) != actual.get(table)
    ]
