"""What is fetched of identity providers, how often, and what is refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from clearline.sign_in.identity_providers.domain import PROVIDERS_MAX, ProviderFailed, ProviderUnreachable
from clearline.sign_in.identity_providers.openid_client import ANSWER_MAX, OpenIdClient
from tests.builders.sign_in.openid.hostile import HostileProvider, hostile_provider
from tests.builders.webhooks.receiver import LOOPBACK, ReceivedRequest, Receiver, answer, receiving

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
async def hostile() -> AsyncIterator[HostileProvider]:
    async with hostile_provider() as provider:
        yield provider


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_the_description_and_the_keys_are_fetched_once(hostile: HostileProvider) -> None:
    client = OpenIdClient(LOOPBACK)
    for _ in range(3):
        assert (await client.metadata(hostile.issuer)).token_endpoint == f"{hostile.issuer}/token"
        assert await client.keys(hostile.issuer) == hostile.keys
        await client.keys(hostile.issuer, renew=True)
    assert hostile.fetched == [DISCOVERY, "/jwks"]


async def test_keys_are_fetched_again_when_one_of_them_is_unknown(
    hostile: HostileProvider,
) -> None:
    client = OpenIdClient(LOOPBACK, renewed_seconds=0)
    await client.keys(hostile.issuer)
    hostile.keys = [{"kty": "EC", "kid": "new"}]
    assert await client.keys(hostile.issuer) != hostile.keys
    assert await client.keys(hostile.issuer, renew=True) == hostile.keys


async def test_a_limited_number_of_providers_is_kept(hostile: HostileProvider) -> None:
    client = OpenIdClient(LOOPBACK)
    for number in range(PROVIDERS_MAX + 1):
        hostile.metadata["issuer"] = f"{hostile.issuer}{'/' * number}"
        await client.metadata(hostile.metadata["issuer"])
    hostile.metadata["issuer"] = hostile.issuer
    await client.metadata(hostile.issuer)
    assert hostile.fetched == [DISCOVERY] * (PROVIDERS_MAX + 2)


async def test_a_private_address_is_not_reached_unless_it_is_allowed(hostile: HostileProvider) -> None:
    with pytest.raises(ProviderFailed, match="no public address, or to one that may not be reached"):
        await OpenIdClient(()).metadata(hostile.issuer)
    assert hostile.fetched == []


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer(302, Location="http://127.0.0.1/elsewhere"), "was answered 302"),
        (answer(500), "was answered 500"),
        (answer(200, b"<html>"), "is no description of an OpenID provider"),
        (answer(200, b"[]"), "is no description of an OpenID provider"),
        (answer(200, b'{"issuer": "\xff"}'), "is no description of an OpenID provider"),
        (answer(200, b'{"more": ' + b"[" * 100_000), "is no description of an OpenID provider"),
        (answer(200, b" " * (ANSWER_MAX + 1)), "has more than 262144 bytes"),
        (b"", "was not reached: the connection broke off"),
        (b"nonsense\r\n\r\n", "was not reached: the connection broke off"),
    ],
)
async def test_an_answer_that_is_no_description_is_refused(receiver: Receiver, response: bytes, why: str) -> None:
    receiver.usual = response
    with pytest.raises(ProviderFailed, match=why):
        await OpenIdClient(LOOPBACK).metadata(f"http://127.0.0.1:{receiver.port}")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("secret", "methods", "authorization", "fields"),
    [
        ("a secret:%", None, "Basic dGhlJTNBZGVzazphK3NlY3JldCUzQSUyNQ==", set()),
        ("s", ["client_secret_post"], None, {"client_id", "client_secret"}),
        ("s", ["client_secret_post", "client_secret_basic"], "Basic dGhlJTNBZGVzazpz", set()),
        (None, None, None, {"client_id"}),
    ],
)
async def test_the_client_names_itself_as_the_provider_wants(
    receiver: Receiver, secret: str | None, methods: list[str] | None, authorization: str | None, fields: set[str]
) -> None:
    async with hostile_provider() as hostile:
        hostile.metadata |= {} if methods is None else {"token_endpoint_auth_methods_supported": methods}
        hostile.metadata["token_endpoint"] = f"http://127.0.0.1:{receiver.port}/token"
        client = OpenIdClient(LOOPBACK)
        metadata = await client.metadata(hostile.issuer)
    receiver.usual = answer(200, b'{"id_token": "a.b.c"}')
    tokens = await client.exchange(
        metadata, ("the:desk", secret), code="a code", verifier="v", redirect_uri="https://desk.example.com/back"
    )
    assert tokens == {"id_token": "a.b.c"}
    [request] = receiver.requests
    assert request.headers.get("authorization") == authorization
    body = dict(pair.split("=") for pair in request.body.decode().split("&"))
    usual = {"grant_type", "code", "redirect_uri", "code_verifier"}
    assert set(body) == usual | fields
    assert body["redirect_uri"] == "https%3A%2F%2Fdesk.example.com%2Fback"


async def test_what_the_provider_writes_about_an_error_is_not_taken_over_unescaped(receiver: Receiver) -> None:
    async def respond(request: ReceivedRequest) -> bytes:
        body = b'{"error": "a\\nb"}' if request.path == "/token" else b""
        return answer(400, body)

    receiver.respond = respond
    async with hostile_provider() as hostile:
        hostile.metadata["token_endpoint"] = f"http://127.0.0.1:{receiver.port}/token"
        client = OpenIdClient(LOOPBACK)
        metadata = await client.metadata(hostile.issuer)
    with pytest.raises(ProviderFailed, match=r"answered 400: 'a\\nb'"):
        await client.exchange(metadata, ("the-desk", None), code="c", verifier="v", redirect_uri="r")


async def test_a_provider_that_is_down_is_not_asked_again_at_once(receiver: Receiver) -> None:
    receiver.usual = answer(503)
    issuer = f"http://127.0.0.1:{receiver.port}"
    client = OpenIdClient(LOOPBACK)
    for failing in (client.metadata, client.keys, client.metadata):
        with pytest.raises(ProviderUnreachable, match="was answered 503"):
            await failing(issuer)
    assert len(receiver.requests) == 1


async def test_a_provider_that_is_back_is_asked_again(hostile: HostileProvider, receiver: Receiver) -> None:
    receiver.usual = answer(404)
    client = OpenIdClient(LOOPBACK, failed_seconds=0)
    issuer = f"http://127.0.0.1:{receiver.port}"
    with pytest.raises(ProviderFailed, match="was answered 404") as refused:
        await client.metadata(issuer)
    assert not isinstance(refused.value, ProviderUnreachable)
    receiver.respond = hostile.respond
    hostile.metadata["issuer"] = issuer
    assert (await client.metadata(issuer)).issuer == issuer


async def test_sign_ins_at_the_same_time_fetch_a_description_once(hostile: HostileProvider) -> None:
    client = OpenIdClient(LOOPBACK)
    found = await asyncio.gather(*(client.metadata(hostile.issuer) for _ in range(20)))
    assert {metadata.issuer for metadata in found} == {hostile.issuer}
    assert hostile.fetched == [DISCOVERY]


async def test_sign_ins_at_the_same_time_ask_a_provider_that_is_down_once(receiver: Receiver) -> None:
    receiver.usual = answer(500)
    client = OpenIdClient(LOOPBACK)
    asked = (client.metadata(f"http://127.0.0.1:{receiver.port}") for _ in range(20))
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(failure) for failure in failures} == {ProviderUnreachable}
    assert len(receiver.requests) == 1
