"""Clearline beside the floor: one run, interleaved, three rounds. See README.md for how to read the ratios.

python bench/load.py [--seconds 5] [--tickets 20000] [--rounds 3] [--processes 1 2] [--only "read one"]
"""

import argparse
import asyncio
from itertools import product
from statistics import median

from dataset import fill
from rig import OPERATIONS, Sample, clearline, database, floor, measure

TARGETS = {"read one": 0.75, "list 50": 0.75, "list 200": 0.75, "create": 0.70, "add note": 0.70,
           "house read": 0.80, "house list 50": 0.95}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--tickets", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", default=OPERATIONS)
    asked = parser.parse_args()
    for processes in asked.processes:
        # A new database each: the consumers work for long on what the run before created.
        with database() as server:
            tenants = asyncio.run(fill(server.url, asked.tickets))
            samples: dict[tuple[str, str], list[Sample]] = {}
            with floor(server.url, processes) as low, clearline(server.url, processes) as ours:
                for operation, turn in product(asked.only, range(asked.rounds + 1)):
                    for measured in (low, ours) if turn % 2 else (ours, low):
                        sample = measure(
                            measured, server.supervisor.pid, tenants[:50], asked.tickets, operation,
                            seconds=asked.seconds if turn else 1,
                        )  # fmt: skip
                        if turn:  # the first turn only warms up
                            samples.setdefault((operation, measured.name), []).append(sample)
            show(processes, asked.only, samples)


def show(processes: int, operations: list[str], samples: dict[tuple[str, str], list[Sample]]) -> None:
    print(f"\n{processes} server process{'es' if processes > 1 else ''}, 16 connections, medians of the rounds\n")
    print("| operation | floor, requests/s | Clearline, requests/s | ratio | target | p50, p99 ms | floor p50, p99 ms "
          "| CPU us server + database | floor CPU us |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for operation in operations:
        low, ours = samples[operation, "floor"], samples[operation, "clearline"]
        ratio = median(a.rate / b.rate for a, b in zip(ours, low, strict=True))
        print(
            f"| {operation} | {mid(low, 'rate'):.0f} | {mid(ours, 'rate'):.0f} | {ratio:.2f} "
            f"| {TARGETS[operation]:.2f} "
            f"| {mid(ours, 'p50'):.1f}, {mid(ours, 'p99'):.1f} | {mid(low, 'p50'):.1f}, {mid(low, 'p99'):.1f} "
            f"| {mid(ours, 'server_cpu'):.0f} + {mid(ours, 'database_cpu'):.0f} "
            f"| {mid(low, 'server_cpu'):.0f} + {mid(low, 'database_cpu'):.0f} |"
        )


def mid(samples: list[Sample], field: str) -> float:
    values: list[float] = [getattr(sample, field) for sample in samples]
    return median(values)


if __name__ == "__main__":
    main()
