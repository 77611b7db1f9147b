"""What a command changed, in a sentence."""

from typing import Any

import msgspec

_DERIVED = frozenset({"updated_at", "version"})
_LENGTH = 60


def change_text(name: str, before: object, after: object) -> str:
    """Return what differs between two answers of the house API for the same thing, member by member.

    Args:
        name: what the thing is called: ``Queue Ports``.
        before: the body before the change.
        after: the body after it.
    """
    was, now = _members(before), _members(after)
    changes = [
        f"{member}: {_value(was.get(member))} -> {_value(value)}"
        for member, value in now.items()
        if member not in _DERIVED and was.get(member) != value
    ]
    return f"{name} changed: {'; '.join(changes)}." if changes else f"{name}: nothing changed."


def _members(body: object) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(body)
    return members


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_value, value))
        case {"name": str(name)}:
            return name
    text = str(value)
    return text if len(text) <= _LENGTH else text[: _LENGTH - 3] + "..."
