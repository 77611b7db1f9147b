"""Name resolution, with lookups that hang."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from clearline.platform.network.resolver import LOOKUPS_MAX, Resolver, domain_of
from tests.patience import patient, stretched


async def test_the_number_of_lookups_at_a_time_is_limited() -> None:
    may_answer = threading.Event()
    lookups: list[str] = []

    def look(host: str, _port: int) -> Sequence[str]:
        lookups.append(host)
        may_answer.wait(20)
        return [host]

    resolver = Resolver(look)
    waiting = [asyncio.create_task(resolver(f"www.{index}.example", 443)) for index in range(LOOKUPS_MAX + 4)]
    await asyncio.sleep(stretched(0.1))
    assert len(lookups) == LOOKUPS_MAX
    assert await resolver("192.0.2.7", 443) == ["192.0.2.7"], "an address needs no lookup"
    may_answer.set()
    assert await asyncio.gather(*waiting) == [[f"www.{index}.example"] for index in range(LOOKUPS_MAX + 4)]
    assert await resolver("www.0.example", 443) == ["www.0.example"]
    assert lookups.count("www.0.example") == 2, "no answer is cached"
    await resolver.close()


def test_a_lookup_that_hangs_does_not_delay_the_end_of_the_process() -> None:
    program = """
import asyncio, time
from clearline.platform.network.resolver import Resolver

async def main():
    resolver = Resolver(lambda host, port: time.sleep(60))
    asking = asyncio.create_task(resolver("www.example.com", 443))
    await asyncio.sleep(0.1)
    asking.cancel()
    await resolver.close()

asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], check=True, timeout=patient(10)).returncode == 0


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.com", "example.com"),
        ("Example.COM.", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("a.example.nl", "example.nl"),
        ("localhost", "localhost"),
    ],
)
def test_the_domain_of_a_host_is_the_registered_one(host: str, domain: str) -> None:
    assert domain_of(host) == domain
