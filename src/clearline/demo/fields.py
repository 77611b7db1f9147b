"""The demo's own fields of tickets."""

from datetime import datetime
from typing import Any

from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx

_BY_CUSTOMERS = {"visible_to": FieldAudience.CUSTOMER, "edited_by": FieldAudience.CUSTOMER}
_FIELDS: tuple[dict[str, Any], ...] = (
    {
        **_BY_CUSTOMERS, "key": "change_number", "type": FieldType.TEXT, "label": "Your change number",
        "label_de": "Ihre Change-Nummer", "help": "If you changed something before it began",
        "help_de": "Falls Sie vorher etwas geändert haben", "pattern": "CHG-[0-9]{4,8}",
    },
    {
        **_BY_CUSTOMERS, "key": "affected_sites", "type": FieldType.CHOICES, "label": "Sites without service",
        "label_de": "Standorte ohne Dienst", "options": (
            Option("amsterdam", "Amsterdam"), Option("frankfurt", "Frankfurt"), Option("london", "London"),
            Option("singapore", "Singapore", "Singapur"), Option("sydney", "Sydney"),
        ),
    },
    {
        "key": "light_level", "type": FieldType.DECIMAL, "label": "Light level, dBm", "minimum": -60, "maximum": 20,
        "help": "What the optics receive, as last read", "visible_to": FieldAudience.CUSTOMER,
    },
)  # fmt: skip


async def load_fields(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Add the provider's own fields of tickets: two that customers fill in, one that they read."""
    for values in _FIELDS:
        await own_fields.add_field(tx, actor, {"record": RecordKind.TICKET, **values}, now=now)
