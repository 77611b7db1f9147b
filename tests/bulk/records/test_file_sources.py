"""The files of an import are found in an archive as people pack them, and nowhere else."""

import io
import struct
import unicodedata
import zipfile

import pytest

from clearline.bulk.records.file_sources import Archive, chunks_of, digest_of
from clearline.errors import InvalidInput


def archive_of(*files: tuple[str, bytes]) -> io.BytesIO:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return body


async def read(archive: Archive, path: str) -> bytes:
    return b"".join([chunk async for chunk in chunks_of(archive.find(path), path)])


async def test_a_file_is_found_by_its_path_or_below_the_packed_folder() -> None:
    archive = Archive(archive_of(("desk/a.txt", b"1"), ("desk/b/a.txt", b"2"), ("c.txt", b"3"), ("desk/c.txt", b"4")))
    assert await read(archive, "desk/a.txt") == b"1"
    assert await read(archive, "b/a.txt") == b"2"
    assert await read(archive, "c.txt") == b"3"
    with pytest.raises(InvalidInput, match=r"a\.txt is in the archive more than once"):
        archive.find("a.txt")
    for missing in ("d.txt", ".txt", "desk", "desk/"):
        with pytest.raises(InvalidInput, match="is not in the archive"):
            archive.find(missing)


async def test_a_name_is_found_in_either_normal_form() -> None:
    name = "St\u00f6rung.txt"
    archive = Archive(archive_of((unicodedata.normalize("NFD", name), b"1")))
    assert await read(archive, name) == b"1"


async def test_what_cannot_be_read_is_refused_by_name() -> None:
    packed = archive_of(("secret.txt", b"1234")).getvalue()
    at = packed.index(b"PK\x01\x02") + 8
    encrypted = Archive(io.BytesIO(packed[:at] + struct.pack("<H", 1) + packed[at + 2 :]))
    with pytest.raises(InvalidInput, match=r"secret\.txt is encrypted"):
        encrypted.find("secret.txt")
    damaged = Archive(io.BytesIO(packed.replace(b"1234", b"1235")))
    with pytest.raises(InvalidInput, match=r"secret\.txt cannot be read"):
        await read(damaged, "secret.txt")
    with pytest.raises(InvalidInput, match=r"secret\.txt cannot be read"):
        await digest_of(damaged.find("secret.txt"), "secret.txt")
    method = packed.index(b"PK\x01\x02") + 10
    unknown = Archive(io.BytesIO(packed[:method] + struct.pack("<H", 97) + packed[method + 2 :]))
    with pytest.raises(InvalidInput, match=r"secret\.txt is packed in a way"):
        await read(unknown, "secret.txt")


@pytest.mark.parametrize("body", [b"", b"text", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(body: bytes) -> None:
    with pytest.raises(zipfile.BadZipFile):
        Archive(io.BytesIO(body))
