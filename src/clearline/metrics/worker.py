"""The job with which a process leaves its counts for the metrics of its server."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from clearline.metrics.domain import Snapshot
from clearline.metrics.folders import OwnFile
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob

EVERY_SECONDS = 1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def snapshot_job(
    folder: Path, process: str, database: Database, counted: Callable[[Snapshot], Snapshot] = lambda own: own
) -> PeriodicJob:
    """Return the job. ``counted`` adds what only this kind of process counts. It runs at the stop, too."""
    own_file = OwnFile(folder)

    async def leave() -> int:
        pool = database.shares.usage()
        snapshot = Snapshot(
            process, os.getpid(), pool_in_use=pool.in_use, pool_size=pool.size, pool_waiting=pool.waiting,
            cpu_seconds=time.process_time(), memory_bytes=_resident_bytes(),
        )  # fmt: skip
        own_file.write(counted(snapshot))
        return 0

    return PeriodicJob("leave counts for metrics", EVERY_SECONDS, leave)


def _resident_bytes() -> int:
    """Return the memory of this process; 0 where the system does not say it as Linux does."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - once a second
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
