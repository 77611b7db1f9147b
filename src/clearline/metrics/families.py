"""Every metric: its name, its type, its meaning, its labels, and where its values come from.

Names follow the conventions of Prometheus: base units (``_seconds``, ``_bytes``), ``_total`` at the end of what only
grows. The reference page is made of this table.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from clearline.health.domain import Backlog
from clearline.metrics.domain import BOUNDS, ProcessState, RequestSeries, Totals
from clearline.metrics.usecases import DeskState, last_success

PREFIX = "clearline_"


class Kind(StrEnum):
    """The types of metrics (OpenMetrics 1.0, 5)."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Facts(Struct, frozen=True):
    """What the values come from. ``state`` is None while the database cannot be read."""

    version: str
    python: str
    totals: Totals
    free_bytes: int
    state: DeskState | None
    read_seconds: float
    horizon_seconds: float


class Sample(NamedTuple):
    """The values of the labels, and the value: a number, or of a histogram its buckets and the sum."""

    labels: Sequence[str]
    value: float
    buckets: Sequence[tuple[str, float]] = ()


Samples = Iterable[Sample]


class Family(Struct, frozen=True):
    """A metric. ``name`` is without the suffix of its type, as OpenMetrics has it.

    With ``of_desk`` it is about the database, and the same at each server of a desk.
    """

    name: str
    kind: Kind
    about: str
    samples: Callable[[Facts], Samples]
    labels: tuple[str, ...] = ()
    of_desk: bool = False

    @property
    def unit(self) -> str:
        """The unit, which is the end of the name; empty for what has none."""
        return next((unit for unit in ("seconds", "bytes") if self.name.endswith(f"_{unit}")), "")

    @property
    def exposed(self) -> str:
        """The name by which it is queried."""
        suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info", Kind.HISTOGRAM: "_bucket"}
        return self.name + suffix.get(self.kind, "")


def _requests(facts: Facts) -> Samples:
    for one in facts.totals.requests.values():
        yield Sample((one.wire, one.route, one.method, one.status), sum(one.counts))


def _durations(facts: Facts) -> Samples:
    by_route: dict[tuple[str, str, str], list[RequestSeries]] = {}
    for one in facts.totals.requests.values():
        by_route.setdefault((one.wire, one.route, one.method), []).append(one)
    bounds = [*map(str, BOUNDS), "+Inf"]
    for labels, series in by_route.items():
        counts = [sum(column) for column in zip(*(one.counts for one in series), strict=True)]
        buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
        yield Sample(labels, sum(one.seconds for one in series), buckets)


def _of_processes(value: Callable[[ProcessState], float]) -> Callable[[Facts], Samples]:
    return lambda facts: [Sample((kind,), value(state)) for kind, state in facts.totals.processes.items()]


def _one(value: Callable[[DeskState], float | None]) -> Callable[[Facts], Samples]:
    def samples(facts: Facts) -> Samples:
        found = None if facts.state is None else value(facts.state)
        return [] if found is None else [Sample((), found)]

    return samples


def _by_state(**values: Callable[[DeskState], float]) -> Callable[[Facts], Samples]:
    def samples(facts: Facts) -> Samples:
        state = facts.state
        return [] if state is None else [Sample((name,), value(state)) for name, value in values.items()]

    return samples


def _counts(backlogs: Callable[[DeskState], list[Backlog]]) -> Callable[[Facts], Samples]:
    def samples(facts: Facts) -> Samples:
        found = [] if facts.state is None else backlogs(facts.state)
        return [Sample((_word(one),), one.count) for one in found]

    return samples


def _ages(backlogs: Callable[[DeskState], list[Backlog]]) -> Callable[[Facts], Samples]:
    def samples(facts: Facts) -> Samples:
        if facts.state is not None:
            for one in backlogs(facts.state):
                yield Sample((_word(one),), 0.0 if one.oldest is None else _age(facts.state, one.oldest))

    return samples


def _word(backlog: Backlog) -> str:
    return backlog.name.replace(" ", "_")


