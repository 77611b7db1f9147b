"""Attacks on the sign-in by an identity provider: tampered tokens, mixed-up providers, stolen states."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from clearline.platform.database.transactions import Database
from clearline.sign_in.identity_providers.domain import IdentityProvider
from tests.builders.sign_in.openid.desk import add_provider, callback, change_provider, delete_provider
from tests.builders.sign_in.openid.hostile import HostileProvider, Sign, hostile_provider
from tests.builders.web.pages import Page
from tests.builders.web.visitors import Visitor


class Attack:
    """A browser, the provider that it uses, and what the desk knows about it."""

    def __init__(self, client: httpx.AsyncClient, hostile: HostileProvider, provider: IdentityProvider) -> None:
        self.visitor, self.hostile, self.provider = Visitor(client), hostile, provider

    async def begin(self) -> str:
        """Return the address at the provider that the desk leads to."""
        led = await self.visitor.get(f"/sign-in/with/{self.provider.id}")
        assert led.status_code == 303, led.text
        return led.headers["location"]

    async def come_back(self, parameters: dict[str, str]) -> int:
        """Come back to the desk with parameters; return the status, after a look at the page of a failure."""
        answer = await self.visitor.get(callback(self.provider), **parameters)
        if answer.status_code != 303:
            page = Page(answer.text).text
            assert "Sign-in failed" in page
            assert self.hostile.issuer not in answer.text
            assert "session" not in self.visitor.cookies
        return answer.status_code

    async def sign_in(self, **changes: str | None) -> int:
        return await self.come_back(self.hostile.authorize(await self.begin(), **changes))


@pytest.fixture
async def attack(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Attack]:
    async with hostile_provider() as hostile:
        provider = await add_provider(database, hostile.issuer, name=hostile.issuer[-20:])
        yield Attack(client, hostile, provider)
        await delete_provider(database, provider)


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def without_signature(_provider: HostileProvider, claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."


def with_the_public_key_as_secret(provider: HostileProvider, claims: dict[str, Any]) -> str:
    """Sign with HMAC, whose key is the public key that everybody knows, in the forms that libraries have taken."""
    text = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    key = provider.key.as_pem(private=False)
    return f"{text}.{urlsafe_b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).rstrip(b'=').decode()}"


def with_the_client_secret(_provider: HostileProvider, claims: dict[str, Any]) -> str:
    text = f"{part({'alg': 'HS256'})}.{part(claims)}"
    mac = hmac.digest(b"the secret of the client", text.encode(), hashlib.sha256)
    return f"{text}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_another_key(provider: HostileProvider, claims: dict[str, Any]) -> str:
    other = RSAKey.generate_key(2048, {"kid": "one"})
    assert other.as_dict() != provider.key.as_dict()
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)


def with_an_unknown_key(provider: HostileProvider, claims: dict[str, Any]) -> str:
    return provider.signed(claims, kid="unknown")


def with_a_key_of_its_own(_provider: HostileProvider, claims: dict[str, Any]) -> str:
    own = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "jwk": own.as_dict(private=False)}, claims, own)


def changed_after_signing(provider: HostileProvider, claims: dict[str, Any]) -> str:
    header, _payload, signature = provider.signed(claims).split(".")
    return f"{header}.{part({**claims, 'email': 'boss@example.net'})}.{signature}"


def with_a_critical_header(provider: HostileProvider, claims: dict[str, Any]) -> str:
    text = f"{part({'alg': 'RS256', 'kid': 'one', 'crit': ['exp'], 'exp': 1})}.{part(claims)}"
    return text + "." + provider.signed(claims).rsplit(".", 1)[1]


def with_claims_too_deep(provider: HostileProvider, _claims: dict[str, Any]) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[" * 40_000, provider.key)


SIGNATURES: list[Sign] = [
    without_signature, with_the_public_key_as_secret, with_the_client_secret, by_another_key, with_an_unknown_key,
    with_a_key_of_its_own, changed_after_signing, with_a_critical_header, lambda _provider, _claims: "no token",
    lambda _provider, _claims: "", lambda _provider, _claims: "\N{SNOWMAN}.a.b", with_claims_too_deep,
]  # fmt: skip
HOUR = timedelta(hours=1)
CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"}, {"nonce": None}, {"nonce": ""}, {"nonce": ["a"]},
    {"iss": "https://id.example.org"}, {"iss": None},
    {"aud": "another"}, {"aud": None}, {"aud": []}, {"aud": ["the-desk", "another"]}, {"aud": {"the-desk": 1}},
    {"aud": ["the-desk", "another"], "azp": "another"}, {"azp": "another"},
    {"exp": -HOUR / 6}, {"exp": None}, {"exp": "never"}, {"exp": float("1e400")},
    {"iat": HOUR}, {"iat": None}, {"iat": -HOUR}, {"nbf": HOUR},
    {"sub": None}, {"sub": ""}, {"sub": 7},
]  # fmt: skip
"""Claims that are not what was expected; a duration stands for the time so long after now."""


async def test_the_provider_of_these_tests_signs_people_in_when_it_does_not_lie(attack: Attack) -> None:
    assert await attack.sign_in() == 303
    assert await attack.visitor.is_signed_in()
    [exchange] = attack.hostile.exchanges
    assert exchange["redirect_uri"] == callback(attack.provider)
    assert attack.hostile.asked["code_challenge_method"] == "S256"
    assert attack.hostile.asked["scope"] == "openid email profile groups"
    assert len(exchange["code_verifier"]) >= 43
    assert len({attack.hostile.asked["nonce"], attack.hostile.asked["state"], exchange["code_verifier"]}) == 3


@pytest.mark.parametrize("sign", SIGNATURES)
async def test_a_token_that_the_provider_did_not_sign_is_refused(attack: Attack, sign: Sign) -> None:
    attack.hostile.sign = sign
    assert await attack.sign_in() == 502


@pytest.mark.parametrize("claims", CLAIMS, ids=str)
async def test_a_token_for_something_else_is_refused(attack: Attack, claims: dict[str, Any]) -> None:
    now = time.time()
    attack.hostile.claims = {
        name: round(now + value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }
    assert await attack.sign_in() in {502, 403}


async def test_a_token_of_a_key_that_is_too_short_is_refused(attack: Attack) -> None:
    with pytest.warns(SecurityWarning, match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "one"})
    attack.hostile.key, attack.hostile.keys = short, [short.as_dict(private=False)]
    assert await attack.sign_in() == 502


async def test_a_new_key_is_fetched_once_and_another_kind_of_key_is_accepted(attack: Attack) -> None:
    assert await attack.sign_in() == 303
    new = ECKey.generate_key("P-256", {"kid": "two"})
    attack.hostile.keys = [{"kty": "oct", "k": "AAAA", "kid": "two"}, {"kty": "new"}, 7, new.as_dict(private=False)]
    attack.hostile.sign = lambda _provider, claims: jwt.encode({"alg": "ES256", "kid": "two"}, claims, new, ["ES256"])
    attack.visitor = Visitor(attack.visitor.client)
    assert await attack.sign_in() == 502
    assert attack.hostile.fetched.count("/jwks") == 1


@pytest.mark.parametrize("issuer", ["https://id.example.org", "", None])
async def test_an_answer_of_another_issuer_is_refused_before_its_code_is_used(
    attack: Attack, issuer: str | None
) -> None:
    assert await attack.sign_in(iss=issuer) == 400
    assert attack.hostile.exchanges == []


async def test_a_provider_that_does_not_name_itself_need_not(attack: Attack) -> None:
    del attack.hostile.metadata["authorization_response_iss_parameter_supported"]
    assert await attack.sign_in(iss=None) == 303


async def test_the_answer_of_one_provider_is_refused_at_the_address_of_another(
    attack: Attack, database: Database
) -> None:
    """A hostile provider leads the browser to a good one, and hopes for its code (RFC 9700, 4.4)."""
    async with hostile_provider() as good:
        del good.metadata["authorization_response_iss_parameter_supported"]
        other = Attack(attack.visitor.client, good, await add_provider(database, good.issuer, name="Good ID"))
        other.visitor = attack.visitor
        back = attack.hostile.authorize(await attack.begin())
        assert await other.come_back({**back, "iss": good.issuer}) == 400
        back = good.authorize(await other.begin(), iss=None)
        assert await attack.come_back(back) == 400
        assert attack.hostile.exchanges == good.exchanges == []
        assert await other.come_back(back) == 303
        await delete_provider(database, other.provider)


async def test_the_state_of_another_browser_is_refused_and_stays_good_in_its_own(attack: Attack) -> None:
    back = attack.hostile.authorize(await attack.begin())
    victim, attack.visitor = attack.visitor, Visitor(attack.visitor.client)
    await attack.visitor.get("/sign-in")
    assert await attack.come_back(back) == 400
    assert attack.hostile.exchanges == []
    attack.visitor = victim
    assert await attack.come_back(back) == 303
    del attack.visitor.cookies["session"]
    assert await attack.come_back(back) == 400
    assert len(attack.hostile.exchanges) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "x" * 43}, {"state": None}, {"code": None}, {"code": ""},
        {"error": "access_denied", "error_description": "<b>no</b>", "code": None},
    ],
)  # fmt: skip
async def test_an_answer_without_what_it_needs_is_refused(attack: Attack, changes: dict[str, str | None]) -> None:
    assert await attack.sign_in(**changes) == 400
    assert attack.hostile.exchanges == []


async def test_a_parameter_may_be_there_once(attack: Attack) -> None:
    back = attack.hostile.authorize(await attack.begin())
    answer = await attack.visitor.get(f"{callback(attack.provider)}?code=another", **back)
    assert answer.status_code == 400


async def test_a_sign_in_expires(attack: Attack, database: Database) -> None:
    back = attack.hostile.authorize(await attack.begin())
    async with database.transaction() as tx:
        await tx.write("update sign_in_flow set expires_at = expires_at - interval '10 minutes'")
    assert await attack.come_back(back) == 400


@pytest.mark.parametrize("metadata", [
    {"issuer": "https://id.example.org"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"authorization_endpoint": "https://id.example.org/a\r\nset-cookie: a=b"},
    {"token_endpoint": "file:///etc/passwd"},
    {"jwks_uri": 7},
])  # fmt: skip
async def test_a_description_of_another_provider_is_refused(attack: Attack, metadata: dict[str, Any]) -> None:
    attack.hostile.metadata |= metadata
    led = await attack.visitor.get(f"/sign-in/with/{attack.provider.id}")
    assert led.status_code == 502
    assert "location" not in led.headers


async def test_addresses_that_may_not_be_reached_are_not(attack: Attack, database: Database) -> None:
    await change_provider(database, attack.provider, issuer="http://169.254.169.254/latest", secret="another")
    led = await attack.visitor.get(f"/sign-in/with/{attack.provider.id}")
    assert led.status_code == 502


@pytest.mark.parametrize(
    "key", [{"kty": ["RSA"]}, {"kty": {}}, {"kty": None}, {}, {"kty": "EC", "crv": 7}, [], 7], ids=str
)
async def test_keys_that_are_none_are_ignored(attack: Attack, key: object) -> None:
    attack.hostile.keys.insert(0, key)
    assert await attack.sign_in() == 303


@pytest.mark.parametrize(
    "email", ["i\0da@example.net", "ida@exam\0ple.net", "ida@example.net \0", "i" * 20_000 + "@example.net"], ids=len
)
async def test_a_person_with_an_address_that_cannot_be_stored_is_refused(attack: Attack, email: str) -> None:
    attack.hostile.claims = {"email": email, "sub": f"of {len(email)} characters"}
    assert await attack.sign_in() == 403


async def test_user_info_of_somebody_else_is_refused(attack: Attack) -> None:
    attack.hostile.metadata["userinfo_endpoint"] = f"{attack.hostile.issuer}/userinfo"
    attack.hostile.change = lambda claims: claims.pop("groups")
    attack.hostile.user_info = {"sub": "somebody else", "groups": ["desk-admins"]}
    assert await attack.sign_in() == 502
    attack.hostile.user_info = {"sub": "248289761001", "groups": ["noc"], "email_verified": False}
    attack.visitor = Visitor(attack.visitor.client)
    assert await attack.sign_in() == 303


async def test_a_person_who_has_to_prove_again_who_it_is_is_not_taken_at_its_old_word(attack: Attack) -> None:
    led = await attack.visitor.get(f"/sign-in/with/{attack.provider.id}", again="1")
    asked = parse_qs(urlsplit(led.headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    attack.hostile.claims = {"auth_time": round(time.time()) - 3600}
    assert await attack.come_back(attack.hostile.authorize(led.headers["location"])) == 502


async def test_an_old_sign_in_at_the_provider_is_no_recent_proof(attack: Attack, database: Database) -> None:
    attack.hostile.claims = {"auth_time": round(time.time()) - 3600, "sub": "old", "email": "old@example.net"}
    assert await attack.sign_in() == 303
    async with database.statement() as tx:
        seconds = await tx.fetchval(
            """select extract(epoch from s.created_at - s.authenticated_at) from sign_in_session s
                 join app_user u on u.id = s.user_id where u.email = 'old@example.net'"""
        )
    assert 3590 < seconds < 3900


@pytest.mark.parametrize(
    ("claims", "has_second_factor"),
    [({}, False), ({"amr": ["pwd"]}, False), ({"amr": "mfa"}, False), ({"amr": ["pwd", "mfa"]}, True),
     ({"acr": "1"}, False), ({"acr": "gold"}, True), ({"acr": ["gold"]}, False)],
)  # fmt: skip
async def test_a_second_factor_is_what_the_provider_says_it_is(
    attack: Attack, database: Database, claims: dict[str, Any], *, has_second_factor: bool
) -> None:
    await change_provider(database, attack.provider, second_factor_values=("gold",))
    attack.hostile.claims = claims
    assert await attack.sign_in() == 303
    async with database.statement() as tx:
        stored = await tx.fetchval(
            "select second_factor from sign_in_session where token_hash = sha256($1::bytea)",
            attack.visitor.cookies["session"].encode(),
        )
    assert stored is has_second_factor
