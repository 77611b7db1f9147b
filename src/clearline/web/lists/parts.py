"""Pages with several lists, each of which goes on by itself."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from clearline.platform.database.transactions import Tx
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Filter
from clearline.web.lists.sorting import Sort
from clearline.web.visit import Visit
from clearline.wires.http.cursors import list_id

T = TypeVar("T")
MORE = 50
"""The items that a list goes on with."""


class Part(Struct, Generic[T], frozen=True):
    """A list of a page. ``next`` is the address of its next items, ``is_start`` whether the list begins here."""

    items: list[T]
    next: str | None
    is_start: bool


class Parts:
    """The lists of the page at a path. An address with a cursor shows only the list that goes on."""

    def __init__(self, visit: Visit, path: str, fixed: dict[str, str] | None = None) -> None:
        self._visit, self._path, self._fixed = visit, path, fixed or {}
        self._only = visit.query.get("part", "") if visit.query.get("after") else ""

    async def read(
        self,
        name: str,
        size: int,
        load: Callable[[list[Any] | None, int], Awaitable[list[T]]],
        keys: Callable[[T], list[Any]],
    ) -> Part[T] | None:
        """Return a list, or None when the page shows only another one.

        ``load`` returns so many items after sort keys, ``keys`` the sort keys of an item.

        Raises:
            InvalidCursor: the cursor in the address is not of this list.
        """
        if self._only not in {"", name}:
            return None
        of_list = list_id(self._path, {**self._fixed, "part": name})
        cursors = self._visit.services.cursors
        after = cursors.read(self._visit.query["after"], of_list) if self._only else None
        size = MORE if self._only else size
        items = await load(after, size + 1)
        following = None
        if len(items) > size:
            cursor = cursors.make(keys(items[size - 1]), of_list)
            following = f"{self._path}?{urlencode({**self._fixed, 'part': name, 'after': cursor})}"
        return Part(items[:size], following, after is None)

    async def read_tickets(self, tx: Tx, name: str, size: int, filters: Filter, sort: Sort) -> Part[TicketView] | None:
        """Return a list of tickets in an order that an index has."""

        async def load(keys: list[Any] | None, limit: int) -> list[TicketView]:
            return await ticket_lists.list_tickets(
                tx, self._visit.actor, filters, after=None if keys is None else sort.position(keys), limit=limit,
                newest_first=sort.newest_first, order=sort.order,
            )  # fmt: skip

        return await self.read(name, size, load, sort.keys)
