"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): whether one is what an identity provider says about a sign-in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clearline.sign_in.identity_providers.domain import ProviderFailed

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that are accepted: those with a key pair. Never ``none``, and no HMAC, whose key would be the secret."""
LEEWAY = timedelta(minutes=2)
"""How much the clocks may differ."""
_KINDS = ("RSA", "EC", "OKP")
_MODULUS_MIN = 342
"""Characters of the modulus of an RSA key of 2048 bits, in base64url."""
_TOKEN_MAX = 64 * 1024


class Expected(Struct, frozen=True):
    """What an ID token has to say. ``since`` is when the sign-in began."""

    issuer: str
    client_id: str
    nonce: str
    since: datetime


class UnknownKey(ProviderFailed):
    """The token is signed with a key that the provider did not publish when its keys were fetched."""


def check_id_token(token: object, keys: Sequence[object], expected: Expected, *, now: datetime) -> dict[str, Any]:
    """Return the claims of an ID token that is signed with one of the keys (RFC 7517), for this sign-in.

    Raises:
        UnknownKey: none of the keys has its name.
        ProviderFailed: it is not what was expected.
    """
    from joserfc import jwt  # noqa: PLC0415 - slow to import, and only this needs it
    from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    if not isinstance(token, str) or len(token) > _TOKEN_MAX or not token.isascii():
        raise ProviderFailed("the answer to the code has no ID token")
    try:
        decoded = jwt.decode(token, KeySet(usable_keys(keys)), algorithms=ALGORITHMS)
        options: dict[str, Any] = {
            "iss": {"essential": True, "value": expected.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": expected.client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": expected.nonce},
        }
        leeway = round(LEEWAY.total_seconds())
        jwt.JWTClaimsRegistry(now=round(now.timestamp()), leeway=leeway, **options).validate(decoded.claims)
    except InvalidKeyIdError as error:
        raise UnknownKey(f"the ID token is signed with an unknown key ({error})") from None
    except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProviderFailed(f"the ID token is refused: {error}") from None
    _check_party(decoded.claims, expected)
    return decoded.claims


def usable_keys(keys: Sequence[object]) -> "list[Key]":
    """Return the keys that may sign; others, and those that are damaged or too short, are ignored."""
    from joserfc.errors import JoseError  # noqa: PLC0415 - slow to import, and only this needs it
    from joserfc.jwk import JWKRegistry  # noqa: PLC0415

    usable: list[Key] = []
    for key in keys:
        if not isinstance(key, dict) or key.get("kty") not in _KINDS or key.get("use", "sig") != "sig":
            continue
        if key["kty"] == "RSA" and len(str(key.get("n", ""))) < _MODULUS_MIN:
            continue
        try:
            usable.append(JWKRegistry.import_key(key))
        except (JoseError, ValueError, TypeError):
            continue
    return usable


def _check_party(claims: Mapping[str, Any], expected: Expected) -> None:
    """Refuse a token that another client was issued too, or that is older than the sign-in, or was not asked for."""
    audience, party = claims["aud"], claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if party != expected.client_id and (party is not None or is_shared):
        raise ProviderFailed("the ID token is refused: it was issued to another client (azp)")
    if not isinstance(claims["nonce"], str):
        raise ProviderFailed("the ID token is refused: its nonce is no text")
    if claims["iat"] < (expected.since - LEEWAY).timestamp():
        raise ProviderFailed("the ID token is refused: it is older than the sign-in")


def authentication_time(claims: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """Return when the person proved to the provider who it is, at most now; None when the token does not say so."""
    seconds = claims.get("auth_time")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    try:
        return min(datetime.fromtimestamp(seconds, UTC), now)
    except (OverflowError, ValueError, OSError):
        return None
