"""House API v1: the terms of the provider's lists, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.catalogue import term_domain as term
from clearline.catalogue.term_domain import Term, TermKind
from clearline.wires.house.tickets.progress_wire import Key
from clearline.wires.house.wire import Id, PageQuery
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

Label = Annotated[str, characters(1, term.LABEL_MAX)]
CustomerLabel = Annotated[str, characters(0, term.LABEL_MAX)]
Help = Annotated[str, characters(0, term.HELP_MAX)]
Statuses = Annotated[list[OneOf[str, term.SUB_STATUS_OF]], Meta(max_length=len(term.SUB_STATUS_OF))]
Place = Annotated[int, Meta(ge=0, le=term.POSITION_MAX)]


class TermListQuery(PageQuery, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The list whose terms are returned."""

    kind: Annotated[TermKind, Meta(description="Only the terms of this list.")] | None = None


class TermIn(Struct, forbid_unknown_fields=True):
    """A term to add to a list. Its kind and key never change.

    ``statuses`` are for the kinds `waiting_reason` (pending, held or both) and `sub_status` (the status that it belongs
    to). Customers read ``customer_label``, or in German ``customer_label_de``; nothing without it. Of a
    `waiting_reason`, ``is_customer_time`` is whether the time counts as the customer's. Without ``position`` it comes
    last.
    """

    kind: TermKind
    key: Key
    label: Label
    customer_label: CustomerLabel = ""
    customer_label_de: CustomerLabel = ""
    help: Help = ""
    statuses: Statuses = field(default_factory=list)
    is_customer_time: bool = False
    is_active: bool = True
    position: Place | UnsetType = UNSET


class TermPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). A term that is not active is not offered any more; tickets keep it."""

    label: Label | UnsetType = UNSET
    customer_label: CustomerLabel | UnsetType = UNSET
    customer_label_de: CustomerLabel | UnsetType = UNSET
    help: Help | UnsetType = UNSET
    statuses: Statuses | UnsetType = UNSET
    is_customer_time: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Place | UnsetType = UNSET


class TermOut(Struct, frozen=True):
    """A term of a list. For customers ``label`` is their own wording."""

    id: Id
    kind: TermKind
    key: str
    label: str
    customer_label: str
    customer_label_de: str
    help: str
    statuses: list[str]
    is_customer_time: bool
    is_active: bool
    position: int


def term_out(entry: Term) -> TermOut:
    """Return a term."""
    return TermOut(
        str(entry.id), entry.kind, entry.key, entry.label, entry.customer_label, entry.customer_label_de, entry.help,
        list(entry.statuses), entry.is_customer_time, entry.is_active, entry.position,
    )  # fmt: skip
