"""House API v1: saved views, exactly as they travel."""

import re
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.errors import RuleCode
from clearline.fields.domain import KEY as FIELD_KEY
from clearline.search.domain import QUERY_MAX
from clearline.search.list_usecases import COUNT_MAX
from clearline.wires.house.tickets.filter_wire import Sort
from clearline.wires.house.wire import Id, Moment, Name, PageQuery
from clearline.wires.http.fields import characters
from clearline.workspace.column_domain import OWN_FIELD, OWN_MAX, Column

COUNTED_MAX = 50
"""The most views of a list with counts."""
Query = Annotated[str, characters(0, QUERY_MAX)]
ViewSort = Annotated[
    Sort,
    Meta(description="The order of the tickets, for `sort` of the search. Null: the order of whoever shows the view."),
]

ViewColumns = Annotated[
    list[
        Annotated[
            str,
            Meta(
                pattern=f"^({'|'.join(Column)}|{re.escape(OWN_FIELD)}{FIELD_KEY.pattern})$",
                extra={
                    "rule": f"must be one of {', '.join(Column)}, or {OWN_FIELD} and a key",
                    "code": RuleCode.CHOICE,
                },
                extra_json_schema={"examples": ["status"]},
            ),
        ]
    ],
    Meta(
        max_length=len(Column) + OWN_MAX,
        description="The columns of its list beside the title, in any order; they are returned in the order in which "
        "the console shows them. `field.KEY` is that of an own field; those come last. Null: the default columns.",
    ),
]


class ViewIn(Struct, forbid_unknown_fields=True):
    """A search to save. Admins can share it with their company."""

    name: Name
    query: Query
    is_shared: bool = False
    sort: ViewSort | None = None
    columns: ViewColumns | None = None


class ViewPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    name: Name | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    is_shared: bool | UnsetType = UNSET
    sort: ViewSort | UnsetType | None = UNSET
    columns: ViewColumns | UnsetType | None = UNSET


class ViewListQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The page of saved views."""

    counts: Annotated[
        bool,
        Meta(
            description=f"Count the tickets of each view, exactly up to {COUNT_MAX:,}, of at most {COUNTED_MAX} views."
        ),
    ] = False


class CountOut(Struct, frozen=True):
    """The number of tickets of a view, or at least that number when not ``exact``."""

    count: int
    exact: bool


class ViewOut(Struct, frozen=True):
    """A saved view; ``owner_id`` is the id of its user.

    ``count`` is there in a list with ``counts``, and null if the query is invalid or took too long.
    """

    id: Id
    name: str
    query: str
    is_shared: bool
    owner_id: Id
    created_at: Moment
    sort: ViewSort | None
    columns: ViewColumns | None
    count: CountOut | UnsetType | None = UNSET
