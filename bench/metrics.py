"""What metrics cost a process that answers requests.

python bench/metrics.py [--rounds 5] [--seconds 3] [--tickets 20000] [--routes 300]

First each part alone, in CPU time: counting a request, leaving the counts once a second, and a scrape. Then the same
server with and without metrics, in turns, reading tickets at full load, scraped every 5 seconds.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from clearline.metrics.domain import SERVER, RequestCounts, Route, Snapshot
from clearline.metrics.exposition import Exposition
from clearline.metrics.folders import OwnFile
from dataset import fill
from rig import Sample, clearline, database, measure

_ADDED = 200_000
_PORT = 19464


def microseconds(work: Callable[[], object], *, each: int = 1, repeats: int = 9) -> float:
    """Return the CPU time of one of ``each`` things that ``work`` does: the median of some runs."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) / each * 1e6)
    return median(taken)


def add_requests(counts: RequestCounts, routes: list[Route]) -> None:
    for number in range(_ADDED):
        counts.add(routes[number % len(routes)], "GET", 200, 0.003)


def do_nothing(routes: list[Route]) -> None:
    for number in range(_ADDED):
        routes[number % len(routes)]


def show_parts(number: int, url: str) -> float:
    """Print what each part takes with so many routes in use; return the microseconds of a request."""
    routes = [Route("house", f"/api/v1/things/{{id}}/part{n}") for n in range(number)]
    counts = RequestCounts()
    request = microseconds(lambda: add_requests(counts, routes), each=_ADDED)
    request -= microseconds(lambda: do_nothing(routes), each=_ADDED)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        own = OwnFile(Path(folder))
        leave = microseconds(lambda: own.write(Snapshot(SERVER, os.getpid(), counts.series())))
        each = asyncio.run(scrape(url, Path(folder)))
    print(
        f"\na request {request:.2f} us; leaving the counts of {number} routes {leave:.0f} us each second; a scrape "
        f"{each:.0f} ms"
    )
    return request


async def scrape(url: str, folder: Path) -> float:
    """Return the CPU time of a scrape that reads the state of the desk, in milliseconds: the median of some."""
    taken = []
    for _ in range(9):
        exposed = Exposition(url, folder, folder)
        began = time.process_time()
        await exposed.text("application/openmetrics-text;version=1.0.0")
        taken.append(time.process_time() - began)
        await exposed.close()
    return median(taken) * 1000


@contextlib.contextmanager
def with_metrics() -> Iterator[None]:
    """Let servers that are started in the block have metrics."""
    os.environ["CLEARLINE_METRICS_BIND"] = f"127.0.0.1:{_PORT}"
    try:
        yield
    finally:
        del os.environ["CLEARLINE_METRICS_BIND"]


@contextlib.contextmanager
def scraping() -> Iterator[None]:
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(5):
            urlopen(f"http://127.0.0.1:{_PORT}/metrics", timeout=30).read()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--tickets", type=int, default=20_000)
    parser.add_argument("--routes", type=int, default=300)
    asked = parser.parse_args()
    with database() as server:
        tenants = asyncio.run(fill(server.url, asked.tickets))[:50]
        request = show_parts(asked.routes, server.url)
        samples: dict[str, list[Sample]] = {"without": [], "with": []}
        with contextlib.ExitStack() as stack:
            plain = stack.enter_context(clearline(server.url, 1))
            with with_metrics():
                counting = stack.enter_context(clearline(server.url, 1))
            stack.enter_context(scraping())
            for turn in range(asked.rounds + 1):
                pair = [("without", plain), ("with", counting)]
                for name, measured in pair if turn % 2 else reversed(pair):
                    sample = measure(
                        measured, server.supervisor.pid, tenants, asked.tickets, "read one",
                        seconds=asked.seconds if turn else 1,
                    )  # fmt: skip
                    if turn:  # the first turn only warms up
                        samples[name].append(sample)
    ratios = [a.server_cpu / b.server_cpu for a, b in zip(samples["with"], samples["without"], strict=True)]
    without, counted = (median(sample.server_cpu for sample in samples[name]) for name in ("without", "with"))
    print(
        f"read one: {without:.0f} us of CPU without, {counted:.0f} with; "
        f"ratio of each round {', '.join(f'{ratio:.3f}' for ratio in sorted(ratios))}\n"
        f"counting is {request / without:.2%} of a read"
    )


if __name__ == "__main__":
    main()
