"""House API v1: the bodies of the search."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from clearline.search.language import QUERY_MAX
from clearline.wires.house.tickets.wire import TicketSummary
from clearline.wires.house.wire import PageQuery


class SearchQuery(PageQuery, kw_only=True, forbid_unknown_fields=True):
    """What to look for."""

    q: Annotated[
        str,
        Meta(
            max_length=QUERY_MAX,
            description='Words, `"phrases"`, `-exclusions` and filters such as `status:open`. Without any, every '
            "ticket.",
        ),
    ] = ""
    count: (
        Annotated[Literal["exact"], Meta(description="Count more than 100 matches too, which may take a while.")] | None
    ) = None


class SearchTotal(Struct, frozen=True):
    """How many tickets match; when not ``exact``, at least so many."""

    count: int
    exact: bool


class SearchPage(Struct, frozen=True):
    """A part of what was found. ``total`` is as it was on the first page; ``next_cursor`` is null on the last one."""

    data: list[TicketSummary]
    has_more: bool
    next_cursor: str | None
    total: SearchTotal
    order: Annotated[Literal["best", "newest"], Meta(description="The best match first, or the newest ticket.")]
