"""The client of identity providers: discovery, keys, the exchange of a code, user info.

Hosts come from admins: it connects only to addresses that may be reached, limits the time and the size of an answer,
and does not follow redirects.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit
from weakref import WeakValueDictionary

import httpcore
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from clearline.clock import monotonic
from clearline.platform.network.addresses import origin
from clearline.platform.network.connections import (
    Resolve,
    Unreachable,
    checked_connection,
    reported_failures,
)
from clearline.platform.network.resolver import Resolver
from clearline.sign_in.identity_providers.domain import PROVIDERS_MAX, ProviderFailed, ProviderUnreachable

ANSWER_MAX = 256 * 1024
"""Bytes of an answer."""
_SECONDS = 10
"""How long one request may take once its name is resolved."""
KEPT_SECONDS = 3600
"""How long the metadata and the keys of a provider are kept."""
FAILED_SECONDS = 15
"""How long a provider whose description could not be fetched is not asked for it again."""
RENEWED_SECONDS = 60
"""The shortest time between two requests for the keys of a provider because a key is unknown."""
_KEYS_MAX = 50
_WELL_KNOWN = "/.well-known/openid-configuration"
_AGENT = b"Clearline"


class Metadata(Struct, frozen=True):
    """What a provider says about itself.

    OpenID Connect Discovery 1.0, 3; RFC 9207, 3; OpenID Connect RP-Initiated Logout 1.0, 2.1.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Known:
    """What is kept of a provider, and since when."""

    def __init__(self, metadata: Metadata, at: float) -> None:
        self.metadata, self.at = metadata, at
        self.keys: Sequence[object] = ()
        self.keys_at: float | None = None
        self.lock = asyncio.Lock()


class _Failure(NamedTuple):
    """Why a provider could not be described, and when."""

    kind: type[ProviderFailed]
    text: str
    at: float


