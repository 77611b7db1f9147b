"""Where the files of an import are: below a folder, or in a ZIP archive."""

import asyncio
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Protocol
from zipfile import BadZipFile, ZipFile, ZipInfo

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.tickets.attachments.blob_backend import BLOCK

_IS_ENCRYPTED = 1
"""The bit of an entry's flags that says so (APPNOTE.TXT of PKWARE, 4.4.4)."""
_PACKED_MAX = 30
"""The most folders that may stand before a path in an archive."""
_BROKEN = (BadZipFile, zlib.error, EOFError, OSError)


class SourceFile(NamedTuple):
    """A file that a line names: the last part of its path, and how it is opened."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


class FileSource(Protocol):
    """Where the files of an import are."""

    def find(self, path: str) -> SourceFile:
        """Return the file at a path.

        Raises:
            InvalidInput: there is none, or it cannot be read.
        """


class Folder:
    """The files below a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def find(self, path: str) -> SourceFile:
        """See ``FileSource``. A path that leads out of the folder is refused."""
        found = (self._root / path).resolve()
        if not found.is_relative_to(self._root) or not found.is_file():
            raise _refusal(path, "is no file below the folder")
        return SourceFile(found.name, found.stat().st_size, lambda: found.open("rb"))


class Archive:
    """The files in a ZIP archive."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read what the archive has.

        Raises:
            BadZipFile: it is no ZIP archive.
        """
        try:
            self._zip = ZipFile(file)
        except (*_BROKEN, NotImplementedError, ValueError) as error:
            raise BadZipFile(str(error)) from None
        self._entries = {_composed(entry.filename): entry for entry in self._zip.infolist() if not entry.is_dir()}
        self._below: defaultdict[str, list[ZipInfo]] = defaultdict(list)
        for name, entry in self._entries.items():
            folders = name.split("/", _PACKED_MAX)
            for at in range(1, len(folders)):
                self._below["/".join(folders[at:])].append(entry)

    def find(self, path: str) -> SourceFile:
        """See ``FileSource``. The folder that was packed may stand before the path in the archive."""
        wanted = _composed(path)
        entry = self._entries.get(wanted)
        if entry is None:
            below = self._below.get(wanted, [])
            if len(below) > 1:
                raise _refusal(path, "is in the archive more than once: name it with its folder")
            if not below:
                raise _refusal(path, "is not in the archive")
            [entry] = below
        if entry.flag_bits & _IS_ENCRYPTED:
            raise _refusal(path, "is encrypted")
        return SourceFile(PurePosixPath(wanted).name, entry.file_size, lambda: self._open(entry, path))

    def _open(self, entry: ZipInfo, path: str) -> IO[bytes]:
        try:
            return self._zip.open(entry)
        except NotImplementedError:
            raise _refusal(path, "is packed in a way that is not read: use the usual one (Deflate)") from None


async def digest_of(file: SourceFile, path: str) -> bytes:
    """Return the SHA-256 of a file."""

    def read() -> bytes:
        with _readable(path), file.open() as opened:
            return file_digest(opened, "sha256").digest()  # type: ignore[arg-type]  # an entry of an archive is readable

    return await asyncio.to_thread(read)


async def chunks_of(file: SourceFile, path: str) -> AsyncIterator[bytes]:
    """Yield the content of a file."""

    def read(opened: IO[bytes]) -> bytes:
        with _readable(path):
            return opened.read(BLOCK)

    with _readable(path), file.open() as opened:
        while chunk := await asyncio.to_thread(read, opened):
            yield chunk


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        raise _refusal(path, "cannot be read: it is damaged") from None


def _refusal(path: str, rule: str) -> InvalidInput:
    return InvalidInput([Violation("path", f"{path} {rule}", RuleCode.REFERENCE)])


def _composed(name: str) -> str:
    """Return a name in the normal form that most systems write; macOS packs names in the other (NFD)."""
    return unicodedata.normalize("NFC", name)
