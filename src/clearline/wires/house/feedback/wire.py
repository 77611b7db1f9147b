"""House API v1: feedback about tickets, exactly as it travels."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.feedback.domain import Rating
from clearline.wires.house.wire import CompanyRef, DatedPageQuery, Id, Moment, Number


class FeedbackQuery(DatedPageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    ticket: Annotated[Number, Meta(description="Only feedback about this ticket.")] | None = None
    rating: Annotated[Rating, Meta(description="Only this rating.")] | None = None


class FeedbackOut(Struct, frozen=True):
    """How somebody rated the resolution of a ticket at ``resolved_at``, with a link in mail to ``recipient``.

    There is one for each recipient and resolution, which its recipient can change for one day.
    """

    id: Id
    company: CompanyRef
    ticket: Number
    resolved_at: Moment
    recipient: str
    rating: Rating
    comment: str
    created_at: Moment
    updated_at: Moment
