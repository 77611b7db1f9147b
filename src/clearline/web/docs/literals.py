"""Values as JSON or as Python, over as few lines as fit the column of the samples."""

import json
from typing import Any

_WIDTH = 68
_PYTHON = {"null": "None", "true": "True", "false": "False"}


def as_json(value: Any, *, indent: int = 0) -> str:
    """Return a value as JSON. ``indent`` is that of the line that it begins on, in characters."""
    return _written(value, indent, 2, {})


def as_python(value: Any, *, indent: int = 0) -> str:
    """Return a value of JSON as Python. ``indent`` is that of the line that it begins on, in characters."""
    return _written(value, indent, 4, _PYTHON)


def _written(value: Any, indent: int, step: int, words: dict[str, str]) -> str:
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_written(inner, indent + step, step, words)}" for key, inner in value.items()]
        start, end = "{", "}"
    elif isinstance(value, list):
        parts = [_written(inner, indent + step, step, words) for inner in value]
        start, end = "[", "]"
    else:
        text = json.dumps(value, ensure_ascii=False)
        return words.get(text, text)
    line = start + ", ".join(parts) + end
    if "\n" not in line and indent + len(line) <= _WIDTH - 12:
        return line
    margin = "\n" + " " * (indent + step)
    last = "," if words else ""
    return start + margin + f",{margin}".join(parts) + last + "\n" + " " * indent + end
