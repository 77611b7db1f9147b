"""Sessions, what a person signs in from, and what a sign-in is refused with."""

import hashlib
import secrets
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from msgspec import Struct

from clearline.errors import DeskError
from clearline.identity import Actor
from clearline.settings.defaults import SESSION_DAYS, SESSION_IDLE_HOURS
from clearline.settings.settings import Settings
from clearline.text import storable

TOKEN_BYTES = 32
"""Random bytes of a token, in base64url without padding."""
_TOKEN_LENGTH = 43
_DEVICE_MAX, _ADDRESS_MAX = 255, 64
LAST_USE_EVERY = timedelta(minutes=1)
"""The last use of a session is stored at most so often."""


CHALLENGE_LIFETIME = timedelta(minutes=10)
"""How long after the password the code may come."""
STEP_UP_MINUTES = 15
"""How long ago a person may have proved who it is, before keys, roles or second factors are changed."""


class Device(Struct, frozen=True):
    """Where a request comes from: what the browser says it is, and the network address."""

    text: str
    address: str

    def storable(self) -> "Device":
        """Return the device as it can be stored: without what PostgreSQL refuses, and not too long."""
        return Device(_storable(self.text)[:_DEVICE_MAX], _storable(self.address)[:_ADDRESS_MAX])


class Session(Struct, frozen=True):
    """A sign-in of a user, without its token. ``device`` and ``address`` are those of its last use.

    ``authenticated_at`` is when the person last proved who it is; ``second_factor`` whether it used a second factor.
    """

    company_id: UUID
    id: UUID
    user_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    second_factor: bool
    device: str
    address: str


class SessionSubject(Struct, frozen=True):
    """What the event of a session is about: the session, by the name of its user."""

    id: UUID
    name: str


class SessionActor(Struct, frozen=True):
    """A session in force, and the actor that its requests have: the user, with every scope of its role.

    When its role needs a second factor that the session was begun without, ``lacks_second_factor`` is true, and the
    actor has no scope: all that the person can do is to set one up, and to sign out. ``language`` is the person's or
    else its company's; it and ``time_zone`` are None if they are not set.
    """

    session: Session
    actor: Actor
    lacks_second_factor: bool = False
    language: str | None = None
    time_zone: str | None = None


class SignedIn(Struct, frozen=True):
    """A sign-in that succeeded. The token goes to the browser, and is shown only now."""

    token: str
    session: Session


class SecondFactorNeeded(Struct, frozen=True):
    """The password was right, and a code has to follow, with this token, until it expires."""

    token: str
    expires_at: datetime


class CompanyNeeded(Struct, frozen=True):
    """The password was right for users of several companies, and the person has to choose until this expires.

    There is a token for each user, which is shown only now.
    """

    tokens: tuple[str, ...]
    expires_at: datetime


class Challenge(Struct, frozen=True):
    """A sign-in that waits for its code, or for a choice of the company, and the session epoch of its user."""

    company_id: UUID
    user_id: UUID
    epoch: int


class SessionLimits(Struct, frozen=True):
    """How long a session lasts: ``idle`` without a request, ``absolute`` in any case."""

    idle: timedelta = timedelta(hours=SESSION_IDLE_HOURS)
    absolute: timedelta = timedelta(days=SESSION_DAYS)


DEFAULT_SESSION_LIMITS = SessionLimits()


def session_limits(settings: Settings) -> SessionLimits:
    """Return the limits that are set."""
    return SessionLimits(timedelta(hours=settings.session_idle_hours), timedelta(days=settings.session_days))


class SignInRefused(DeskError):
    """The address is unknown, the password is wrong, or the user may not sign in; the error does not say which."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("the e-mail address or the password is wrong")


class PasswordReplaced(SignInRefused):
    """The password is right, but the person signs in with an identity provider, whose name is ``provider``."""

    code = "password_replaced"

    def __init__(self, provider: str) -> None:
        super().__init__()
        self.args = (f"sign in with {provider}: it replaces your password",)
        self.provider = provider


class TooManyAttempts(DeskError):
    """Too many attempts failed for this account or from this network; ``retry_after`` seconds from now one may."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts failed: try again in {ceil(retry_after / 60)} minutes")
        self.retry_after = retry_after


class StepUpNeeded(DeskError):
    """The person has to prove again who it is: what it asked for needs a session that did so lately."""

    code = "step_up_needed"

    def __init__(self) -> None:
        super().__init__("confirm that it is you: enter your password again")


def require_recent(session: Session, minutes: int = STEP_UP_MINUTES, *, now: datetime) -> None:
    """Refuse unless the person proved who it is within so many minutes.

    Raises:
        StepUpNeeded: it did not.
    """
    if now - session.authenticated_at > timedelta(minutes=minutes):
        raise StepUpNeeded


def new_token() -> str:
    """Return a new random token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Return whether the text has the form of a token."""
    return len(text) == _TOKEN_LENGTH and text.isascii()


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: its SHA-256. A token has 256 random bits, so a slow hash is not needed."""
    return hashlib.sha256(token.encode()).digest()


def _storable(text: str) -> str:
    return text if storable(text) else ascii(text)
