"""Protection of forms against requests from other sites (OWASP, Cross-Site Request Forgery Prevention).

A form carries a token that only pages of the same browser session have. It is derived from the secret in the cookie, so
nothing is stored, and masked anew in every page, so that its compressed length says nothing about it (BREACH).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

FIELD = "csrf"
_SIZE = 16


def _token(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"clearline.csrf", hashlib.sha256)[:_SIZE]


def token_for(secret: str) -> str:
    """Return a token for the forms of a page, whose browser has ``secret`` in a cookie."""
    mask = secrets.token_bytes(_SIZE)
    return urlsafe_b64encode(mask + _xor(mask, _token(secret))).decode()


def is_token_for(secret: str, token: str) -> bool:
    """Return whether a token was made for this secret."""
    try:
        masked = urlsafe_b64decode(token.encode("ascii"))
    except (NotBase64, ValueError):
        return False
    is_whole = len(masked) == 2 * _SIZE
    return is_whole and hmac.compare_digest(_xor(masked[:_SIZE], masked[_SIZE:]), _token(secret))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
