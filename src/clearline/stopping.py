"""How a server process stops: it says for a while that it is not ready, while it answers requests; then it ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from types import FrameType

_Handler = Callable[[int, FrameType | None], object]
"""Handles a signal."""


class Stopping:
    """The stop of a process. A load balancer sees ``is_draining`` at ``/readyz``, and sends no more requests.

    SIGTERM begins it. After ``drain_seconds`` ``stop`` is called, then the handler that the signal had before; another
    signal, SIGINT and the end of the parent do not wait for that.
    """

    def __init__(self, drain_seconds: int, stop: Callable[[], None]) -> None:
        self._seconds, self._stop = drain_seconds, stop
        self._before: dict[int, _Handler] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.is_draining = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Stop on a signal, and with the process that started this one.

        The server notifies its application only after the last answer, and a stream may last for days: therefore
        ``stop`` is called before.
        """
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._before = {number: handler for number, handler in handlers.items() if callable(handler)}
        self._loop = asyncio.get_running_loop()
        self._follow_parent()
        try:
            for number in self._before:
                signal.signal(number, self._handle)
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for number, handler in self._before.items():
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._seconds and number == signal.SIGTERM and not self.is_draining:
            self.is_draining = True
            self._loop.call_soon_threadsafe(self._drain)
        else:
            self._loop.call_soon_threadsafe(self._stop)
            self._before[number](number, frame)

    def _drain(self) -> None:
        self._timer = self._loop.call_later(self._seconds, os.kill, os.getpid(), signal.SIGTERM)

    def _follow_parent(self) -> None:
        """Stop one of several server processes when the process that started it ends, for whatever reason."""
        parent = parent_process()
        if parent is not None:
            self._loop.add_reader(parent.sentinel, self._stop_without_parent, parent.sentinel)

    def _stop_without_parent(self, sentinel: int) -> None:
        self._loop.remove_reader(sentinel)
        self._seconds = 0
        os.kill(os.getpid(), signal.SIGTERM)
