"""Tokens of links in mail: authentic, unreadable, and always the same for the same values (AES-SIV, RFC 5297)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha512
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_TOKEN_MAX = 1024


def seal(values: bytes, purpose: bytes, secret: bytes) -> str:
    """Return the token of encoded values. That of one purpose is not valid for another."""
    return urlsafe_b64encode(_cipher(purpose, secret).encrypt(values, None)).decode().rstrip("=")


def unseal(token: str, purpose: bytes, secret: bytes) -> bytes | None:
    """Return the encoded values of a token; None when the token is not ours."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - slow to import, and most commands need none

    if len(token) > _TOKEN_MAX or not token.isascii():
        return None
    try:
        return _cipher(purpose, secret).decrypt(urlsafe_b64decode(token + "=" * (-len(token) % 4)), None)
    except (Base64Error, InvalidTag, ValueError):
        return None


def _cipher(purpose: bytes, secret: bytes) -> "AESSIV":
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 - slow to import, and most commands need none

    return AESSIV(sha512(purpose + b"\0" + secret).digest())
