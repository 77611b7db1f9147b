"""House API v1: saved views, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from clearline.search.language import QUERY_MAX
from clearline.wires.house.wire import Id, Moment, Name
from clearline.wires.http.fields import characters

Query = Annotated[str, characters(0, QUERY_MAX)]


class ViewIn(Struct, forbid_unknown_fields=True):
    """A search to save. Admins can share it with their company."""

    name: Name
    query: Query
    is_shared: bool = False


class ViewPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    name: Name | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    is_shared: bool | UnsetType = UNSET


class ViewOut(Struct, frozen=True):
    """A saved view; ``owner_id`` is the id of its user."""

    id: Id
    name: str
    query: str
    is_shared: bool
    owner_id: Id
    created_at: Moment
