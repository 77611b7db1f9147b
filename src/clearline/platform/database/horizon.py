"""The transaction that readers of events wait for: see ``events.store.read``.

The horizon is the oldest running transaction that can store events: one that has a number, and whose process is
connected to this database. A forgotten one stops everything that follows from events, so it is named.
"""

from msgspec import Struct

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.platform.database.transactions import Database, Tx

CHECK_SECONDS = 2
"""Between two looks."""

PATIENCE_SECONDS = 5
"""How long a transaction may be the oldest before it is named."""

_LOG_AGAIN_SECONDS = 60
_log = Logger("clearline.database")

_THIS_DATABASE = "(select datid from pg_stat_get_activity(pg_backend_pid()))"

# The functions and not their views, which join other tables; every role may call them. What is cleared is PostgreSQL's
# copy of its list of processes, made once a transaction: the list has to be read after the snapshot was taken.
_ELSEWHERE = f"""
    select backend_xid from pg_stat_get_activity(nullif(length(pg_stat_clear_snapshot()::text), 0))
     where backend_xid is not null and datid <> {_THIS_DATABASE}
    union all
    select transaction from pg_prepared_xact() where dbid <> {_THIS_DATABASE}"""  # noqa: S608 - constants

HORIZON = f"""(
    select min(running.xid)
      from (select pg_snapshot_xmin(pg_current_snapshot())
            union all select pg_snapshot_xip(pg_current_snapshot())
            union all select coalesce(pg_current_xact_id_if_assigned(), pg_snapshot_xmax(pg_current_snapshot()))
            union all select pg_snapshot_xmax(pg_current_snapshot())) running (xid)
     where running.xid = pg_snapshot_xmax(pg_current_snapshot())
        or (running.xid::xid = any (array({_ELSEWHERE}))) is not true)"""  # noqa: S608 - constants
"""The horizon, as a value in a statement: every transaction of this database with a smaller number has ended.

It is the smallest number of the statement's snapshot without those that certainly belong to transactions of other
databases. A transaction that is not seen elsewhere counts, as do all on a standby, where the snapshot names only the
oldest. The proof is in docs/adr/0007-consumers.md.
"""

# The horizon may be the next number, which a transaction of another database has taken meanwhile. Every role sees
# pg_locks and pg_prepared_xacts; when another role's transaction began only pg_read_all_stats sees.
_OLDEST = f"""
    with horizon as (select {HORIZON} as xid)
    select horizon.xid::text::bigint, l.pid, p.gid, coalesce(a.datname, p.database), coalesce(a.usename, p.owner),
           coalesce(a.application_name, ''),
           extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8
      from horizon
      left join pg_prepared_xacts p on p.transaction = horizon.xid::xid
      left join pg_locks l on l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
                          and l.transactionid = horizon.xid::xid
      left join pg_stat_activity a on a.pid = l.pid
     where l.pid is not null and coalesce(a.datname = current_database(), true) or p.database = current_database()
     limit 1"""  # noqa: S608 - constants


class OldestTransaction(Struct, frozen=True):
    """The oldest running or prepared transaction of this database.

    ``pid`` is that of its process, ``gid`` its name when it is prepared. ``seconds`` is its age; None when the role of
    Clearline may not see it.
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
