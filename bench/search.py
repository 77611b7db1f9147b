"""How long a search takes, in the whole way of a request, on a desk of so many tickets.

python bench/search.py [--tickets 1000000] [--seconds 5] [--connections 1] [--kinds words facts sorted] [--pause]

``words`` are words and the filters of every desk, ``facts`` the filters by what a provider knows of a ticket, each
alone and with a word that many tickets have, ``sorted`` searches in an order. The tickets are those of corpus.py. With
``--pause`` it waits for Enter before it measures: the machine may be busy while the database is filled.
"""

import argparse
import asyncio
import json
import random
import sys
import urllib.error
from collections.abc import Callable
from urllib.parse import urlencode

from clearline.tickets.domain import ticket_number
from corpus import (
    LATENCY_MAX,
    STEPS,
    TIERS,
    WORDS,
    address_of,
    case_of,
    circuit_of,
    copied_of,
    fill,
    on_duty_of,
    serial_of,
    service_of,
    site_of,
)
from dataset import COMPANIES, Tenant
from rig import Sample, Server, clearline, database, get, load

LIMIT_MS = 50
QUERIES = 100
"""Of each kind."""
LONG = 6
"""Letters of words with which few others begin."""
SORTED_WORDS = [word for word in WORDS[10_000:] if len(word) >= LONG]
"""Words that fewer tickets have than a search sorts."""
SORTED_OPEN_WORDS = [word for word in WORDS[1_000:5_000] if len(word) >= LONG]
"""Words that fewer open tickets have than a search sorts."""


def query(text: str, sort: str = "") -> str:
    """Return the query string of a search."""
    return urlencode({"q": text, "sort": sort} if sort else {"q": text})


