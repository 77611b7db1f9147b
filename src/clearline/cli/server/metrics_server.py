"""The port for metrics beside a server, in a thread of the process that started the others."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import uvicorn

from clearline.cli.exit_status import UNAVAILABLE
from clearline.metrics import folders
from clearline.settings.settings import Settings

_CONNECTIONS_MAX = 50
_STOP_SECONDS = 2


@contextmanager
def metrics_port(settings: Settings) -> Iterator[socket.socket | None]:
    """Bind the port for metrics before anything else is started; None when there are no metrics."""
    bind = settings.metrics_bind
    if bind is None:
        yield None
        return
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        port = socket.create_server((bind.host, bind.port), family=family)
    except OSError as error:
        click.echo(
            f"error: cannot listen on {bind}: {error.strerror}; set CLEARLINE_METRICS_BIND to another address", err=True
        )
        raise SystemExit(UNAVAILABLE) from None
    with port:
        yield port


@contextmanager
def serving_metrics(settings: Settings, url: str, port: socket.socket | None) -> Iterator[None]:
    """Answer ``/metrics`` in a thread until the block ends; processes that are started in it leave their counts."""
    if port is None:
        yield
        return
    with folders.new_folder() as folder:
        os.environ[folders.VARIABLE] = str(folder)
        server = _Server(settings, url, port)
        server.start()
        try:
            yield
        finally:
            server.stop()
            del os.environ[folders.VARIABLE]


class _Server:
    """A thread with an event loop of its own: a scrape takes no time of the loop that answers requests."""

    def __init__(self, settings: Settings, url: str, port: socket.socket) -> None:
        self._settings, self._url, self._port = settings, url, port
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="metrics", daemon=True)
        self._uvicorn: uvicorn.Server | None = None
        self._is_stopped = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
        self._thread.join()

    async def _run(self) -> None:
        # Imported here: only a server with metrics needs the library.
        from clearline.metrics.exposition import Exposition  # noqa: PLC0415
        from clearline.wires.metrics import metrics_app  # noqa: PLC0415

        folder = folders.inherited(os.environ)
        if folder is None:
            raise RuntimeError("the folder of the counts is missing")
        exposition = Exposition(self._url, folder, self._settings.data_dir)
        config = uvicorn.Config(
            metrics_app(exposition.text, self._settings.metrics_token),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS_MAX,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._uvicorn = uvicorn.Server(config)
        self._uvicorn.should_exit = self._is_stopped
        try:
            await self._uvicorn.serve(sockets=[self._port])
        finally:
            await exposition.close()
