"""The addresses of names that others chose: one name that hangs must not hold up the others."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

LOOKUPS = 16
"""Lookups under way."""

_NEAR = 2
"""Of these, for names of the same domain."""

_SECONDS = 5.0
_WAIT_SECONDS = 30.0
_REGISTRY_LABEL_MAX = 3

Look = Callable[[str, int], Sequence[str]]
"""The addresses of a host; it may block for as long as it likes."""


class NotInTime(Exception):
    """A name was not resolved in time."""


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as this machine finds them."""
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def domain_of(host: str) -> str:
    """What somebody registered, more or less: the last two labels, or three under such as ``co.uk``."""
    labels = host.rstrip(".").lower().split(".")
    is_nation = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= _REGISTRY_LABEL_MAX
    return ".".join(labels[-3 if is_nation else -2 :])


class _Lookup:
    """One lookup, for all who ask for the name meanwhile. ``began`` is when it left the queue, in the loop's time."""

    __slots__ = ("began", "task")

    def __init__(self, task: asyncio.Task[Sequence[str]], began: asyncio.Future[float]) -> None:
        self.task, self.began = task, began


class Resolver:
    """Looks names up in threads of its own, so many at a time; it keeps no answer.

    A lookup cannot be ended, and may hang for longer than anybody waits for it: it holds its place until it returns.
    The threads are daemons, since nothing should wait for them when the process ends.
    """

    def __init__(self, look: Look = look_up) -> None:
        self._look = look
        self._free = asyncio.Semaphore(LOOKUPS)
        self._near: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._running: dict[str, _Lookup] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, within 5 s after its lookup began; that may have to wait for others.

        Raises:
            NotInTime: nobody answered.
            OSError: the name is not known.
            ValueError: it is no name.
        """
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        one = self._running.get(host) or self._begin(host, port)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                began = await asyncio.shield(one.began)
            async with asyncio.timeout_at(began + _SECONDS):
                return await asyncio.shield(one.task)
        except TimeoutError:
            raise NotInTime from None

    def _begin(self, host: str, port: int) -> _Lookup:
        began: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        one = self._running[host] = _Lookup(asyncio.create_task(self._run(host, port, began)), began)
        one.task.add_done_callback(lambda done: self._ended(host, began, done))
        return one

    def _ended(self, host: str, began: asyncio.Future[float], done: asyncio.Task[Sequence[str]]) -> None:
        self._running.pop(host, None)
        began.cancel()
        if not done.cancelled():
            done.exception()  # whoever asked may be gone

    async def _run(self, host: str, port: int, began: asyncio.Future[float]) -> Sequence[str]:
        domain = domain_of(host)
        near = self._near.get(domain)
        if near is None:
            near = self._near[domain] = asyncio.Semaphore(_NEAR)
        async with near, self._free:
            began.set_result(asyncio.get_running_loop().time())
            return await self._in_thread(host, port)

    async def _in_thread(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(found: Sequence[str] | Exception) -> None:
            if answer.cancelled():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def work() -> None:
            found: Sequence[str] | Exception
            try:
                found = self._look(host, port)
            except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
                found = error
            with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=work, name="resolve a name", daemon=True).start()
        return await answer

    async def close(self) -> None:
        """Wait for no lookup any more."""
        tasks = [one.task for one in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
