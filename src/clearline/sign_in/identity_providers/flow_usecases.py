"""Sign in by an identity provider: send the browser there, and see what it brings back.

These functions take the database, not a ``tx``: no connection waits for the identity provider.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from clearline.errors import require_found
from clearline.identity import Actor
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import attempt_store
from clearline.sign_in.attempt_domain import WINDOW, Counter, network_of
from clearline.sign_in.domain import (
    DEFAULT_SESSION_LIMITS,
    Device,
    SecondFactorNeeded,
    SessionActor,
    SessionLimits,
    SignedIn,
    TooManyAttempts,
    hash_token,
    new_token,
)
from clearline.sign_in.identity_providers import store as provider_store
from clearline.sign_in.identity_providers.domain import (
    FLOW_LIFETIME,
    Claims,
    Flow,
    FlowRefused,
    IdentityProvider,
    PersonRefused,
    ProviderFailed,
    claims_of,
)
from clearline.sign_in.identity_providers.id_token import (
    ALGORITHMS,
    LEEWAY,
    Expected,
    UnknownKey,
    authentication_time,
    check_id_token,
    usable_keys,
)
from clearline.sign_in.identity_providers.openid_client import Metadata, OpenIdClient
from clearline.sign_in.identity_providers.person_usecases import admit, record_refusal
from clearline.sign_in.identity_providers.usecases import require_admin, secret_box

FLOWS_MAX = 1000
"""Sign-ins that one network may begin within ``attempt_domain.WINDOW``: each is a row for some minutes."""
_SCOPES = ("openid", "email", "profile")
_PURGED_AT_ONCE = 1000
_ERROR_MAX = 200


class CameBack(NamedTuple):
    """What a browser that comes back brings: its secret, the parameters of the address, and its session, if any."""

    browser: str
    parameters: Mapping[str, str]
    session: SessionActor | None


async def check_connection(client: OpenIdClient, actor: Actor, provider: IdentityProvider) -> str | None:
    """Return what is wrong with what a provider publishes about itself, or None.

    That the client is known there, and its secret, only a sign-in shows.
    """
    require_admin(actor)
    try:
        metadata = await client.metadata(provider.issuer)
        if not usable_keys(await client.keys(provider.issuer)):
            return "it publishes no key that may sign: an RSA key of 2048 bits, or one of an elliptic curve"
    except ProviderFailed as error:
        return str(error)
    if not set(metadata.id_token_signing_alg_values_supported) & set(ALGORITHMS):
        return f"it signs ID tokens with none of {', '.join(ALGORITHMS)}"
    return None


async def begin(
    database: Database,
    client: OpenIdClient,
    provider_id: UUID,
    browser: str,
    *,
    redirect_uri: str,
    return_to: str,
    is_again: bool,
    address: str,
    now: datetime,
) -> str:
    """Begin a sign-in; return the address at the identity provider that the browser has to open.

    ``browser`` is a secret that the browser keeps in a cookie. ``return_to`` is the page to open afterwards. The
    provider is asked to authenticate the person again if ``is_again``.

    Raises:
        NotFound: there is no such provider, or it is not active.
        ProviderFailed: it cannot be reached.
        TooManyAttempts: too many sign-ins were begun from this network.
    """
    counter = Counter(sha256(f"flows from {network_of(address)}".encode("utf-8", "surrogatepass")).digest(), FLOWS_MAX)
    async with database.transaction() as tx:
        provider = await _active(tx, provider_id)
        until = await attempt_store.count(tx, [counter], until=now + WINDOW, now=now)
    if until is not None:
        raise TooManyAttempts(round((until - now).total_seconds()))
    metadata = await client.metadata(provider.issuer)
    state, nonce, verifier = new_token(), new_token(), new_token()
    flow, expires_at = Flow(provider.id, nonce, verifier, return_to, is_again, now), now + FLOW_LIFETIME
    async with database.statement() as tx:
        await provider_store.add_flow(tx, flow, hash_token(state), hash_token(browser), expires_at=expires_at)
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(dict.fromkeys((*_SCOPES, *provider.scopes))),
        "state": state,
        "nonce": nonce,
        "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if is_again else {}),
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return metadata.authorization_endpoint + joint + urlencode(parameters)


async def end_address(
    database: Database, client: OpenIdClient, provider_id: UUID, *, state: str, return_to: str
) -> tuple[str, str] | None:
    """Return the name of a provider, and the address there that ends the session of the browser.

    The browser comes back to ``return_to`` with ``state`` (OpenID Connect RP-Initiated Logout 1.0, 2). None when the
    provider has no such address, cannot be reached, or is not active any more.
    """
    async with database.statement() as tx:
        provider = await provider_store.get(tx, provider_id)
    if provider is None or not provider.is_active:
        return None
    try:
        endpoint = (await client.metadata(provider.issuer)).end_session_endpoint
    except ProviderFailed:
        return None
    if endpoint is None:
        return None
    parameters = {"client_id": provider.client_id, "post_logout_redirect_uri": return_to, "state": state}
    return provider.name, f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


async def finish(
    database: Database,
    client: OpenIdClient,
    provider_id: UUID,
    came_back: CameBack,
    where: Device,
    *,
    redirect_uri: str,
    secret_key: str | None,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> tuple[SignedIn | SecondFactorNeeded, str]:
    """Finish a sign-in with what the browser brings back; return the new session, and the page to open.

    The person is found by its identity, or else linked or added by its verified address, and gets the role of its
    groups. The session that the browser had ends. A person with a second factor of this desk gets no session yet
    (``sign_in_with_code``), unless the provider used one.

    Raises:
        FlowRefused: the browser did not begin this sign-in, or the provider refused it.
        ProviderFailed: the provider's answer is not what the standards say, or it cannot be reached.
        PersonRefused: the person may not sign in here. It is in the audit then.
    """
    state = came_back.parameters.get("state", "")
    async with database.transaction() as tx:
        provider = await _active(tx, provider_id)
        flow = await provider_store.take_flow(
            tx, provider_id, hash_token(state), hash_token(came_back.browser), now=now
        )
        try:
            secret = await _secret(tx, provider, secret_key)
        except UndecryptableSecret:
            raise ProviderFailed("the secret cannot be decrypted: CLEARLINE_SECRET_KEY has changed") from None
    if flow is None:
        raise FlowRefused("the state is unknown, was used, has expired, or is that of another browser or provider")
    metadata = await client.metadata(provider.issuer)
    code = _code(came_back.parameters, metadata)
    tokens = await client.exchange(
        metadata, (provider.client_id, secret), code=code, verifier=flow.verifier, redirect_uri=redirect_uri
    )
    claims = await _checked_claims(client, metadata, provider, flow, tokens, now=now)
    where = where.storable()
    try:
        async with database.transaction() as tx:
            return await admit(tx, provider, claims, where, limits, came_back.session, now=now), flow.return_to
    except PersonRefused as error:
        async with database.transaction() as tx:
            await record_refusal(tx, provider, claims, where, str(error), now=now)
        raise


async def _active(tx: Tx, provider_id: UUID) -> IdentityProvider:
    provider = await provider_store.get(tx, provider_id)
    is_active = provider is not None and provider.is_active
    return require_found(provider if is_active else None, "identity provider", provider_id)


async def _secret(tx: Tx, provider: IdentityProvider, secret_key: str | None) -> str | None:
    if provider.client_secret is None:
        return None
    return (await secret_box(tx, secret_key)).decrypt(provider.client_secret)


def _code(parameters: Mapping[str, str], metadata: Metadata) -> str:
    """Return the code that the browser brings, if this provider sent it (RFC 9207, 2.4)."""
    issuer = parameters.get("iss")
    is_missing = issuer is None and metadata.authorization_response_iss_parameter_supported
    if is_missing or issuer not in {None, metadata.issuer}:
        raise FlowRefused(f"the answer is that of another issuer: {ascii(issuer)[:_ERROR_MAX]}")
    if (error := parameters.get("error")) is not None:
        text = f"{error} {parameters.get('error_description', '')}".strip()
        raise FlowRefused(f"the provider refused the sign-in: {ascii(text)[:_ERROR_MAX]}")
    if not (code := parameters.get("code")):
        raise FlowRefused("the answer has no code")
    return code


async def _checked_claims(
    client: OpenIdClient,
    metadata: Metadata,
    provider: IdentityProvider,
    flow: Flow,
    tokens: Mapping[str, Any],
    *,
    now: datetime,
) -> Claims:
    """Return what the provider says about the person: in the ID token, and in the user info what is missing there."""
    expected = Expected(provider.issuer, provider.client_id, flow.nonce, flow.created_at)
    token = tokens.get("id_token")
    try:
        claims = check_id_token(token, await client.keys(provider.issuer), expected, now=now)
    except UnknownKey:
        claims = check_id_token(token, await client.keys(provider.issuer, renew=True), expected, now=now)
    authenticated_at = authentication_time(claims, now=now)
    if flow.is_again and authenticated_at is not None and authenticated_at < flow.created_at - LEEWAY:
        raise ProviderFailed("the provider did not authenticate the person again")
    needed = {"email", provider.groups_claim.partition(".")[0]} if provider.group_roles else {"email"}
    access_token = tokens.get("access_token")
    if not needed <= claims.keys() and isinstance(access_token, str) and access_token.isascii():
        more = await client.user_info(metadata, access_token)
        if more and more.get("sub") != claims["sub"]:
            raise ProviderFailed("the user info is about another subject than the ID token")
        claims = {**more, **claims}
    return claims_of(provider, claims, authenticated_at)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete sign-ins that expired before a time; return how many, and 0 when none are left."""
    return await provider_store.purge_flows(tx, before=before, limit=_PURGED_AT_ONCE)
