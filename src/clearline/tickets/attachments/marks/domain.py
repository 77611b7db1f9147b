"""The mark of a store of attachments: an id that the database knows too, and what it means when they differ."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

_TEXT = """{id}
This store of attachments belongs to the desk whose database has this id.
Leave this file here, and copy it with the others.
"""


class KnownStore(Struct, frozen=True):
    """The store that the database knows. It has no mark before ``marked_at``."""

    id: UUID
    marked_at: datetime | None


class StoreState(StrEnum):
    """What the mark of a store says.

    ``OWN``: it is the store of this database. ``NEW``: neither knows the other yet, and a server will mark it.
    ``FOREIGN``: it has the mark of another desk. ``UNMARKED``: it has no mark, or one that cannot be read, and the
    database knows a store. ``EMPTY``: neither knows the other, and no attachment of the database is in it.
    """

    OWN = "own"
    NEW = "new"
    FOREIGN = "foreign"
    UNMARKED = "unmarked"
    EMPTY = "empty"


_PROBLEMS = {
    StoreState.FOREIGN: "it has the mark of another desk",
    StoreState.UNMARKED: "it has no mark, and the attachments of the desk are in another one",
    StoreState.EMPTY: "no attachment of the desk is in it",
}
_ADVICE = (
    "give every server the same CLEARLINE_ATTACHMENTS (and mount its disk); if this is the right place, run clearline "
    "attachment adopt"
)


def problem_of(state: StoreState, location: str) -> str | None:
    """Return why a store is not that of the desk, and what to do; None when nothing is wrong."""
    if state not in _PROBLEMS:
        return None
    return f"{location} is not the store of attachments of this desk: {_PROBLEMS[state]}; {_ADVICE}"


def mark_text(store_id: UUID) -> str:
    """Return what stands in the mark of a store."""
    return _TEXT.format(id=store_id)


def read_mark(text: str) -> UUID | None:
    """Return the id in a mark; None when it has none."""
    try:
        return UUID(text.partition("\n")[0].strip())
    except ValueError:
        return None
