"""House API v1: who follows a ticket."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from clearline.wires.house.wire import Ref


class WatcherIn(Struct, forbid_unknown_fields=True):
    """Who is to follow the ticket."""

    user: Annotated[str, Meta(min_length=1, max_length=36, description="A user's id, or `me`.")]


class WatcherOut(Struct, frozen=True):
    """Somebody who follows a ticket; ``is_staff`` says whether of the provider."""

    user: Ref
    email: str
    is_staff: bool
    since: datetime
