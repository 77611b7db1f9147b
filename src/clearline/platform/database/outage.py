"""What is logged while the database is unavailable: at most one line a second, without a traceback."""

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.platform.database.errors import DatabaseUnavailable

EVERY_SECONDS = 1
"""Between two lines of one process, whatever fails meanwhile."""

_log = Logger("clearline.database")


class Outage:
    """Counts what fails because the database is unavailable, and logs the first of each second."""

    def __init__(self) -> None:
        self._next_at, self._unlogged = 0.0, 0

    def log(self, event: str, error: DatabaseUnavailable, **facts: object) -> None:
        """Log a failure as a warning with its SQLSTATE, and how many were not logged before it; or count it."""
        if monotonic() < self._next_at:
            self._unlogged += 1
            return
        self._next_at = monotonic() + EVERY_SECONDS
        unlogged, self._unlogged = self._unlogged, 0
        _log.warning(event, error=str(error), sqlstate=error.sqlstate, not_logged=unlogged, **facts)


OUTAGE = Outage()
"""The failures of this process."""
