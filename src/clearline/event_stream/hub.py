"""Wakes those who follow the events, once there is something new for them."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

import structlog

from clearline.event_stream import store as event_stream_store
from clearline.events.store import Cursor
from clearline.platform.database.transactions import Database, DatabaseUnavailable

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two looks at the log."""

AT_ONCE = 1000
"""The most events of one look."""

_log = structlog.get_logger("clearline.stream")


class Listener:
    """One who waits for news of a company, or of all."""

    __slots__ = ("_awake",)

    def __init__(self) -> None:
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Have it look, now or as soon as it waits."""
        self._awake.set()

    def note(self) -> None:
        """Take what was told so far for known: whatever is read after this is not older."""
        self._awake.clear()

    async def news(self, seconds: float) -> bool:
        """Wait so long for news, or for the end; whether there is either."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        return self._awake.is_set()


class Hub:
    """Looks how far the log can be read, as long as somebody listens, and wakes those whose company has news.

    It tells nobody what happened: everyone reads that behind its own place, so that nothing told or untold here can
    make it miss anything. Like ``KeyRing`` it takes the database, and lasts as long as the process.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[UUID | None, set[Listener]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._seen: Cursor | None = None
        self._turn = 0
        self._asked: dict[tuple[int, Hashable], asyncio.Task[Any]] = {}
        self.is_stopping = False
        self.faults = 0
        """How often the log could not be looked at; whatever came back since may be a restored copy."""

    @property
    def listening(self) -> int:
        """How many listen."""
        return sum(map(len, self._listeners.values()))

    def stop(self) -> None:
        """Have everybody who listens end, now and from now on."""
        self.is_stopping = True
        self._wake(set(self._listeners))

    async def close(self) -> None:
        """Stop, and wait for the last look to end."""
        self.stop()
        if self._looking is not None:
            await self._looking

    @contextmanager
    def listen(self, company_id: UUID | None) -> Iterator[Listener]:
        """Be woken for news of a company, or of all, while the block runs; and once at its beginning."""
        listener = Listener()
        listener.wake()
        self._listeners.setdefault(company_id, set()).add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look at the log")
        try:
            yield listener
        finally:
            self._listeners[company_id].discard(listener)
            if not self._listeners[company_id]:
                del self._listeners[company_id]

    async def once(self, what: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What ``ask`` answers, asked once for all who want the same ``what`` since the same news."""
        key = (self._turn, what)
        asking: asyncio.Task[T] | None = self._asked.get(key)
        if asking is None:
            asking = self._asked[key] = asyncio.create_task(ask())
            asking.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asking)

    def _answered(self, key: tuple[int, Hashable], done: asyncio.Task[Any]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # whoever asked may be gone

    async def _look(self) -> None:
        """Look until nobody listens any more."""
        self._seen = None
        while self._listeners and not self.is_stopping:
            is_full = False
            try:
                is_full = await self._look_once()
            except DatabaseUnavailable:
                self._begin_anew()
            except Exception:  # noqa: BLE001 - a fault must not leave everybody waiting
                _log.exception("the log could not be looked at")
                self._begin_anew()
            if not is_full:
                await asyncio.sleep(EVERY)

    def _begin_anew(self) -> None:
        self._seen = None
        self.faults += 1

    async def _look_once(self) -> bool:
        """Wake those who have news; whether there may be more."""
        async with self._database.statement() as tx:
            if self._seen is None:  # whoever listens may have read before this: all of them look once more
                self._seen = (await event_stream_store.tail(tx)).cursor
                self._wake(set(self._listeners))
                return False
            news = await event_stream_store.news(tx, self._seen, limit=AT_ONCE)
        if news:
            self._seen = news[-1][0]
            self._wake({None, *(company_id for _place, company_id in news)})
        return len(news) == AT_ONCE

    def _wake(self, companies: set[UUID | None]) -> None:
        self._turn += 1
        for company_id in companies:
            for listener in self._listeners.get(company_id, ()):
                listener.wake()
