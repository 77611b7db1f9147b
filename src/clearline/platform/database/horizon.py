"""The transaction that readers of events wait for: see ``events.store.read``.

The horizon is the oldest running transaction of the whole PostgreSQL server that has a number, in any database. A
forgotten one stops everything that follows from events, so it is named.
"""

import structlog
from msgspec import Struct

from clearline.clock import monotonic
from clearline.platform.database.transactions import Database, Tx

CHECK_SECONDS = 2
"""Between two looks."""

PATIENCE_SECONDS = 5
"""How long a transaction may be the oldest before it is named."""

_LOG_AGAIN_SECONDS = 60
_log = structlog.get_logger("clearline.database")

# Every role sees pg_locks and pg_prepared_xacts; when another role's transaction began only pg_read_all_stats sees.
_OLDEST = """
    with horizon as (select pg_snapshot_xmin(pg_current_snapshot()) as xid)
    select horizon.xid::text::bigint, l.pid, p.gid, coalesce(a.datname, p.database), coalesce(a.usename, p.owner),
           coalesce(a.application_name, ''),
           extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8
      from horizon
      left join pg_prepared_xacts p on p.transaction = horizon.xid::xid
      left join pg_locks l on l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
                          and l.transactionid = horizon.xid::xid
      left join pg_stat_activity a on a.pid = l.pid
     where l.pid is not null or p.gid is not null
     limit 1"""


class OldestTransaction(Struct, frozen=True):
    """The oldest running or prepared transaction: ``pid`` of its process, or ``gid`` when it is prepared.

    ``seconds`` is its age; None when the role of Clearline may not see it.
    """

    xid: int
    pid: int | None
    gid: str | None
    database: str
    user: str
    application: str
    seconds: float | None

    def text(self, seconds: float) -> str:
        """Return what an operator has to know, with an age in seconds."""
        if self.gid is not None:
            name, remedy = f"the prepared transaction {self.gid!r}", f"rollback prepared '{self.gid}'"
        else:
            name, remedy = f"the transaction of process {self.pid}", f"select pg_terminate_backend({self.pid})"
        application = f", application {self.application}" if self.application else ""
        return (
            f"{name} (database {self.database}, user {self.user}{application}) has been open for {seconds:.0f} s, and "
            f"routing, search, webhooks, notifications and streams wait for its end; to end it: {remedy}"
        )


async def oldest_transaction(tx: Tx) -> OldestTransaction | None:
    """Return the transaction that readers of events wait for, however young; None when there is none."""
    row = await tx.fetchrow(_OLDEST)
    return None if row is None else OldestTransaction(*row)


class HorizonMonitor:
    """Looks at the oldest transaction now and then, and logs one that stays it for too long."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._xid, self._since, self._log_at = 0, 0.0, 0.0
        self.blocker: str | None = None
        """What is wrong, for people; None while nothing is."""

    async def check(self) -> int:
        """Look once; return how many transactions are in the way."""
        async with self._database.statement() as tx:
            oldest = await oldest_transaction(tx)
        if oldest is None or oldest.xid != self._xid:
            if self.blocker is not None:
                _log.info("events are read again: the transaction has ended")
            self._xid, self._since, self._log_at = 0 if oldest is None else oldest.xid, monotonic(), 0.0
            self.blocker = None
        if oldest is None:
            return 0
        seconds = max(oldest.seconds or 0.0, monotonic() - self._since)
        if seconds < PATIENCE_SECONDS:
            return 0
        self.blocker = oldest.text(seconds)
        if monotonic() >= self._log_at:
            self._log_at = monotonic() + _LOG_AGAIN_SECONDS
            _log.warning("events wait for a transaction", detail=self.blocker, pid=oldest.pid, gid=oldest.gid)
        return 1
