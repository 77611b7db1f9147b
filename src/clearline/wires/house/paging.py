"""House API v1: the pages of lists, by cursor and with a Link header (RFC 8288)."""

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
    """Return the sort keys after which the page begins, or None for the first page.

    Raises:
        InvalidCursor: the cursor is malformed, or belongs to another list.
    """
    cursor = call.query.cursor
    return None if cursor is None else call.services.cursors.read(cursor, _scope_of(call))


def read_cursor(call: Call, read: Callable[..., Key]) -> Key | None:
    """Return the sort keys after which the page begins, converted by ``read``, or None for the first page.

    Raises:
        InvalidCursor: see ``cursor_keys``.
    """
    keys = cursor_keys(call)
    return None if keys is None else read(*keys)


def page(call: Call, items: Sequence[Item], keys: Callable[[Item], list[Any]], out: Callable[[Item], Out]) -> Page[Out]:
    """Return a page, and add the Link header to the next page.

    ``items`` has one item more than the page if there is a next page. ``keys`` returns the sort keys of an item, as
    values that JSON can represent.
    """
    limit = call.query.limit
    shown = items[:limit]
    cursor = next_cursor(call, keys(shown[-1])) if len(items) > limit else None
    return Page([out(item) for item in shown], cursor is not None, cursor)


def next_cursor(call: Call, keys: Any) -> str:
    """Return the cursor of the page that begins after these sort keys, and add the Link header to that page."""
    cursor: str = call.services.cursors.make(keys, _scope_of(call))
    call.headers.append((b"link", next_link(call, cursor)))
    return cursor


def next_link(call: Call, cursor: str, *, name: str = "cursor") -> bytes:
    """Return a Link header to the same address and query, with the cursor as the parameter ``name``."""
    host = (header(call.scope, b"host") or b"localhost").decode("latin-1")
    query = urlencode([*_parameters(call, name), (name, cursor)])
    return f'<{call.scope["scheme"]}://{host}{quote(call.scope["path"])}?{query}>; rel="next"'.encode("latin-1")


def _parameters(call: Call, without: str = "cursor") -> list[tuple[str, str]]:
    raw: bytes = call.scope["query_string"]
    return [pair for pair in parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if pair[0] != without]


def _scope_of(call: Call) -> dict[str, str]:
    """Return the list and the filters that a cursor belongs to. The limit may differ between pages."""
    return {"": call.scope["path"], **{name: value for name, value in _parameters(call) if name != "limit"}}
