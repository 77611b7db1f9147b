"""Wakes the readers of the event stream when there are new events for them."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

import structlog

from clearline.event_stream import store as event_stream_store
from clearline.events.store import Offset
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database

T = TypeVar("T")

POLL_SECONDS = 0.1
"""Time between two polls of the log, while there are listeners. Half of it is what an event waits on average."""

BATCH_SIZE = 1000
"""The most events of one poll."""

_log = structlog.get_logger("clearline.stream")


class Listener:
    """Waits for new events of one company, or of all companies."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the listener, now or as soon as it waits."""
        self._event.set()

    def clear(self) -> None:
        """Forget earlier signals. Call it before reading: what is stored later sets the listener again."""
        self._event.clear()

    async def wait(self, seconds: float) -> bool:
        """Wait up to so many seconds for a signal; return whether there was one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self._event.is_set()


class EventSignal:
    """Polls the end of the log while there are listeners, and wakes those whose company has new events.

    It passes on no events: each reader reads them after its own cursor, so that a signal too many or too few makes
    nobody miss an event. Like ``KeyRing`` it takes the database, and lives as long as the process.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[UUID | None, set[Listener]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._latest: Offset | None = None
        self._generation = 0
        self._shared: dict[tuple[int, Hashable], asyncio.Task[Any]] = {}
        self.is_stopping = False
        self.failures = 0
        """How often the log could not be polled. A database that comes back may be a restored copy."""

    @property
    def listener_count(self) -> int:
        """How many listeners there are."""
        return sum(map(len, self._listeners.values()))

    def stop(self) -> None:
        """Tell every listener to end, now and from now on."""
        self.is_stopping = True
        self._wake(set(self._listeners))

    async def close(self) -> None:
        """Stop, and wait for the last poll to end."""
        self.stop()
        if self._polling is not None:
            await self._polling

    @contextmanager
    def listen(self, company_id: UUID | None) -> Iterator[Listener]:
        """Return a listener to the events of a company, or of all (None), for a ``with`` block.

        It is set once at the beginning.
        """
        listener = Listener()
        listener.set()
        self._listeners.setdefault(company_id, set()).add(listener)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="event signal")
        try:
            yield listener
        finally:
            self._listeners[company_id].discard(listener)
            if not self._listeners[company_id]:
                del self._listeners[company_id]

    async def share(self, key: Hashable, load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what ``load`` returns, called once for all who ask for the same key since the same signal."""
        shared_key = (self._generation, key)
        loading: asyncio.Task[T] | None = self._shared.get(shared_key)
        if loading is None:
            loading = self._shared[shared_key] = asyncio.create_task(load())
            loading.add_done_callback(lambda done: self._loaded(shared_key, done))
        return await asyncio.shield(loading)

    def _loaded(self, key: tuple[int, Hashable], done: asyncio.Task[Any]) -> None:
        del self._shared[key]
        if not done.cancelled():
            done.exception()  # every caller may be cancelled

    async def _poll(self) -> None:
        """Poll until there are no listeners any more."""
        self._latest = None
        while self._listeners and not self.is_stopping:
            is_full = False
            try:
                is_full = await self._poll_once()
            except DatabaseUnavailable:
                self._reset()
            except Exception:  # noqa: BLE001 - a fault must not leave the listeners waiting
                _log.exception("the event log could not be polled")
                self._reset()
            if not is_full:
                await asyncio.sleep(POLL_SECONDS)

    def _reset(self) -> None:
        self._latest = None
        self.failures += 1

    async def _poll_once(self) -> bool:
        """Wake the listeners that have new events; return whether there may be more."""
        async with self._database.statement() as tx:
            if self._latest is None:  # listeners may have read before this offset: each of them reads again
                self._latest = (await event_stream_store.latest_cursor(tx)).offset
                self._wake(set(self._listeners))
                return False
            offsets = await event_stream_store.new_offsets(tx, self._latest, limit=BATCH_SIZE)
        if offsets:
            self._latest = offsets[-1][0]
            self._wake({None, *(company_id for _offset, company_id in offsets)})
        return len(offsets) == BATCH_SIZE

    def _wake(self, companies: set[UUID | None]) -> None:
        self._generation += 1
        for company_id in companies:
            for listener in self._listeners.get(company_id, ()):
                listener.set()
