"""House API v1: bodies of watchers."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.wires.house.wire import UUID_MAX, Moment, Ref


class WatcherIn(Struct, forbid_unknown_fields=True):
    """The user who will watch the ticket."""

    user: Annotated[str, Meta(min_length=1, max_length=UUID_MAX, description="A user's id, or `me`.")]


class WatcherOut(Struct, frozen=True):
    """A user who watches a ticket. ``is_staff`` is true for the provider's people."""

    user: Ref
    email: str
    is_staff: bool
    since: Moment
