"""Whether the server runs, and whether it can serve. For load balancers and process managers; no key is needed."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clearline.platform.database import migrate
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.transactions import Database

_SECONDS = 2


def probes(database: Database, horizon: HorizonMonitor) -> Sequence[Route]:
    """``/healthz`` answers while the process does; ``/readyz`` while the database answers and is up to date.

    A transaction that stops what follows from events is named in ``detail``: requests are answered all the same.
    """

    async def healthz(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def readyz(_request: Request) -> JSONResponse:
        status = await _state(database)
        detail = {} if horizon.blocker is None else {"detail": horizon.blocker}
        return JSONResponse(
            {"status": status, **detail}, 200 if status == "ready" else 503, headers={"cache-control": "no-store"}
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _state(database: Database) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            missing = await migrate.pending(database)
    except (DatabaseUnavailable, TimeoutError):
        return "database unavailable"
    except migrate.SchemaTooNew:
        return "database newer than this server"
    return "migrations pending" if missing else "ready"
