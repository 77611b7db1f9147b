"""The fields of the settings: how the text of each is read, how its default is shown, and what it means."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from clearline import setting_values as values

RETENTION_MAX = 3650
"""Days; what should stay longer has to be copied elsewhere."""


def _shown_bytes(default: int) -> str:
    """Return how a default is shown that is a number of bytes."""
    unit, name = (1024**2, "MiB") if default >= 1024**2 else (1024, "KiB")
    return f"`{default}` ({default // unit} {name})"


def count(least: int, most: int, default: int, about: str) -> Any:
    """Return a field that is a number from ``least`` to ``most``."""
    return setting(values.number(least, most), f"`{default}`", about, default)


def setting(parse: Callable[[str], Any], shown: str, about: str, default: Any) -> Any:
    """Return a field with how its text is read, how its default is shown, and what it means."""
    metadata = {"parse": parse, "shown": shown, "about": about}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def days(least: int, default: int, data: str, since: str, afterwards: str) -> Any:
    """Return a field that says for how many days after ``since`` Clearline keeps ``data``, and what happens then."""
    return field(
        default=default,
        metadata={
            "parse": values.number(least, RETENTION_MAX),
            "shown": f"`{default}`",
            "about": f"How many days {data} are kept after {since}; `{least}` to `{RETENTION_MAX}`. After that: "
            + afterwards[0].lower()
            + afterwards[1:],
            "retention": (default, data, since, afterwards),
        },
    )


def size(least: int, most: int, default: int, about: str) -> Any:
    """Return a field that is a number of bytes from ``least`` to ``most``."""
    return setting(values.number(least, most), _shown_bytes(default), about, default)
