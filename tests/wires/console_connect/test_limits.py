"""The rate limit: the bucket with given times, and on the wire."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.wires.http import limits
from clearline.wires.http.limits import RateLimiter
from tests.builders.application import serving
from tests.builders.console_connect import TICKETS, assert_fault, fault
from tests.builders.jobs import set_clock
from tests.builders.people import new_tenant

NOW = 1_772_366_400.0


@pytest.fixture(scope="module")
async def limited(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a server that allows each key three requests a minute."""
    async with serving(Settings(database_url=database_url, rate_limit=3, access_log=False)) as opened:
        yield opened


def test_without_a_limit_nothing_is_refused_and_no_headers_are_sent() -> None:
    limiter, key = RateLimiter(0), uuid4()
    assert [limiter.spend(key, NOW, NOW) for _ in range(100)] == [([], 0)] * 100


def test_the_headers_show_the_remaining_requests() -> None:
    headers, wait = RateLimiter(60).spend(uuid4(), NOW, NOW)
    assert wait == 0
    assert headers == [
        (b"ratelimit-policy", b'"key";q=60;w=60'),
        (b"ratelimit", b'"key";r=59;t=1'),
        (b"x-ratelimit-limit", b"60"),
        (b"x-ratelimit-remaining", b"59"),
        (b"x-ratelimit-reset", b"1772366401"),
    ]


def test_an_empty_bucket_returns_the_time_until_the_next_request() -> None:
    limiter, key = RateLimiter(3), uuid4()
    assert [limiter.spend(key, NOW, NOW)[1] for _ in range(4)] == [0, 0, 0, 20]
    headers, wait = limiter.spend(key, NOW + 5, NOW + 5)
    assert wait == 15
    assert headers == [
        (b"ratelimit-policy", b'"key";q=3;w=60'),
        (b"ratelimit", b'"key";r=0;t=15'),
        (b"x-ratelimit-limit", b"3"),
        (b"x-ratelimit-remaining", b"0"),
        (b"x-ratelimit-reset", b"1772366420"),
    ]


def test_a_client_that_waits_as_long_as_required_is_accepted() -> None:
    limiter, key = RateLimiter(7), uuid4()
    at = NOW
    for _ in range(50):
        _headers, wait = limiter.spend(key, at, at)
        if wait:
            at += wait
            assert limiter.spend(key, at, at)[1] == 0


def test_a_refused_request_costs_nothing() -> None:
    limiter, key = RateLimiter(1), uuid4()
    limiter.spend(key, NOW, NOW)
    assert [limiter.spend(key, NOW + second, NOW + second)[1] for second in (1, 30, 59)] == [59, 30, 1]
    assert limiter.spend(key, NOW + 60, NOW + 60)[1] == 0


def test_a_bucket_never_holds_more_than_its_quota() -> None:
    limiter, key = RateLimiter(3), uuid4()
    limiter.spend(key, NOW, NOW)
    assert [limiter.spend(key, NOW + 86_400, NOW + 86_400)[1] for _ in range(4)] == [0, 0, 0, 20]


def test_each_key_has_its_own_bucket() -> None:
    limiter, first_key, second_key = RateLimiter(1), uuid4(), uuid4()
    assert limiter.spend(first_key, NOW, NOW)[1] == 0
    assert limiter.spend(first_key, NOW, NOW)[1] == 60
    assert limiter.spend(second_key, NOW, NOW)[1] == 0


def test_the_memory_of_buckets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_BUCKETS", 3)
    limiter = RateLimiter(1)
    keys = [uuid4() for _ in range(4)]
    assert [limiter.spend(key, NOW, NOW)[1] for key in keys] == [0] * 4
    assert limiter.spend(keys[0], NOW, NOW)[1] == 0, "forgotten when the memory was full"
    assert limiter.spend(keys[3], NOW, NOW)[1] == 60


async def test_requests_are_counted_and_then_refused(limited: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    answers = [await limited.get("/auth/token", headers=tenant.headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert answer.headers["ratelimit"].startswith(f'"key";r={answer.headers["x-ratelimit-remaining"]};t=')
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert answer.headers["x-ratelimit-reset"].isdigit()
    refused = answers[-1]
    wait = refused.headers["retry-after"]
    assert 1 <= int(wait) <= 20
    assert_fault(refused, 429)
    assert refused.json() == fault(429, f"Too many requests: try again in {wait} s.")
    assert all("retry-after" not in answer.headers for answer in answers[:3])


async def test_a_clock_that_is_set_back_locks_nobody_out(
    limited: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await new_tenant(database)
    assert (await limited.get("/auth/token", headers=tenant.headers)).status_code == 200
    set_clock(monkeypatch, timedelta(hours=-1))
    answers = [await limited.get("/auth/token", headers=tenant.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) <= 20


async def test_refused_requests_count_and_have_the_headers(limited: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    wrong = [
        await limited.get(TICKETS, headers=tenant.headers),
        await limited.get(f"{TICKETS}/INC999999999999", headers=tenant.headers),
        await limited.delete(TICKETS, headers=tenant.headers),
        await limited.post(TICKETS, headers=tenant.headers, json={}),
    ]
    assert [answer.status_code for answer in wrong] == [400, 404, 405, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in wrong] == ["2", "1", "0", "0"]


async def test_one_key_does_not_use_the_requests_of_another(limited: httpx.AsyncClient, database: Database) -> None:
    greedy, modest = await new_tenant(database), await new_tenant(database)
    for _ in range(5):
        await limited.get("/auth/token", headers=greedy.headers)
    assert (await limited.get("/auth/token", headers=modest.headers)).status_code == 200


async def test_without_a_key_there_are_no_headers(limited: httpx.AsyncClient) -> None:
    for _ in range(5):
        answer = await limited.get("/auth/token")
        assert answer.status_code == 401
        assert not [name for name in answer.headers if "ratelimit" in name]


async def test_without_a_limit_there_are_no_headers(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    answer = await client.get("/auth/token", headers=tenant.headers)
    assert not [name for name in answer.headers if "ratelimit" in name]