class OpenIdClient:
    """Speaks with identity providers. ``networks`` are the private ones that may be reached, over plain HTTP too."""

    def __init__(
        self,
        networks: Sequence[str],
        *,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        renewed_seconds: float = RENEWED_SECONDS,
        failed_seconds: float = FAILED_SECONDS,
    ) -> None:
        self._networks, self._resolve, self._trust = networks, resolve or Resolver(), trust
        self._renewed_seconds, self._failed_seconds = renewed_seconds, failed_seconds
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, _Failure] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def metadata(self, issuer: str) -> Metadata:
        """Return the metadata of a provider, at most ``KEPT_SECONDS`` old.

        A failure is kept for ``FAILED_SECONDS``: a provider that is down is not asked at each sign-in.

        Raises:
            ProviderUnreachable: it was not reached, or cannot answer.
            ProviderFailed: it has none, or that of another issuer.
        """
        return (await self._provider(issuer)).metadata

    async def keys(self, issuer: str, *, renew: bool = False) -> Sequence[object]:
        """Return the keys of a provider (RFC 7517), at most ``KEPT_SECONDS`` old, or new ones with ``renew``.

        New ones are not requested twice within ``RENEWED_SECONDS``, however often a token names an unknown key.

        Raises:
            ProviderFailed: it has none.
        """
        known = await self._provider(issuer)
        async with known.lock:
            age = None if known.keys_at is None else monotonic() - known.keys_at
            if age is None or age > (self._renewed_seconds if renew else KEPT_SECONDS):
                known.keys = await self._fetch_keys(known.metadata)
                known.keys_at = monotonic()
        return known.keys

    async def exchange(
        self, metadata: Metadata, client: tuple[str, str | None], *, code: str, verifier: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        """Return what a provider gives for a code (RFC 6749, 4.1.3; RFC 7636, 4.5). ``client`` is its id and secret.

        Raises:
            ProviderFailed: it gives nothing.
        """
        client_id, secret = client
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier
        }  # fmt: skip
        headers = {}
        methods = metadata.token_endpoint_auth_methods_supported
        if secret is None:
            fields["client_id"] = client_id
        elif "client_secret_basic" not in methods and "client_secret_post" in methods:
            fields |= {"client_id": client_id, "client_secret": secret}
        else:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        headers["content-type"] = "application/x-www-form-urlencoded"
        status, body = await self._request("POST", metadata.token_endpoint, headers, urlencode(fields).encode())
        answer = _object(body)
        if status != 200 or answer is None:
            why = "" if answer is None else f": {_word(answer.get('error'))}"
            raise ProviderFailed(f"the exchange of the code was answered {status}{why}")
        return answer

    async def user_info(self, metadata: Metadata, access_token: str) -> Mapping[str, Any]:
        """Return the claims at the endpoint of user info; none when there is no such endpoint.

        Raises:
            ProviderFailed: it gives none.
        """
        if metadata.userinfo_endpoint is None:
            return {}
        headers = {"authorization": f"Bearer {access_token}"}
        status, body = await self._request("GET", metadata.userinfo_endpoint, headers)
        claims = _object(body)
        if status != 200 or claims is None:
            raise ProviderFailed(f"the request for the user info was answered {status}")
        return claims

    async def _provider(self, issuer: str) -> _Known:
        if (known := self._fresh(issuer)) is not None:
            return known
        lock = self._locks.setdefault(issuer, asyncio.Lock())
        async with lock:
            return self._fresh(issuer) or await self._renewed(issuer)

    def _fresh(self, issuer: str) -> _Known | None:
        """Return what is known of a provider, unless it is too old.

        Raises:
            ProviderFailed: it could not be described a moment ago.
        """
        failure = self._failed.get(issuer)
        if failure is not None and monotonic() - failure.at < self._failed_seconds:
            raise failure.kind(failure.text)
        known = self._known.get(issuer)
        return None if known is None or monotonic() - known.at > KEPT_SECONDS else known

    async def _renewed(self, issuer: str) -> _Known:
        """Fetch the description of a provider, and keep it, or its failure."""
        known = self._known.get(issuer)
        self._failed.pop(issuer, None)
        try:
            fresh = _Known(await self._discover(issuer), monotonic())
        except ProviderFailed as error:
            _make_room(self._failed)
            self._failed[issuer] = _Failure(type(error), str(error), monotonic())
            raise
        if known is not None and known.metadata == fresh.metadata:
            fresh.keys, fresh.keys_at = known.keys, known.keys_at
        self._known.pop(issuer, None)
        _make_room(self._known)
        self._known[issuer] = fresh
        return fresh

    async def _discover(self, issuer: str) -> Metadata:
        url = issuer.rstrip("/") + _WELL_KNOWN
        status, body = await self._request("GET", url, {})
        if status != 200:
            raise (ProviderUnreachable if status >= 500 else ProviderFailed)(f"{url} was answered {status}")
        try:
            metadata = msgspec.json.decode(body, type=Metadata)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProviderFailed(f"{url} is no description of an OpenID provider: {error}") from None
        if metadata.issuer != issuer:
            raise ProviderFailed(f"{url} is about another issuer, {_word(metadata.issuer)}")
        endpoints = (
            metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri, metadata.userinfo_endpoint
        )  # fmt: skip
        schemes = {"https", urlsplit(issuer).scheme}
        if not all(endpoint is None or _is_address(endpoint, schemes) for endpoint in endpoints):
            raise ProviderFailed(f"{url} names an endpoint that is no address, or is without TLS")
        end = metadata.end_session_endpoint
        return metadata if end is None or _is_address(end, schemes) else replace(metadata, end_session_endpoint=None)

    async def _fetch_keys(self, metadata: Metadata) -> Sequence[object]:
        status, body = await self._request("GET", metadata.jwks_uri, {})
        keys = (_object(body) or {}).get("keys")
        if status != 200 or not isinstance(keys, list) or not keys:
            raise ProviderFailed(f"{metadata.jwks_uri} has no keys (it was answered {status})")
        return keys[:_KEYS_MAX]

    async def _request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """Send a request; return the status and the body of the answer."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        where = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
        sent = [
            (b"host", parts.netloc.encode()), (b"user-agent", _AGENT), (b"accept", b"application/json"),
            *((name.encode(), value.encode()) for name, value in headers.items()),
            (b"content-length", b"%d" % len(body)),
        ]  # fmt: skip
        if parts.scheme == "https" and self._trust is None:
            self._trust = httpcore.default_ssl_context()
        try:
            with reported_failures(_SECONDS):
                connection = await checked_connection(
                    where.origin, self._resolve, self._networks, trust=self._trust, keep_seconds=0
                )
                try:
                    async with asyncio.timeout(_SECONDS):
                        request = httpcore.Request(method, where, headers=sent, content=body)
                        response = await connection.handle_async_request(request)
                        return response.status, await _read(response, url)
                finally:
                    await connection.aclose()
        except Unreachable as error:
            raise ProviderUnreachable(f"{origin(url)} was not reached: {error}") from None


def _make_room(kept: dict[str, Any]) -> None:
    """Forget the oldest of what is kept of providers, when there are as many as there can be."""
    while len(kept) >= PROVIDERS_MAX:
        kept.pop(next(iter(kept)))


async def _read(response: httpcore.Response, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > ANSWER_MAX:
            raise ProviderFailed(f"the answer of {origin(url)} has more than {ANSWER_MAX} bytes")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a body, or None."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_address(text: str, schemes: set[str]) -> bool:
    """Return whether a text is an address that a browser or this client can be sent to."""
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "<>\\^`{|}')
    is_whole = parts.scheme in schemes and bool(parts.hostname) and not parts.fragment and "@" not in parts.netloc
    return is_plain and is_whole


def _word(value: object) -> str:
    """Return the beginning of what a provider wrote, safe to print."""
    return ascii(value)[:200]
