"""Whether the server runs, and whether it can serve. For load balancers and process managers; no key is needed."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clearline.clock import monotonic
from clearline.platform.database import migrate
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.server import accepts_writes
from clearline.platform.database.transactions import Database

_SECONDS = 2
WRITE_SECONDS = 5
"""For how long it is remembered that the database accepts writes; that it does not is asked again each time."""
CANNOT_WRITE = "database cannot write"
_UNAVAILABLE = "database unavailable"
_NO_ROOM = "53"
"""The class of SQLSTATEs of a disk that is full, and of other resources that are used up."""


def probes(database: Database, horizon: HorizonMonitor) -> Sequence[Route]:
    """``/healthz`` answers while the process does; ``/readyz`` while the database answers, is up to date and can write.

    A transaction that stops what follows from events is named in ``detail``: requests are answered all the same.
    """
    state = _State(database)

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def readyz(_request: Request) -> JSONResponse:
        status = await state.read()
        detail = {} if horizon.blocker is None else {"detail": horizon.blocker}
        return JSONResponse(
            {"status": status, **detail}, 200 if status == "ready" else 503, headers={"cache-control": "no-store"}
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


class _State:
    """What ``/readyz`` says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes_until = 0.0

    async def read(self) -> str:
        """Return the state of the database, in a word or a few; ``ready`` when requests can be answered."""
        try:
            async with asyncio.timeout(_SECONDS):
                missing = await migrate.pending(self._database)
                if missing:
                    return "migrations pending"
                return "ready" if await self._can_write() else CANNOT_WRITE
        except DatabaseUnavailable as error:
            return CANNOT_WRITE if error.sqlstate is not None and error.sqlstate[:2] == _NO_ROOM else _UNAVAILABLE
        except TimeoutError:
            return _UNAVAILABLE
        except migrate.SchemaTooNew:
            return "database newer than this server"

    async def _can_write(self) -> bool:
        if monotonic() < self._writes_until:
            return True
        async with self._database.transaction() as tx:
            can_write = await accepts_writes(tx)
        self._writes_until = monotonic() + WRITE_SECONDS if can_write else 0.0
        return can_write
