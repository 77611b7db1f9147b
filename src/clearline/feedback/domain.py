"""Feedback about the resolution of a ticket, and the tokens of the links that give it."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.errors import Conflict, Violation
from clearline.identity import Company
from clearline.mail.outbound.domain import MailSettings
from clearline.mail.outbound.sealed_token import seal, unseal
from clearline.text import check_text, normalized_address

FEEDBACK_PATH = "/feedback/"
"""The start of the path of the page that gives feedback; a token follows."""
COMMENT_MAX = 2000
COUNT_MAX = 10_000
"""The most ratings that a summary counts: the newest of its period."""
CHANGEABLE_FOR = timedelta(days=1)
"""How long after the vote it can be changed."""
OPEN_FOR = timedelta(days=30)
"""How long after the resolution a link takes a vote."""
_PURPOSE = b"feedback"


class Rating(StrEnum):
    """How the resolution was."""

    GOOD = "good"
    BAD = "bad"


class FeedbackClosed(Conflict):
    """The link takes no vote: the ticket was reopened, the time is over, or the vote can no longer be changed."""

    code = "feedback_closed"


class Ballot(Struct, frozen=True, array_like=True):
    """The right of an address, in lower case, to rate one resolution of a ticket."""

    company_id: UUID
    ticket_number: int
    resolved_at: datetime
    recipient: str


class Feedback(Struct, frozen=True):
    """A rating of the resolution of a ticket at ``resolved_at``, by whoever reads the mail of ``recipient``."""

    id: UUID
    company: Company
    ticket_number: int
    resolved_at: datetime
    recipient: str
    rating: Rating
    comment: str
    created_at: datetime
    updated_at: datetime

    def is_changeable(self, now: datetime) -> bool:
        """Return whether the vote can still be changed."""
        return now < self.created_at + CHANGEABLE_FOR


class Summary(Struct, frozen=True):
    """How many ratings of a period were good, and how many bad; the newest ``COUNT_MAX`` of them count."""

    good: int = 0
    bad: int = 0

    @property
    def count(self) -> int:
        """The number of ratings."""
        return self.good + self.bad

    @property
    def share(self) -> int:
        """How many of 100 ratings were good; 0 without any. Only when all were is it 100."""
        return self.good * 100 // self.count if self.count else 0


_decode = msgspec.msgpack.Decoder(Ballot).decode
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


def ballot_of(company_id: UUID, number: int, resolved_at: datetime, recipient: str) -> Ballot:
    """Return the right of an address to rate a resolution."""
    return Ballot(company_id, number, resolved_at, normalized_address(recipient).lower())


def write_token(ballot: Ballot, secret: bytes) -> str:
    """Return a token that names a ballot: authentic, unreadable, and always the same."""
    return seal(_encode(ballot), _PURPOSE, secret)


def read_token(token: str, secret: bytes) -> Ballot | None:
    """Return the ballot that a token names; None when the token is not ours."""
    values = unseal(token, _PURPOSE, secret)
    try:
        return None if values is None else _decode(values)
    except msgspec.ValidationError:
        return None


def feedback_link(settings: MailSettings, ballot: Ballot) -> str:
    """Return the URL of the page that gives feedback."""
    return settings.link(FEEDBACK_PATH + write_token(ballot, settings.secret))


def check_comment(comment: str) -> list[Violation]:
    """Return the rules that a comment breaks; it may be empty."""
    return check_text("comment", comment, least=0, most=COMMENT_MAX)
