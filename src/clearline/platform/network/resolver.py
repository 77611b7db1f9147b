"""Resolves the names in URLs of subscriptions, so that a name that hangs does not block the others."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

LOOKUPS_MAX = 16
"""Lookups at a time."""

_LOOKUPS_PER_DOMAIN = 2


LOOKUP_SECONDS = 5.0
"""How long one lookup may take."""

_QUEUE_SECONDS = 30.0
_REGISTRY_LABEL_MAX = 3

LookUp = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host and port; it may block without limit."""


class ResolveTimeout(Exception):
    """A name was not resolved in time."""


def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as this machine resolves them."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def domain_of(host: str) -> str:
    """Return the registered domain, approximately: the last two labels, or three under a suffix such as ``co.uk``."""
    labels = host.rstrip(".").lower().split(".")
    is_under_suffix = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= _REGISTRY_LABEL_MAX
    return ".".join(labels[-3 if is_under_suffix else -2 :])


class _Lookup:
    """One lookup, shared by all that need the name. ``began`` is when it left the queue, in the loop's time."""

    __slots__ = ("began", "task")

    def __init__(self, task: asyncio.Task[Sequence[str]], began: asyncio.Future[float]) -> None:
        self.task, self.began = task, began


class Resolver:
    """Looks names up in threads of its own, a limited number at a time. It has no cache.

    A lookup cannot be cancelled, and may hang for longer than anything waits for it: it counts until it returns. The
    threads are daemons, so that the process does not wait for them when it ends.
    """

    def __init__(self, look: LookUp = look_up, *, seconds: float = LOOKUP_SECONDS) -> None:
        self._look, self._seconds = look, seconds
        self._free = asyncio.Semaphore(LOOKUPS_MAX)
        self._by_domain: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._running: dict[str, _Lookup] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, within ``seconds`` after its lookup began; it may have to queue before.

        Raises:
            ResolveTimeout: there was no answer.
            OSError: the name is not known.
            ValueError: it is no name.
        """
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        lookup = self._running.get(host) or self._begin(host, port)
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                began = await asyncio.shield(lookup.began)
            async with asyncio.timeout_at(began + self._seconds):
                return await asyncio.shield(lookup.task)
        except TimeoutError:
            raise ResolveTimeout from None

    def _begin(self, host: str, port: int) -> _Lookup:
        began: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        lookup = self._running[host] = _Lookup(asyncio.create_task(self._run(host, port, began)), began)
        lookup.task.add_done_callback(lambda done: self._ended(host, began, done))
        return lookup

    def _ended(self, host: str, began: asyncio.Future[float], done: asyncio.Task[Sequence[str]]) -> None:
        self._running.pop(host, None)
        began.cancel()
        if not done.cancelled():
            done.exception()  # every caller may be cancelled

    async def _run(self, host: str, port: int, began: asyncio.Future[float]) -> Sequence[str]:
        domain = domain_of(host)
        limit = self._by_domain.get(domain)
        if limit is None:
            limit = self._by_domain[domain] = asyncio.Semaphore(_LOOKUPS_PER_DOMAIN)
        async with limit, self._free:
            began.set_result(asyncio.get_running_loop().time())
            return await self._in_thread(host, port)

    async def _in_thread(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def set_answer(result: Sequence[str] | Exception) -> None:
            if answer.cancelled():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        def work() -> None:
            result: Sequence[str] | Exception
            try:
                result = self._look(host, port)
            except Exception as error:  # noqa: BLE001 - raised in the task that waits for it
                result = error
            with contextlib.suppress(RuntimeError):  # the loop may be closed
                loop.call_soon_threadsafe(set_answer, result)

        threading.Thread(target=work, name="resolve a name", daemon=True).start()
        return await answer

    async def close(self) -> None:
        """Stop waiting for lookups."""
        tasks = [lookup.task for lookup in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
