"""Settings in a file that the systemd unit and the commands share (systemd.exec(5), ``EnvironmentFile=``)."""

import os
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from clearline.settings.settings import PREFIX, InvalidSetting

DEFAULT_FILE = Path("/etc/clearline.env")
_PLACES = (f"{PREFIX}DATABASE_URL", f"{PREFIX}DATA_DIR")
"""With one of these the environment names its own desk: the default file, which names another, is not read."""

_ENTRY = re.compile(
    r"""
    [ \t\r\n]*
    (?: (?P<comment>[#;](?:\\.|[^\\\n])*)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=
        (?P<quoted>(?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)
        [ \t]*
        (?P<bare>(?:(?!['"])(?:\\.|[^\\\n])+)?)
    )
    (?=\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)\"""", re.DOTALL)
_DOUBLE_ESCAPE = re.compile(r'\\(["\\`$\n])')
_BARE_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def read_file(path: Path) -> dict[str, str]:
    """Return the variables of a file with a ``NAME=value`` on each line.

    Lines that begin with ``#`` or ``;`` are comments. A value may be in quotes, and a backslash at the end of a line
    continues it. Variables within a value are not replaced.

    Raises:
        InvalidSetting: the file cannot be read, is not UTF-8, or has a line of another form.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidSetting(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidSetting(f"{path} must be UTF-8") from None
    variables: dict[str, str] = {}
    position = 0
    while text[position:].strip():
        entry = _ENTRY.match(text, position)
        if entry is None:
            line = text.count("\n", 0, len(text) - len(text[position:].lstrip())) + 1
            raise InvalidSetting(f"{path} line {line} must be NAME=value, without export")
        position = entry.end()
        if entry["name"] is not None:
            variables[entry["name"]] = _value(entry["quoted"], entry["bare"])
    return variables


def _value(quoted: str, bare: str) -> str:
    parts = [
        _DOUBLE_ESCAPE.sub(_unescaped, part["double"]) if part["single"] is None else part["single"]
        for part in _QUOTED.finditer(quoted)
    ]
    return "".join(parts) + _BARE_ESCAPE.sub(_unescaped, bare.rstrip(" \t\r"))


def _unescaped(escape: re.Match[str]) -> str:
    return "" if escape[1] == "\n" else escape[1]


def is_closed() -> bool:
    """Return whether there is a default file that this account may not read."""
    return DEFAULT_FILE.exists() and not os.access(DEFAULT_FILE, os.R_OK)


@contextmanager
def environment_with(path: Path | None, environment: MutableMapping[str, str]) -> Iterator[None]:
    """Add the variables of a file to the environment until the block ends.

    What the environment has stays; an empty value counts as none.

    Args:
        path: the file; None is ``DEFAULT_FILE`` if it is there, may be read and the environment names no desk.
        environment: that of this process.

    Raises:
        InvalidSetting: as ``read_file``.
    """
    if path is None:
        if any(environment.get(place) for place in _PLACES) or not os.access(DEFAULT_FILE, os.R_OK):
            yield
            return
        path = DEFAULT_FILE
    added = {name: value for name, value in read_file(path).items() if not environment.get(name)}
    before = {name: environment[name] for name in added if name in environment}
    environment.update(added)
    try:
        yield
    finally:
        for name in added:
            del environment[name]
        environment.update(before)