def _age(state: DeskState, since: datetime) -> float:
    return max(0.0, (state.at - since).total_seconds())


def _mailboxes(facts: Facts) -> Samples:
    if facts.state is not None:
        for one in facts.state.mailboxes:
            yield Sample((one.address,), last_success(one).timestamp())


_COUNTED = " Counted up to 10,000."
FAMILIES = (
    Family(
        "clearline_build", Kind.INFO, "The version of Clearline, and of the Python that runs it. Always 1.",
        lambda facts: [Sample((facts.version, facts.python), 1)], ("version", "python"),
    ),
    Family(
        "clearline_http_requests", Kind.COUNTER,
        "Requests that were answered. `route` is the template of the path, `other` where there is none; `status` is "
        "`none` where the client left before the answer.",
        _requests, ("wire", "route", "method", "status"),
    ),
    Family(
        "clearline_http_request_duration_seconds", Kind.HISTOGRAM,
        "Time until a request was answered; of event streams until the answer began.",
        _durations, ("wire", "route", "method"),
    ),
    Family(
        "clearline_http_refused_requests", Kind.COUNTER,
        "Requests that were refused with 429. `limit` is `key`, `company`, `unknown_keys`, `searches`, `kept_answers` "
        "or `streams`.",
        lambda facts: [Sample((limit,), count) for limit, count in facts.totals.refused.items()], ("limit",),
    ),
    Family(
        "clearline_http_open_streams", Kind.GAUGE, "Event streams and downloads that are open.",
        lambda facts: [Sample((), facts.totals.open_streams)],
    ),
    Family(
        "clearline_processes", Kind.GAUGE,
        "Running processes: `server` answers requests, `mail` receives mail.",
        _of_processes(lambda state: state.running), ("process",),
    ),
    Family(
        "clearline_process_cpu_seconds", Kind.COUNTER, "CPU time of the processes, in user and system mode.",
        _of_processes(lambda state: state.cpu_seconds), ("process",),
    ),
    Family(
        "clearline_process_resident_memory_bytes", Kind.GAUGE, "Memory of the processes; shared memory counts in each.",
        _of_processes(lambda state: state.memory_bytes), ("process",),
    ),
    Family(
        "clearline_pool_connections_in_use", Kind.GAUGE, "Connections to the database that are in use.",
        _of_processes(lambda state: state.pool_in_use), ("process",),
    ),
    Family(
        "clearline_pool_connections_max", Kind.GAUGE, "The most connections that the processes have together.",
        _of_processes(lambda state: state.pool_size), ("process",),
    ),
    Family(
        "clearline_pool_waiting", Kind.GAUGE, "Requests and jobs that wait for a connection to the database.",
        _of_processes(lambda state: state.pool_waiting), ("process",),
    ),
    Family(
        "clearline_data_directory_free_bytes", Kind.GAUGE, "Room on the disk of the data directory.",
        lambda facts: [Sample((), facts.free_bytes)],
    ),
    Family(
        "clearline_database_up", Kind.GAUGE,
        "Whether the state of the desk could be read: 1, or 0, and then the metrics of the desk are missing.",
        lambda facts: [Sample((), facts.state is not None)],
    ),
    Family(
        "clearline_database_read_seconds", Kind.GAUGE, "How long it took to read the state of the desk.",
        lambda facts: [Sample((), facts.read_seconds)],
    ),
    Family(
        "clearline_postgresql", Kind.INFO, "The version of PostgreSQL. Always 1.",
        lambda facts: [] if facts.state is None else [Sample((facts.state.postgresql,), 1)], ("version",), of_desk=True,
    ),
    Family(
        "clearline_database_size_bytes", Kind.GAUGE, "The database on disk, without its write-ahead log.",
        _one(lambda state: state.size), of_desk=True,
    ),
    Family(
        "clearline_horizon_age_seconds", Kind.GAUGE,
        "Age of the oldest transaction, which readers of events wait for; 0 when there is none.",
        lambda facts: [] if facts.state is None else [Sample((), facts.horizon_seconds)], of_desk=True,
    ),
    Family(
        "clearline_consumer_lag_events", Kind.GAUGE, "Events that a consumer has not handled." + _COUNTED,
        _counts(lambda state: state.consumers), ("consumer",), of_desk=True,
    ),
    Family(
        "clearline_consumer_lag_seconds", Kind.GAUGE, "Age of the oldest event that a consumer has not handled.",
        _ages(lambda state: state.consumers), ("consumer",), of_desk=True,
    ),
    Family(
        "clearline_backlog_items", Kind.GAUGE,
        "Work that is due: `webhook_deliveries`, `outbound_mail`, `inbound_mail`, `timers`, `jobs`." + _COUNTED,
        _counts(lambda state: state.work), ("work",), of_desk=True,
    ),
    Family(
        "clearline_backlog_age_seconds", Kind.GAUGE, "For how long the oldest of that work is due.",
        _ages(lambda state: state.work), ("work",), of_desk=True,
    ),
    Family(
        "clearline_webhook_deliveries", Kind.GAUGE,
        "Deliveries that are `waiting`, due or not, or `dead`: given up, until they are deleted." + _COUNTED,
        _by_state(waiting=lambda s: s.counts.deliveries_waiting, dead=lambda s: s.counts.deliveries_dead),
        ("state",), of_desk=True,
    ),
    Family(
        "clearline_webhook_failing_subscriptions", Kind.GAUGE,
        "Active webhook subscriptions whose receiver fails at the moment." + _COUNTED,
        _one(lambda state: state.counts.failing_subscriptions), of_desk=True,
    ),
    Family(
        "clearline_outbound_mails", Kind.GAUGE,
        "Mails that are `waiting` to be sent, due or not, `dead` (given up) or `bounced`, until they are deleted."
        + _COUNTED,
        _by_state(
            waiting=lambda s: s.counts.outbound_waiting, dead=lambda s: s.counts.outbound_dead,
            bounced=lambda s: s.counts.outbound_bounced,
        ),
        ("state",), of_desk=True,
    ),
    Family(
        "clearline_inbound_mails", Kind.GAUGE,
        "Received mails that are `waiting` to be processed, or `quarantined` until somebody reviews them." + _COUNTED,
        _by_state(waiting=lambda s: s.counts.inbound_waiting, quarantined=lambda s: s.counts.inbound_quarantined),
        ("state",), of_desk=True,
    ),
    Family(
        "clearline_mailbox_last_success_timestamp_seconds", Kind.GAUGE,
        "When a mailbox was last polled without an error; while polls fail, when that began. Of at most 100 mailboxes, "
        "those that fail for longest.",
        _mailboxes, ("mailbox",), of_desk=True,
    ),
    Family(
        "clearline_jobs", Kind.GAUGE, "Bulk changes and imports that are `waiting` or `running`." + _COUNTED,
        _by_state(waiting=lambda s: s.counts.jobs_waiting, running=lambda s: s.counts.jobs_running),
        ("state",), of_desk=True,
    ),
    Family(
        "clearline_tickets", Kind.GAUGE, "Tickets that are `open` or `finished`.",
        _by_state(open=lambda s: s.counts.tickets_open, finished=lambda s: s.counts.tickets_finished),
        ("state",), of_desk=True,
    ),
    Family(
        "clearline_last_backup_timestamp_seconds", Kind.GAUGE,
        "When `clearline backup` last made a backup of this database; missing before the first.",
        _one(lambda state: state.last_backup and state.last_backup.made_at.timestamp()), of_desk=True,
    ),
    Family(
        "clearline_last_backup_duration_seconds", Kind.GAUGE, "How long that backup took.",
        _one(lambda state: state.last_backup and state.last_backup.seconds), of_desk=True,
    ),
    Family(
        "clearline_last_backup_size_bytes", Kind.GAUGE, "The files of that backup, attachments included.",
        _one(lambda state: state.last_backup and state.last_backup.size), of_desk=True,
    ),
)  # fmt: skip
"""In the order of the answer, and of the reference."""
