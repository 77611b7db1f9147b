"""The orders in which the console lists tickets by their own fields."""

from collections.abc import Iterable

from clearline.fields.domain import NUMERIC, TIMES, Field, RecordKind
from clearline.fields.usecases import definitions
from clearline.platform.database.transactions import Tx
from clearline.tickets.lists.order import OWN_FIELD, UNSORTED, OwnOrder
from clearline.web.lists.sorting import SORTS, Sort

_OF_TEXT = ("A to Z", "Z to A")
_LABELS = {
    **dict.fromkeys(NUMERIC, ("least first", "greatest first")),
    **dict.fromkeys(TIMES, ("earliest first", "latest first")),
}


def sorts_with(fields: Iterable[Field]) -> tuple[Sort, ...]:
    """Return all orders: those by own fields last, two each."""
    own = (
        Sort(f"{'-' * descends}{OWN_FIELD}{field.key}", f"{field.label}: {label}", OwnOrder(field), bool(descends))
        for field in fields
        if field.type not in UNSORTED
        for descends, label in enumerate(_LABELS.get(field.type, _OF_TEXT))
    )
    return (*SORTS, *own)


async def all_sorts(tx: Tx) -> tuple[Sort, ...]:
    """Return all orders of the lists of the console."""
    return sorts_with((await definitions(tx)).active(RecordKind.TICKET, for_staff=True))
