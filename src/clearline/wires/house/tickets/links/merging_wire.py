"""House API v1: bodies for merging and splitting tickets."""

from typing import Annotated

from msgspec import Meta, Struct, field

from clearline.tickets import domain as ticket
from clearline.tickets.links import domain as link
from clearline.wires.house.tickets.wire import Reason, Title
from clearline.wires.house.wire import NoteId, Number
from clearline.wires.http.fields import characters


class MergeIn(Struct, forbid_unknown_fields=True):
    """The target of the merge, and the reason."""

    into: Number
    reason: Reason = ""


class UnmergeIn(Struct, forbid_unknown_fields=True):
    """The reason for undoing the merge."""

    reason: Reason = ""


class SplitIn(Struct, forbid_unknown_fields=True):
    """The new ticket, and the ids of the notes to copy to it."""

    title: Title
    description: Annotated[str, characters(1, ticket.DESCRIPTION_MAX)]
    notes: Annotated[list[NoteId], Meta(max_length=link.COPIES_MAX)] = field(default_factory=list)
