"""What a process counts, and how the counts of several are added up.

Labels have few values, whatever clients send: the route is the template of a path, never the path.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the durations, in seconds; each duration is counted in the first bucket that it fits into."""
_BUCKETS = len(BOUNDS) + 1
_SECONDS = _BUCKETS
"""Where a series has the sum of its durations, after its buckets."""
OTHER = "other"
"""The route of a path that is none of ours, and the method of a request that no route has."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ANSWER = "none"
"""The status of a request whose client left before it was answered."""
SERVER, MAIL = "server", "mail"
"""The processes of a server: those that answer requests, and the one for mail that comes in."""


class Route(NamedTuple):
    """What answers a request: a wire, or an area of the pages, and the template of the path in it."""

    wire: str
    template: str


PAGES = "pages"
UNKNOWN_ROUTE = Route(PAGES, OTHER)
_Key = tuple[Route, str, int]


class RequestSeries(Struct, frozen=True, array_like=True):
    """The requests of a route, a method and a status: their number by duration, and the sum of their durations."""

    wire: str
    route: str
    method: str
    status: str
    counts: list[int]
    seconds: float


class RequestCounts:
    """Counts the requests of a process. Each of them passes here: see ``bench/metrics.py``."""

    __slots__ = ("_series",)

    def __init__(self) -> None:
        self._series: dict[_Key, list[float]] = {}

    def add(self, route: Route, method: str, status: int, seconds: float) -> None:
        """Count a request that took so long."""
        series = self._series.get((route, method, status))
        if series is None:
            series = self._new_series(route, method, status)
        series[bisect_left(BOUNDS, seconds)] += 1
        series[_SECONDS] += seconds

    def _new_series(self, route: Route, method: str, status: int) -> list[float]:
        key = (route, method if method in METHODS else OTHER, status)
        return self._series.setdefault(key, [0] * _BUCKETS + [0.0])

    def series(self) -> list[RequestSeries]:
        """Return every series there is."""
        return [
            RequestSeries(
                route.wire, route.template, method, str(status) if status else NO_ANSWER,
                [int(count) for count in values[:_BUCKETS]], values[_SECONDS],
            )
            for (route, method, status), values in self._series.items()
        ]  # fmt: skip


class Snapshot(Struct, frozen=True):
    """What a process has counted since its start, and its state now.

    ``refused`` has the requests that a limit refused, by limit. ``pool_waiting`` are requests and jobs that wait for a
    connection to the database.
    """

    process: str
    pid: int
    requests: list[RequestSeries] = []
    refused: dict[str, int] = {}
    open_streams: int = 0
    pool_in_use: int = 0
    pool_size: int = 0
    pool_waiting: int = 0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


class ProcessState(Struct):
    """The state of all processes of a kind."""

    running: int = 0
    pool_in_use: int = 0
    pool_size: int = 0
    pool_waiting: int = 0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


class Totals(Struct):
    """The sums over several processes, those that have ended, too."""

    requests: dict[tuple[str, str, str, str], RequestSeries] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    open_streams: int = 0
    processes: dict[str, ProcessState] = field(default_factory=dict)


def add_up(snapshots: Iterable[Snapshot]) -> Totals:
    """Return the sums of snapshots; those of ended processes have no pid."""
    totals = Totals()
    for snapshot in snapshots:
        for series in snapshot.requests:
            key = (series.wire, series.route, series.method, series.status)
            known = totals.requests.get(key)
            totals.requests[key] = series if known is None else _sum(known, series)
        for limit, count in snapshot.refused.items():
            totals.refused[limit] = totals.refused.get(limit, 0) + count
        totals.open_streams += snapshot.open_streams
        state = totals.processes.setdefault(snapshot.process, ProcessState())
        state.running += snapshot.pid > 0
        state.pool_in_use += snapshot.pool_in_use
        state.pool_size += snapshot.pool_size
        state.pool_waiting += snapshot.pool_waiting
        state.cpu_seconds += snapshot.cpu_seconds
        state.memory_bytes += snapshot.memory_bytes
    return totals


def gathered(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """Return what stays of processes that have ended: what they counted, one snapshot for each kind of process."""
    by_kind: dict[str, list[Snapshot]] = {}
    for snapshot in snapshots:
        by_kind.setdefault(snapshot.process, []).append(snapshot)
    totals = {kind: add_up(of_kind) for kind, of_kind in by_kind.items()}
    return [
        Snapshot(kind, 0, [*total.requests.values()], total.refused, cpu_seconds=total.processes[kind].cpu_seconds)
        for kind, total in totals.items()
    ]


def _sum(one: RequestSeries, other: RequestSeries) -> RequestSeries:
    counts = [a + b for a, b in zip(one.counts, other.counts, strict=True)]
    return RequestSeries(one.wire, one.route, one.method, one.status, counts, one.seconds + other.seconds)
