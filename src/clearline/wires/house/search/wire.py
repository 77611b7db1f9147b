"""House API v1: the search, exactly as it travels."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from clearline.search.domain import QUERY_MAX
from clearline.search.list_usecases import SORTED_MAX
from clearline.wires.house.tickets.filter_wire import Sort
from clearline.wires.house.tickets.wire import TicketSummary
from clearline.wires.house.wire import PageQuery


class SearchQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a search."""

    q: Annotated[
        str,
        Meta(
            max_length=QUERY_MAX,
            description='Words, `"phrases"`, `-exclusions` and filters such as `status:open`. Without any, every '
            "ticket.",
        ),
    ] = ""
    count: (
        Annotated[
            Literal["exact"], Meta(description="Count more than 100 matches exactly, too, which may take a while.")
        ]
        | None
    ) = None
    sort: (
        Annotated[
            Sort,
            Meta(
                description=f"Sort the matches as a list does, of which there may be {SORTED_MAX:,}. Without it, up to "
                "100 matches are ordered best first, more of them newest first."
            ),
        ]
        | None
    ) = None


class SearchTotal(Struct, frozen=True):
    """The number of matches, or at least that number when not ``exact``."""

    count: int
    exact: bool


class SearchPage(Struct, frozen=True):
    """A page of matches. ``total`` is as on the first page; ``next_cursor`` is null on the last one."""

    data: list[TicketSummary]
    has_more: bool
    next_cursor: str | None
    total: SearchTotal
    order: Annotated[
        Literal["best", "newest", "sorted"],
        Meta(description="The best match first, or the newest ticket, or as `sort` says."),
    ]
