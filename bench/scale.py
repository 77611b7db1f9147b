"""Each operation at 10 thousand, 100 thousand and 1 million tickets: does a bigger desk get slower?

python bench/scale.py [--sizes 10000 100000 1000000] [--seconds 5] [--rounds 3]

The databases stand side by side, and the rounds go from one to the next, so that a slow minute of the machine
hits all of them.
"""

import argparse
import asyncio
from contextlib import ExitStack
from statistics import median

from rich.progress import Progress

from dataset import Tenant, fill
from rig import OPERATIONS, Sample, Server, clearline, database, measure

LIMIT = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=1)
    asked = parser.parse_args()
    with ExitStack() as stack, Progress() as progress:
        servers: dict[int, tuple[Server, int, list[Tenant]]] = {}
        filling = progress.add_task("Making tickets", total=len(asked.sizes))
        for size in asked.sizes:
            postgres = stack.enter_context(database())
            tenants = asyncio.run(fill(postgres.url, size))
            servers[size] = (stack.enter_context(clearline(postgres.url, 1)), postgres.supervisor.pid, tenants)
            progress.advance(filling)
        found: dict[tuple[str, int], list[Sample]] = {}
        measuring = progress.add_task("Measuring", total=(asked.rounds + 1) * len(OPERATIONS) * len(asked.sizes))
        for turn in range(asked.rounds + 1):
            for operation in OPERATIONS:
                for size, (server, postgres_pid, tenants) in servers.items():
                    sample = measure(
                        server, postgres_pid, tenants, size, operation,
                        seconds=asked.seconds if turn else 2, connections=asked.connections,
                    )  # fmt: skip
                    progress.advance(measuring)
                    if turn:  # the first turn only warms up
                        found.setdefault((operation, size), []).append(sample)
    show(asked.sizes, found)


def show(sizes: list[int], found: dict[tuple[str, int], list[Sample]]) -> None:
    print("| operation | " + " | ".join(f"p50 ms at {size:,}" for size in sizes) + " | largest to smallest | limit |")
    print("|---" * (len(sizes) + 3) + "|")
    for operation in OPERATIONS:
        p50 = [median(sample.p50 for sample in found[operation, size]) for size in sizes]
        shown = " | ".join(f"{value:.2f}" for value in p50)
        print(f"| {operation} | {shown} | {p50[-1] / p50[0]:.2f} | {LIMIT} |")


if __name__ == "__main__":
    main()
