"""House API v1: parts of tickets, and tickets with what belongs to them.

``fields`` chooses members of a ticket, ``expand`` adds lists that are resources of their own.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct
from msgspec.structs import fields

from clearline.wires.house.tickets.attachments.wire import AttachmentOut
from clearline.wires.house.tickets.filter_wire import ListQuery
from clearline.wires.house.tickets.links.link_wire import LinkOut
from clearline.wires.house.tickets.links.watcher_wire import WatcherOut
from clearline.wires.house.tickets.wire import NoteOut, TicketOut, TicketSummary
from clearline.wires.house.wire import Number, Page

EXPANSIONS: dict[str, Any] = {
    "notes": Page[NoteOut],
    "attachments": Page[AttachmentOut],
    "links": Page[LinkOut],
    "watchers": Page[WatcherOut],
}
"""What a ticket can be expanded with: the first page of each list."""


def _some_of(names: tuple[str, ...], about: str) -> Meta:
    """Return the rule of a parameter that has some of these names between commas."""
    name = f"({'|'.join(names)})"
    return Meta(
        pattern=f"^{name}(,{name})*$",
        description=about,
        extra={"rule": f"must be some of {', '.join(names)}, separated by commas"},
        extra_json_schema={"examples": [",".join(names[:3])]},
    )


_LISTED = (*TicketSummary.__struct_fields__, "description")
"""The members of a ticket that a list can have."""
_FIELDS = "Only these members, separated by commas; `number` is always there."


class TicketListQuery(ListQuery, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The filters of a list, and which members of its tickets are returned."""

    fields: Annotated[str, _some_of(_LISTED, _FIELDS)] | None = None
    expand: (
        Annotated[
            str,
            _some_of(
                tuple(EXPANSIONS), "Also the first 10 of each of these lists of each ticket, separated by commas."
            ),
        ]
        | None
    ) = None


class TicketQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which members of a ticket are returned, and what else."""

    fields: Annotated[str, _some_of(TicketOut.__struct_fields__, _FIELDS)] | None = None
    expand: (
        Annotated[str, _some_of(tuple(EXPANSIONS), "Also the first 50 of each of these lists, separated by commas.")]
        | None
    ) = None


TicketPart = defstruct(
    "TicketPart",
    [
        ("number", Number),
        *((member.name, member.type | UnsetType, UNSET) for member in fields(TicketOut) if member.name != "number"),
        *((name, page | UnsetType, UNSET) for name, page in EXPANSIONS.items()),
    ],
    frozen=True,
    module=__name__,
    namespace={"__doc__": "A ticket with the members that ``fields`` names, and the lists that ``expand`` names."},
)
