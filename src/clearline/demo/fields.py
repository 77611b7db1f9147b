"""The demo's own fields of tickets, services and companies, and a form that asks for those of tickets."""

from datetime import datetime
from typing import Any

from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind, RefersTo
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import Condition, FormField

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
ACCOUNT_MANAGER = "account_manager"
CROSS_CONNECT = "cross_connect"
_OF_OTHERS: tuple[dict[str, Any], ...] = (
    {
        "record": RecordKind.SERVICE, "key": CROSS_CONNECT, "type": FieldType.TEXT, "label": "Cross-connect",
        "label_de": "Cross-Connect", "help": "The number by which the data centre knows it",
        "help_de": "Die Nummer, unter der das Rechenzentrum sie führt", "visible_to": FieldAudience.CUSTOMER,
    },
    {
        "record": RecordKind.COMPANY, "key": ACCOUNT_MANAGER, "type": FieldType.REFERENCE, "label": "Account manager",
        "label_de": "Kundenbetreuung", "refers_to": RefersTo.USER, "visible_to": FieldAudience.CUSTOMER,
    },
)  # fmt: skip
_FORM = (
    FormField("title"),
    FormField("description"),
    FormField("occurred_at", is_required=True),
    FormField("service_end", is_required=True),
    FormField("fields.affected_sites"),
    FormField("fields.change_number"),
    FormField("testing_consent", is_required=True),
    FormField("dispatch_allowed", is_required=True),
    FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,))),
    FormField("contacts", when=Condition("dispatch_allowed", (True,))),
)


async def load_fields(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Add own fields, and the form of a fibre cut.

    Of tickets customers fill in two and read one; of services and companies they read one each.
    """
    for values in (*({"record": RecordKind.TICKET, **each} for each in _FIELDS), *_OF_OTHERS):
        await own_fields.add_field(tx, actor, values, now=now)
    await forms.set_form(tx, actor, "Fibre cut", FieldAudience.CUSTOMER, _FORM, now=now)
