"""The metrics of a server as text: OpenMetrics, or the older format of Prometheus."""

import asyncio
import platform
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.metrics import folders
from clearline.metrics.domain import add_up
from clearline.metrics.families import FAMILIES, Facts, Family, Kind
from clearline.metrics.usecases import DeskState, read_state
from clearline.platform.database.errors import DatabaseUnavailable, StatementFailed
from clearline.platform.database.horizon import OldestTransaction
from clearline.platform.database.transactions import Database
from clearline.version import version

KEPT_SECONDS = 5
"""For so long the state of the desk is not read again: more scrapes do not load the database more."""
_READ_SECONDS = 8
"""After so long reading is given up: Prometheus waits for ten seconds unless it is told otherwise."""
_log = Logger("clearline.metrics")


class Exposition:
    """Makes the text. It belongs to one event loop, and has connections to the database of its own."""

    def __init__(self, url: str, folder: Path, data_dir: Path) -> None:
        """Expose what processes leave in ``folder``, and the state of the database at ``url``."""
        self._database = Database(url, size=2)
        self._folder, self._data_dir = folder, data_dir
        self._version = version()
        self._reading = asyncio.Lock()
        self._state: DeskState | None = None
        self._read_at = -float(KEPT_SECONDS)
        self._read_seconds = self._horizon_seconds = 0.0
        self._oldest_xid, self._oldest_since = 0, 0.0

    async def text(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that an Accept header asks for, and their media type."""
        async with self._reading:  # also: only one may read the folder
            if monotonic() - self._read_at >= KEPT_SECONDS:
                await self._read()
            facts = Facts(
                self._version, platform.python_version(), add_up(folders.read(self._folder)),
                shutil.disk_usage(self._data_dir).free, self._state, self._read_seconds,
                self._horizon_seconds,
            )  # fmt: skip
        encode, media_type = choose_encoder(accept)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(facts))
        return encode(registry), media_type

    async def _read(self) -> None:
        began = monotonic()
        self._state = None
        try:
            async with asyncio.timeout(_READ_SECONDS):
                if not self._database.is_open:
                    await self._database.connect()
                async with self._database.statement() as tx:
                    self._state = await read_state(tx)
        except (DatabaseUnavailable, StatementFailed, TimeoutError) as error:
            _log.warning("the state of the desk cannot be read for metrics", error=str(error) or "it takes too long")
        self._read_at = monotonic()
        self._read_seconds = self._read_at - began
        self._horizon_seconds = self._age_of(None if self._state is None else self._state.oldest)

    def _age_of(self, oldest: OldestTransaction | None) -> float:
        """Return the age of the oldest transaction; where PostgreSQL does not say it, for how long it is seen here."""
        if oldest is None or oldest.xid != self._oldest_xid:
            self._oldest_xid, self._oldest_since = 0 if oldest is None else oldest.xid, monotonic()
        return 0.0 if oldest is None else max(oldest.seconds or 0.0, monotonic() - self._oldest_since)

    async def close(self) -> None:
        """Close the connections."""
        with suppress(DatabaseUnavailable):
            await self._database.close()


class _Collected(Collector):
    """The facts as the families of the library."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterable[Metric]:
        """Return every family that has a sample."""
        for family in FAMILIES:
            metric = _metric(family, self._facts)
            if metric.samples:
                yield metric


def _metric(family: Family, facts: Facts) -> Metric:
    about = family.about.replace("`", "'")
    match family.kind:
        case Kind.COUNTER:
            counter = CounterMetricFamily(family.name, about, labels=family.labels, unit=family.unit)
            for sample in family.samples(facts):
                counter.add_metric(sample.labels, sample.value)
            return counter
        case Kind.GAUGE:
            gauge = GaugeMetricFamily(family.name, about, labels=family.labels, unit=family.unit)
            for sample in family.samples(facts):
                gauge.add_metric(sample.labels, sample.value)
            return gauge
        case Kind.HISTOGRAM:
            histogram = HistogramMetricFamily(family.name, about, labels=family.labels, unit=family.unit)
            for sample in family.samples(facts):
                histogram.add_metric(sample.labels, sample.buckets, sample.value)
            return histogram
        case Kind.INFO:
            info = InfoMetricFamily(family.name, about)
            for sample in family.samples(facts):
                info.add_metric([], dict(zip(family.labels, sample.labels, strict=True)))
            return info
