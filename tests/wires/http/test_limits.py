"""Limits that all keys of a company share, and those of addresses that send unknown keys."""

from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.errors import Unauthenticated
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings, read_settings
from clearline.wires.http.limits import LookUps, OpenStreams, RateLimiter, TooManyRequests, TooManyStreams
from tests.builders.application import serving
from tests.builders.attachments import attach
from tests.builders.house import TICKETS, new_ticket, problem
from tests.builders.people import NOW, Tenant, new_tenant, staff_key
from tests.builders.streams import EVENTS, open_stream

AT = 1_000.0
CLIENT = ("192.0.2.1", 40_000)
ME = "/api/v1/me"
EXPORT = "/api/v1/exports/tickets"


def unknown_key() -> dict[str, str]:
    return {"Authorization": f"Bearer clk_{uuid4().hex}{'x' * 11}"}


async def another_key(database: Database, tenant: Tenant) -> dict[str, str]:
    async with database.transaction() as tx:
        _key, secret = await keys.create_key(tx, OPERATOR, tenant.company.code, name="another", now=NOW)
    return {"Authorization": f"Bearer {secret}"}


def test_all_keys_of_a_company_share_its_requests() -> None:
    limiter, company = RateLimiter(3, 4), uuid4()
    waits = [limiter.spend(uuid4(), AT, AT, company=company)[1] for _ in range(6)]
    assert waits == [0, 0, 0, 0, 15, 15]
    assert limiter.spend(uuid4(), AT, AT, company=uuid4())[1] == 0, "another company has its own"
    assert limiter.spend(uuid4(), AT, AT)[1] == 0, "the provider's people have none"
    assert limiter.spend(uuid4(), AT + 15, AT + 15, company=company)[1] == 0


def test_the_headers_describe_the_limit_of_which_less_is_left() -> None:
    limiter, company, key = RateLimiter(3, 4), uuid4(), uuid4()
    policies = [
        dict(limiter.spend(spender, AT, AT, company=company)[0])[b"ratelimit"] for spender in (key, key, uuid4(), key)
    ]
    assert policies == [b'"key";r=2;t=20', b'"key";r=1;t=40', b'"company";r=1;t=45', b'"key";r=0;t=60']
    headers, wait = limiter.spend(uuid4(), AT, AT, company=company)
    assert (dict(headers)[b"ratelimit-policy"], wait) == (b'"company";q=4;w=60', 15)


def test_a_refused_request_takes_nothing_from_either_limit() -> None:
    limiter, company, key = RateLimiter(2, 3), uuid4(), uuid4()
    assert [limiter.spend(key, AT, AT, company=company)[1] for _ in range(4)] == [0, 0, 30, 30]
    assert limiter.spend(uuid4(), AT, AT, company=company)[1] == 0


def test_a_company_can_have_a_limit_where_keys_have_none() -> None:
    limiter, company = RateLimiter(0, 2), uuid4()
    assert [limiter.spend(uuid4(), AT, AT, company=company)[1] for _ in range(3)] == [0, 0, 30]
    assert limiter.spend(uuid4(), AT, AT) == ([], 0)


@pytest.mark.parametrize(
    ("variables", "requests"),
    [
        ({}, 30_000),
        ({"CLEARLINE_RATE_LIMIT": "10"}, 50),
        ({"CLEARLINE_RATE_LIMIT": "0"}, 0),
        ({"CLEARLINE_RATE_LIMIT": "10", "CLEARLINE_COMPANY_RATE_LIMIT": "0"}, 0),
        ({"CLEARLINE_RATE_LIMIT": "0", "CLEARLINE_COMPANY_RATE_LIMIT": "7"}, 7),
    ],
)
def test_a_company_may_send_five_times_the_requests_of_a_key(variables: dict[str, str], requests: int) -> None:
    assert read_settings(variables).requests_of_company == requests