def numbers_of(tickets: int, tenant: int | None, chosen: random.Random) -> list[int]:
    """Return numbers of tickets of one company or of any."""
    if tenant is None:
        return [chosen.randint(1, tickets) for _ in range(QUERIES)]
    return [chosen.randrange(tickets // COMPANIES) * COMPANIES + 1 + tenant for _ in range(QUERIES)]


def queries(tickets: int, tenant: int | None) -> dict[str, list[str]]:
    """Return queries of each kind, about tickets of one company or of any."""
    chosen = random.Random(2)
    numbers = numbers_of(tickets, tenant, chosen)
    rare, common, usual = WORDS[5_000:], WORDS[:40], WORDS[60:400]

    def some(make_one: Callable[[int], str]) -> list[str]:
        return [query(make_one(number)) for number in numbers]

    return {
        "number": some(ticket_number),
        "service id": some(lambda number: service_of((number - 1) % COMPANIES, number)),
        "IP address": some(address_of),
        "part of an address": some(lambda number: address_of(number).rpartition(".")[0]),
        "rare word": some(lambda _: chosen.choice(rare)),
        "common word": some(lambda _: chosen.choice(common)),
        "two words": some(lambda _: f"{chosen.choice(usual)} {chosen.choice(common)}"),
        "beginning of two letters": some(lambda _: chosen.choice(usual)[:2]),
        "phrase": some(lambda _: f'"{chosen.choice(usual)} {chosen.choice(common)}"'),
        "phrase of common words": some(lambda _: f'"{chosen.choice(common)} {chosen.choice(common)}"'),
        "excluded word": some(lambda _: f"{chosen.choice(usual)} -{chosen.choice(common)}"),
        "filter and word": some(lambda _: f"status:open {chosen.choice(common)}"),
        "filters": some(lambda _: f"status:{chosen.choice(('open', 'held', 'closed'))} priority:high"),
        "days and word": some(lambda _: f"created:>=2025-0{chosen.randint(1, 9)}-15 {chosen.choice(usual)}"),
    }


def facts(tickets: int, tenant: int | None) -> dict[str, list[str]]:
    """Return queries by what a provider knows of a ticket, each kind alone and with a word that many tickets have."""
    chosen = random.Random(3)
    numbers = numbers_of(tickets, tenant, chosen)
    # Those with the facts that one in twenty tickets has.
    serials = [serial - serial % 20 for serial in map(serial_of, numbers)]
    circuits = [circuit_of((number - 1) % COMPANIES, number) for number in numbers]
    services = [service_of((number - 1) % COMPANIES, number) for number in numbers]
    least = [chosen.randrange(LATENCY_MAX) for _ in numbers]
    days = [f"2025-{chosen.randint(1, 11):02d}-{chosen.randint(1, 28):02d}" for _ in numbers]
    kinds = {
        "occurred: a day": [f"occurred:{day}" for day in days],
        "occurred: since": [f"occurred:>={day}" for day in days],
        "contact:": [f"contact:{on_duty_of(serial)}" for serial in serials],
        "cc:": [f"cc:{copied_of(serial)}" for serial in serials],
        "field: a text": [f'field.site:"{site_of(serial)}"' for serial in serials],
        "field: a word": [f"field.site:{site_of(serial).split()[-1]}" for serial in serials],
        "field: a number": [f"field.latency:{number}" for number in least],
        "field: ten numbers": [f"field.latency:{number}..{number + 9}" for number in least],
        "field: above a number": [f"field.latency:>{number}" for number in least],
        "field: moments of a day": [f"field.promised:{day}" for day in days],
        "field: moments since": [f"field.promised:>={day}" for day in days],
        "service: an id": [f"service:{service}" for service in services],
        "customer's label": [f"CL-{circuit}" for circuit in circuits],
        "device": [f"pe1.{circuit}" for circuit in circuits],
    }
    if tenant is None:
        kinds |= {
            "reminder: any": ["reminder:any" for _ in numbers],
            "reminder: within hours": [f"reminder:<{chosen.randint(1, 20)}h" for _ in numbers],
            "reminder: within days": [f"reminder:<{chosen.randint(1, 20)}d" for _ in numbers],
            "tier:": [f"tier:{chosen.choice(TIERS)}" for _ in numbers],
            "sub-status:": [f"sub-status:step_{number % STEPS}" for number in numbers],
            "is:chronic": ["is:chronic" for _ in numbers],
            "case:": [f"case:{case_of(serial)}" for serial in serials],
            "carrier's number": [f"FHC-{circuit}" for circuit in circuits],
        }
    asked = {}
    for kind, texts in kinds.items():
        asked[kind] = [query(text) for text in texts]
        asked[f"{kind}, and a word"] = [query(f"{text} {chosen.choice(WORDS[:40])}") for text in texts]
    return asked


def in_orders(_tickets: int, tenant: int | None) -> dict[str, list[str]]:
    """Return sorted searches."""
    chosen = random.Random(4)
    orders = ["occurred_at", "field.latency", "field.site", *(["reminder_at"] if tenant is None else [])]
    kinds: dict[str, Callable[[], str]] = {
        "open": lambda: "status:open",
        "a word": lambda: chosen.choice(SORTED_WORDS),
        "open, and a word": lambda: f"status:open {chosen.choice(SORTED_OPEN_WORDS)}",
    }
    if tenant is None:
        kinds |= {
            "open of a tier": lambda: f"status:open tier:{chosen.choice(TIERS)}",
            "open with a sub-status": lambda: f"status:open sub-status:step_{chosen.randrange(STEPS)}",
        }
    return {
        f"{kind} by {order}": [query(make_one(), chosen.choice(("", "-")) + order) for _ in range(QUERIES)]
        for order in orders
        for kind, make_one in kinds.items()
    }


KINDS = {"words": queries, "facts": facts, "sorted": in_orders}


_LUA = """
local paths = {%(paths)s}
local headers = {["Authorization"] = "Bearer %(key)s"}
function init(args) math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


def measure(server: Server, database_pid: int, key: str, asked: list[str], *, seconds: int, connections: int) -> Sample:
    paths = ",".join(f'"/api/v1/search?{each}"' for each in asked)
    script = _LUA % {"paths": paths, "key": key}
    return load(server, database_pid, script, f"such as {asked[0]}", seconds=seconds, connections=connections)


def warm(server: Server, key: str, asked: list[str]) -> None:
    """Ask everything once, so that what is measured is the search and not the disk."""
    for each in asked:
        try:
            get(f"http://127.0.0.1:{server.port}/api/v1/search?{each}", key)
        except urllib.error.HTTPError as error:
            sys.exit(f"{each} is refused: {error.read().decode()}")


def matches(server: Server, key: str, asked: list[str]) -> str:
    """How many tickets a kind of query finds, the least and the most of a few."""
    counts = []
    for each in asked[:20]:
        total = json.loads(get(f"http://127.0.0.1:{server.port}/api/v1/search?{each}", key))["total"]
        counts.append((total["count"], total["exact"]))
    least, most = min(counts), max(counts)
    return f"{least[0]} to {most[0]}{'' if most[1] else ' and more'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--pause", action="store_true")
    asked = parser.parse_args()
    with database() as postgres:
        tenants, agent = asyncio.run(fill(postgres.url, asked.tickets))
        with clearline(postgres.url, 1) as server:
            run(server, postgres.supervisor.pid, tenants, agent, asked)


def run(server: Server, database_pid: int, tenants: list[Tenant], agent: str, asked: argparse.Namespace) -> None:
    """Measure every kind of query, and print a table."""
    people: dict[str, tuple[str, int | None]] = {"customer": (tenants[7].key, 7), "agent": (agent, None)}
    measured: list[tuple[str, str, list[str]]] = []
    for who, (key, tenant) in people.items():
        kinds = {kind: several for name in asked.kinds for kind, several in KINDS[name](asked.tickets, tenant).items()}
        for kind, several in kinds.items():
            warm(server, key, several)
            measured.append((f"{who} | {kind} | {matches(server, key, several)}", key, several))
        everything = [each for several in kinds.values() for each in several]
        measured.append((f"{who} | all of these | ", key, everything))
    if asked.pause:
        input("Enter measures. ")
    print("| who | query | matches | searches/s | p50 ms | p95 ms | p99 ms | max ms | p95 limit |")
    print("|---" * 9 + "|")
    for start, key, several in measured:
        sample = measure(server, database_pid, key, several, seconds=asked.seconds, connections=asked.connections)
        show(f"{start} | {sample.rate:.0f}", sample)


def show(start: str, sample: Sample) -> None:
    print(
        f"| {start} | {sample.p50:.1f} | {sample.p95:.1f} | {sample.p99:.1f} | {sample.longest:.0f} "
        f"| {LIMIT_MS}{' exceeded' if sample.p95 >= LIMIT_MS else ''} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
