"""Lists of the house API: a page at a time, by cursor (RFC 8288 links)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.edge import header

Item = TypeVar("Item")
Out = TypeVar("Out")
Key = TypeVar("Key")


def cursor_keys(call: Call) -> list[Any] | None:
    """The sort keys that the page begins after, or None for the first page.

    Raises:
        InvalidCursor: it is none of ours, or belongs to another list.
    """
    cursor = call.query.cursor
    return None if cursor is None else call.services.cursors.read(cursor, _asked(call))


def read_cursor(call: Call, read: Callable[..., Key]) -> Key | None:
    """What ``read`` makes of the sort keys that the page begins after, or None for the first page.

    Raises:
        InvalidCursor: as ``cursor_keys``.
    """
    keys = cursor_keys(call)
    return None if keys is None else read(*keys)


def page(call: Call, found: Sequence[Item], keys: Callable[[Item], list[Any]], out: Callable[[Item], Out]) -> Page[Out]:
    """The page, of one more item than was asked for if there is more, and the link to the next.

    ``keys`` are the sort keys of an item, as JSON can hold them.
    """
    limit = call.query.limit
    shown = found[:limit]
    cursor = None
    if len(found) > limit:
        cursor = call.services.cursors.make(keys(shown[-1]), _asked(call))
        call.headers.append((b"link", next_link(call, cursor)))
    return Page([out(item) for item in shown], cursor is not None, cursor)


def next_link(call: Call, cursor: str, *, name: str = "cursor") -> bytes:
    """The header Link to what comes after a cursor, which the parameter ``name`` takes; all other parameters stay."""
    host = (header(call.scope, b"host") or b"localhost").decode("latin-1")
    query = urlencode([*_parameters(call, name), (name, cursor)])
    return f'<{call.scope["scheme"]}://{host}{quote(call.scope["path"])}?{query}>; rel="next"'.encode("latin-1")


def _parameters(call: Call, without: str = "cursor") -> list[tuple[str, str]]:
    raw: bytes = call.scope["query_string"]
    return [pair for pair in parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if pair[0] != without]


def _asked(call: Call) -> dict[str, str]:
    """What a cursor belongs to: the list and its filters, but not how long its pages are."""
    return {"": call.scope["path"], **{name: value for name, value in _parameters(call) if name != "limit"}}