async def test_requests_of_a_company_are_refused_with_any_key_and_staff_is_not(database_url: str) -> None:
    database = await Database.open(database_url)
    greedy, modest = await new_tenant(database), await new_tenant(database)
    second, staff = await another_key(database, greedy), await staff_key(database, Role.AGENT)
    settings = Settings(database_url=database_url, rate_limit=100, company_rate_limit=3, access_log=False)
    async with serving(settings) as client:
        for headers in (greedy.headers, second, greedy.headers):
            assert (await client.get(ME, headers=headers)).status_code == 200
        refused = await client.get(ME, headers=second)
        problem(refused, "quota-exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        for headers in [modest.headers, *[staff] * 5]:
            assert (await client.get(ME, headers=headers)).status_code == 200
    await database.close()


def test_all_keys_of_a_company_share_its_streams() -> None:
    streams, company = OpenStreams(per_key=2, per_company=3, in_all=10), uuid4()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(streams.count(uuid4(), company))
        with pytest.raises(TooManyStreams, match="3 streams of your company are"), streams.count(uuid4(), company):
            pass
        with streams.count(uuid4(), uuid4()), streams.count(uuid4()):
            assert streams.open == 5
    with streams.count(uuid4(), company):
        assert streams.open == 1


def test_downloads_are_streams_of_their_company_and_of_no_key() -> None:
    streams, company = OpenStreams(per_key=1, per_company=3, in_all=5), uuid4()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(streams.count_download(company))
        with pytest.raises(TooManyStreams, match="3 streams of your company are"), streams.count_download(company):
            pass
        with pytest.raises(TooManyStreams, match="3 streams of your company are"), streams.count(uuid4(), company):
            pass
        stack.enter_context(streams.count_download(uuid4()))
        with pytest.raises(TooManyStreams, match="4 streams of customers are"), streams.count_download(uuid4()):
            pass
        stack.enter_context(streams.count_download(None))
        with pytest.raises(TooManyStreams, match="5 streams are"), streams.count_download(None):
            pass
    assert streams.open == 0


async def test_downloads_share_the_streams_of_a_company(database_url: str, tmp_path: Path) -> None:
    database = await Database.open(database_url)
    greedy, modest = await new_tenant(database), await new_tenant(database)
    second, staff = await another_key(database, greedy), await staff_key(database, Role.AGENT)
    settings = Settings(
        database_url=database_url, data_dir=tmp_path, company_streams=2, streams=5, workers=False, access_log=False
    )
    async with serving(settings) as client, AsyncExitStack() as stack:
        ticket = f"{TICKETS}/{(await new_ticket(client, greedy))['number']}"
        file = await attach(client, f"{ticket}/attachments", greedy.headers)
        downloads = [EXPORT, f"{EXPORT}?format=csv", file.headers["location"] + "/content"]
        for path in downloads * 2:
            assert (await client.get(path, headers=second)).status_code == 200, "a download that has ended is free"
        for headers in (greedy.headers, second):
            assert (await stack.enter_async_context(open_stream(client, headers))).status == 200
        for path in downloads:
            refused = await client.get(path, headers=second)
            assert problem(refused, "quota-exceeded")["detail"].startswith("2 streams of your company are open already")
            assert refused.headers["retry-after"] == "10"
            assert (await client.get(path, headers=staff)).status_code == 200
        assert (await client.get(EXPORT, headers=modest.headers)).status_code == 200
        assert (await client.get(f"{ticket}/attachments", headers=second)).status_code == 200
    await database.close()


def test_a_fifth_of_the_streams_is_kept_for_staff() -> None:
    streams = OpenStreams(per_key=20, per_company=20, in_all=10)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(streams.count(uuid4(), uuid4()))
        with pytest.raises(TooManyStreams, match="8 streams of customers are"), streams.count(uuid4(), uuid4()):
            pass
        for _ in range(2):
            stack.enter_context(streams.count(uuid4()))
        with pytest.raises(TooManyStreams, match="10 streams are"), streams.count(uuid4()):
            pass


async def test_many_keys_of_a_company_leave_streams_for_others(database_url: str) -> None:
    database = await Database.open(database_url)
    greedy, modest = await new_tenant(database), await new_tenant(database)
    second, staff = await another_key(database, greedy), await staff_key(database, Role.AGENT)
    async with (
        serving(Settings(database_url=database_url, company_streams=2, streams=5, access_log=False)) as client,
        AsyncExitStack() as stack,
    ):
        for headers in (greedy.headers, second):
            assert (await stack.enter_async_context(open_stream(client, headers))).status == 200
        for accept in ("text/event-stream", "application/x-ndjson"):
            refused = await client.get(EVENTS, headers={**second, "Accept": accept})
            body = problem(refused, "quota-exceeded")
            assert body["detail"].startswith("2 streams of your company are open already")
            assert refused.headers["retry-after"] == "10"
        for headers in (modest.headers, staff):
            assert (await stack.enter_async_context(open_stream(client, headers))).status == 200
    await database.close()


def refusals(look_ups: LookUps, client: object, times: int) -> int:
    """Return how many of so many look-ups of unknown keys are refused."""
    refused = 0
    for _ in range(times):
        try:
            with suppress(Unauthenticated), look_ups.count(client):
                fail()
        except TooManyRequests:
            refused += 1
    return refused


def fail() -> None:
    raise Unauthenticated


@pytest.mark.parametrize(
    ("first", "second", "are_same"),
    [
        (CLIENT, ("192.0.2.1", 5), True),
        (CLIENT, ("192.0.2.2", 40_000), False),
        (("2001:db8::1", 1), ("2001:db8::ffff:1", 1), True),
        (("2001:db8::1", 1), ("2001:db8:0:1::1", 1), False),
        (("::ffff:192.0.2.1", 1), ("::ffff:192.0.2.2", 1), False),
        (("fe80::1%eth0", 1), ("fe80::2", 1), True),
        (None, None, True),
        (("not:an:address", 1), ("not:an:address", 2), True),
    ],
)
def test_unknown_keys_are_limited_for_each_address(first: object, second: object, are_same: bool) -> None:  # noqa: FBT001
    look_ups = LookUps(3)
    assert refusals(look_ups, first, 5) == 2
    assert refusals(look_ups, second, 3) == (3 if are_same else 0)


@pytest.mark.parametrize("ends", [lambda: None, lambda: 1 / 0])
def test_a_look_up_that_finds_a_key_or_fails_costs_nothing(ends: Callable[[], object]) -> None:
    look_ups = LookUps(2)
    for _ in range(10):
        with suppress(ZeroDivisionError), look_ups.count(CLIENT):
            ends()
    assert refusals(look_ups, CLIENT, 2) == 0


async def test_whoever_guesses_keys_is_refused_and_known_keys_are_not(database_url: str, tenant: Tenant) -> None:
    async with serving(Settings(database_url=database_url, rate_limit=0, access_log=False)) as client:
        assert (await client.get(ME, headers=tenant.headers)).status_code == 200
        guesses = 0
        while (answer := await client.get(ME, headers=unknown_key())).status_code == 401:
            guesses += 1
        assert guesses >= 300
        body = problem(answer, "quota-exceeded")
        wait = answer.headers["retry-after"]
        assert (
            body["detail"] == f"too many requests with unknown API keys from your address; try again in {wait} seconds"
        )
        assert (await client.get(ME, headers=tenant.headers)).status_code == 200
        malformed = await client.get(ME, headers={"Authorization": "Bearer clk_short"})
        problem(malformed, "unauthenticated")


async def test_the_answers_kept_for_a_company_are_limited_and_are_still_given_again(
    database_url: str, database: Database
) -> None:
    greedy, modest = await new_tenant(database), await new_tenant(database)
    second, staff = await another_key(database, greedy), await staff_key(database, Role.AGENT)
    settings = Settings(database_url=database_url, company_idempotency_max=2500, workers=False, access_log=False)
    async with serving(settings) as client:
        number = (await new_ticket(client, greedy))["number"]

        async def add(headers: dict[str, str], key: str | None) -> httpx.Response:
            sent = headers if key is None else {**headers, "Idempotency-Key": key}
            return await client.post(f"{TICKETS}/{number}/notes", headers=sent, json={"text": "Still down"})

        answers = [await add(greedy.headers, f"key-{n}") for n in range(4)]
        assert [answer.status_code for answer in answers] == [201, 201, 201, 201]
        refused = await add(second, "another")
        body = problem(refused, "quota-exceeded")
        wait = refused.headers["retry-after"]
        assert body["detail"] == (
            f"too many answers are kept for your Idempotency-Keys; try again in {wait} seconds, or without a key"
        )
        again = await add(greedy.headers, "key-0")
        assert (again.status_code, again.content) == (201, answers[0].content)
        assert (await add(greedy.headers, None)).status_code == 201
        assert (await add(staff, "staff")).status_code == 201
        other = (await new_ticket(client, modest))["number"]
        path = f"{TICKETS}/{other}/notes"
        sent = {**modest.headers, "Idempotency-Key": "modest"}
        assert (await client.post(path, headers=sent, json={"text": "Down"})).status_code == 201


async def test_how_many_keys_may_be_guessed_is_a_setting(database_url: str) -> None:
    settings = Settings(database_url=database_url, rate_limit=0, access_log=False, unknown_keys=10)
    async with serving(settings) as client:
        statuses = [(await client.get(ME, headers=unknown_key())).status_code for _ in range(12)]
    assert (statuses[:10], statuses[-1]) == ([401] * 10, 429)
