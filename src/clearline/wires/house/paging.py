"""House API v1: the pages of lists, by cursor and with a Link header (RFC 8288)."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.cursors import InvalidCursor, list_id
from clearline.wires.http.edge import header

Item = TypeVar("Item")
Key = TypeVar("Key")


def cursor_keys(call: Call) -> list[Any] | None:
    """Return the sort keys after which the page begins, or None for the first page.

    Raises:
        InvalidCursor: the cursor is malformed, or belongs to another list.
    """
    cursor = call.query.cursor
    return (
        None
        if cursor is None
        else call.services.cursors.read(cursor, _list_of(call.scope["path"], call.scope["query_string"]))
    )


def read_cursor(call: Call, read: Callable[..., Key]) -> Key | None:
    """Return the sort keys after which the page begins, converted by ``read``, or None for the first page.

    Raises:
        InvalidCursor: see ``cursor_keys``; or its keys are those of an earlier version of the list.
    """
    keys = cursor_keys(call)
    try:
        return None if keys is None else read(*keys)
    except (TypeError, ValueError):
        raise InvalidCursor from None


def page(
    call: Call, items: Sequence[Item], keys: Callable[[Item], list[Any]], out: Callable[[Item], Any] | None
) -> Page[Any]:
    """Return a page, and add the Link header to the next page.

    ``items`` has one item more than the page if there is a next page. ``keys`` returns the sort keys of an item, as
    values that JSON can represent, and ``out`` its body; None when the items are bodies.
    """
    limit = call.query.limit
    shown = items[:limit]
    cursor = next_cursor(call, keys(shown[-1])) if len(items) > limit else None
    return Page(list(shown) if out is None else [out(item) for item in shown], cursor is not None, cursor)


def next_cursor(call: Call, keys: Any) -> str:
    """Return the cursor of the page that begins after these sort keys, and add the Link header to that page."""
    cursor: str = call.services.cursors.make(keys, _list_of(call.scope["path"], call.scope["query_string"]))
    call.headers.append((b"link", next_link(call, cursor)))
    return cursor


def next_link(call: Call, cursor: str, *, name: str = "cursor") -> bytes:
    """Return a Link header to the same address and query, with the cursor as the parameter ``name``."""
    scope = call.scope
    host = (header(scope, b"host") or b"localhost").decode("latin-1")
    address = _address_before(scope["path"], scope["query_string"], name)
    return f'<{scope["scheme"]}://{host}{address}{cursor}>; rel="next"'.encode("latin-1")


@lru_cache(maxsize=256)
def _address_before(path: str, query: bytes, name: str) -> str:
    """Return an address up to the value of its last parameter ``name``. Remembered: clients repeat their queries."""
    return f"{quote(path)}?{urlencode([*_parameters(query, name), (name, '')])}"


def _parameters(query: bytes, without: str) -> list[tuple[str, str]]:
    return [pair for pair in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if pair[0] != without]


@lru_cache(maxsize=256)
def _list_of(path: str, query: bytes) -> str:
    """Return the list that a cursor belongs to, with its filters. The limit may differ between pages."""
    filters = dict(_parameters(query, "cursor"))
    filters.pop("limit", None)
    return list_id(path, filters)
