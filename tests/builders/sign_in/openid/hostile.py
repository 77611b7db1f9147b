"""An identity provider that lies: a test decides each of its answers. It checks PKCE verifiers as a good one does."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.builders.webhooks.receiver import ReceivedRequest, answer, receiving

CLIENT = "the-desk"
Change = Callable[[dict[str, Any]], None]
Sign = Callable[["HostileProvider", dict[str, Any]], str]


@cache
def _key() -> RSAKey:
    """Return the key of every provider of a run: to make one takes longer than most tests do."""
    return RSAKey.generate_key(2048, {"kid": "one"})


class HostileProvider:
    """The provider. ``change`` edits the claims, ``sign`` makes the token, ``metadata`` and ``keys`` are published."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key: RSAKey | ECKey = _key()
        self.keys: list[Any] = [self.key.as_dict(private=False)]
        self.metadata: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        self.claims: dict[str, Any] = {}
        self.change: Change = lambda _claims: None
        self.sign: Sign = lambda provider, claims: provider.signed(claims)
        self.asked: dict[str, str] = {}
        self.exchanges: list[dict[str, str]] = []
        self.fetched: list[str] = []
        self.user_info: dict[str, Any] = {}

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """Return a token that is signed with the key of the provider."""
        return jwt.encode({"alg": "RS256", "kid": "one", **header}, claims, self.key, [header.get("alg", "RS256")])

    def authorize(self, address: str, **changes: str | None) -> dict[str, str]:
        """Take a request of the desk, and return the parameters that the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked = asked
        back: dict[str, str | None] = {"code": "a-code", "state": asked["state"], "iss": self.issuer, **changes}
        return {name: value for name, value in back.items() if value is not None}

    async def respond(self, request: ReceivedRequest) -> bytes:
        """Answer a request of the desk."""
        path = request.path.removeprefix(urlsplit(self.issuer).path)
        self.fetched.append(path)
        match path:
            case "/.well-known/openid-configuration":
                return _json(self.metadata)
            case "/jwks":
                return _json({"keys": self.keys})
            case "/userinfo":
                return _json(self.user_info)
            case "/token":
                return self._exchange(request)
        return answer(404)

    def _exchange(self, request: ReceivedRequest) -> bytes:
        fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.exchanges.append(fields)
        verifier = urlsafe_b64encode(sha256(fields.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if verifier != self.asked["code_challenge"] or fields["redirect_uri"] != self.asked["redirect_uri"]:
            return answer(400, b'{"error": "invalid_grant"}')
        now = round(time.time())
        claims = {
            "iss": self.issuer, "sub": "248289761001", "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": self.asked["nonce"], "email": "ida@example.net", "email_verified": True, "name": "Ida Moss",
            "groups": ["noc"], **self.claims,
        }  # fmt: skip
        self.change(claims)
        return _json({"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.sign(self, claims)})


def _json(body: object) -> bytes:
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")


@asynccontextmanager
async def hostile_provider() -> AsyncIterator[HostileProvider]:
    """Run the provider until the block ends."""
    async with receiving() as receiver:
        # A path of its own: the desk remembers what an issuer published, and the system gives ports out again.
        provider = HostileProvider(f"http://127.0.0.1:{receiver.port}/{uuid4().hex}")
        receiver.respond = provider.respond
        yield provider
