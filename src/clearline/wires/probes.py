"""Whether the server runs, and whether it can serve. For load balancers and process managers; no key is needed."""

import asyncio
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clearline.clock import monotonic
from clearline.platform.database import migrate
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.server import accepts_writes
from clearline.platform.database.transactions import Database
from clearline.stopping import Stopping

_SECONDS = 2
WRITE_SECONDS = 5
"""For how long it is remembered that the database accepts writes; that it does not is asked again each time."""
CANNOT_WRITE = "database cannot write"
STOPPING = "stopping"
_UNAVAILABLE = "database unavailable"
_NO_ROOM = "53"
"""The class of SQLSTATEs of a disk that is full, and of other resources that are used up."""


def probes(database: Database, problems: Callable[[], Sequence[str | None]], stopping: Stopping) -> Sequence[Route]:
    """``/healthz`` answers while the process does; ``/readyz`` while the database answers, is up to date and can write.

    A server that is about to stop is not ready, so that a load balancer sends no more requests.
    A database that a newer server migrated is up to date when its migrations are compatible with this one; the first
    that is not is named in ``detail``. So are ``problems``, such as a transaction that stops what follows from events,
    or a store of attachments that is not that of the desk: requests are answered all the same.
    """
    state = _State(database)

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def readyz(_request: Request) -> JSONResponse:
        status, why = (STOPPING, None) if stopping.is_draining else await state.read()
        why = why or "; ".join(filter(None, problems()))
        detail = {"detail": why} if why else {}
        return JSONResponse(
            {"status": status, **detail}, 200 if status == "ready" else 503, headers={"cache-control": "no-store"}
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


class _State:
    """What ``/readyz`` says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes_until = 0.0

    async def read(self) -> tuple[str, str | None]:
        """Return the state of the database, in a word or a few, and why; ``ready`` when requests can be answered."""
        try:
            async with asyncio.timeout(_SECONDS):
                missing = await migrate.pending(self._database)
                if missing:
                    return "migrations pending", None
                return ("ready" if await self._can_write() else CANNOT_WRITE), None
        except DatabaseUnavailable as error:
            has_no_room = error.sqlstate is not None and error.sqlstate[:2] == _NO_ROOM
            return (CANNOT_WRITE if has_no_room else _UNAVAILABLE), None
        except TimeoutError:
            return _UNAVAILABLE, None
        except migrate.SchemaTooNew as error:
            return "database newer than this server", f"{error.incompatible} is not compatible with this version"

    async def _can_write(self) -> bool:
        if monotonic() < self._writes_until:
            return True
        async with self._database.transaction() as tx:
            can_write = await accepts_writes(tx)
        self._writes_until = monotonic() + WRITE_SECONDS if can_write else 0.0
        return can_write
