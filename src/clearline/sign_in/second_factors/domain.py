"""Codes of an authenticator app (TOTP, RFC 6238) and recovery codes."""

import secrets
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from msgspec import Struct
from pyotp import TOTP, random_base32

from clearline.errors import Conflict
from clearline.sign_in.domain import SignedIn, SignInRefused

CODES_MAX = 10
"""Wrong codes of one person within ``attempt_domain.WINDOW``, from any network: a code has only 20 bits."""
RECOVERY_CODES = 10
_STEP, _DRIFT = 30, 1
"""Seconds of a code, and how many codes before and after the present one count: clocks of phones differ."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_ISSUER = "Clearline"


class Enrolment(Struct, frozen=True):
    """What an authenticator app needs: the secret to type, and the address to show as a QR code."""

    secret: str
    uri: str


class Enrolled(Struct, frozen=True):
    """The recovery codes, which are shown only now, and the session with another token."""

    recovery_codes: list[str]
    signed_in: SignedIn


class CodeRefused(SignInRefused):
    """The code is wrong or was used, or the sign-in took too long; the error does not say which."""

    code = "code_refused"

    def __init__(self) -> None:
        super().__init__()
        self.args = ("the code is wrong or was used already: try the next one, or sign in again",)


class SecondFactorRequired(Conflict):
    """The desk requires a second factor of people of this role."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__("your role needs a second factor: for a new phone, ask an admin to reset it")


def new_secret() -> str:
    """Return the secret of a new second factor: 160 random bits in base32 (RFC 4226, section 4)."""
    return random_base32(32)


def enrolment(secret: str, account: str) -> Enrolment:
    """Return what an authenticator app needs to make the codes of an account."""
    return Enrolment(secret, TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER))


def step_of(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """Return the step whose code this is; None when it is none, or not after a step that was used."""
    digits = code.replace(" ", "")
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()):
        return None
    present = int(now.timestamp()) // _STEP
    totp = TOTP(secret)
    steps = (step for step in range(present - _DRIFT, present + _DRIFT + 1) if step > after)
    return next((step for step in steps if compare_digest(totp.generate_otp(step), digits)), None)


def new_recovery_codes() -> list[str]:
    """Return new recovery codes, such as ``k3mw-8tq4-zp2n-xa7c``: 79 random bits each."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(RECOVERY_CODES)
    ]


def hash_recovery_code(code: str) -> bytes:
    """Return what is stored of a recovery code, however it is typed: its SHA-256."""
    letters = "".join(letter for letter in code.lower() if letter.isalnum())
    return sha256(letters.encode("utf-8", "surrogatepass")).digest()
