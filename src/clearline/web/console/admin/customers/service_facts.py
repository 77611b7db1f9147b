"""The fields of the facts of a service: what the forms of admins show and read."""

from typing import Any

from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import NO_END, End, rate_text
from clearline.inventory.import_domain import OPTIONAL, cell_values
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.tiers import tier_field
from clearline.web.looks import SERVICE_STATES
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


async def fact_fields(visit: Visit, tx: Tx, tier: str | None) -> list[Field]:
    """Return the fields of the facts of a service that has a tier."""
    yes_or_no = [Choice("", gettext("not known")), Choice("yes", gettext("yes")), Choice("no", gettext("no"))]
    hidden = gettext("Customers do not see it.")
    return [
        Field(
            "state",
            gettext("State"),
            Kind.SELECT,
            [Choice(state, gettext(word)) for state, word in SERVICE_STATES.items()],
        ),
        Field("rate", gettext("Rate"), hint=gettext("In bit/s, or with a unit: 10G, 2.5M, 64k.")),
        await tier_field(visit, tx, tier),
        Field("is_protected", gettext("Protected path"), Kind.SELECT, yes_or_no),
        Field("installed_on", gettext("Installed since"), hint=gettext("A day, such as 2026-03-01.")),
        Field("customer_label", gettext("Customer's label"), hint=gettext("What the customer calls the circuit.")),
        Field("carrier", gettext("Access carrier"), hint=hidden),
        Field("carrier_circuit_id", gettext("Circuit id of the carrier"), hint=hidden),
        *(field for side in "az" for field in _end_fields(side)),
    ]


def _end_fields(side: str) -> list[Field]:
    end = side.upper()
    return [
        Field(f"{side}_site", gettext("%(end)s end: site") % {"end": end}),
        Field(f"{side}_device", gettext("%(end)s end: device") % {"end": end}),
        Field(f"{side}_port", gettext("%(end)s end: port") % {"end": end}),
        Field(
            f"{side}_vlan", gettext("%(end)s end: VLAN") % {"end": end},
            hint=gettext("100, 100.200 (outer, inner), or 10-19."),
        ),
    ]  # fmt: skip


def fact_values(service: Service) -> Values:
    """Return what the fields of the facts of a service have."""
    protected = {None: "", True: "yes", False: "no"}[service.is_protected]
    values: dict[str, list[str]] = {
        "state": [service.state],
        "rate": ["" if service.rate is None else rate_text(service.rate)],
        "tier": [service.tier or ""],
        "is_protected": [protected],
        "installed_on": [service.installed_on.isoformat() if service.installed_on else ""],
        "customer_label": [service.customer_label or ""],
        "carrier": [service.carrier or ""],
        "carrier_circuit_id": [service.carrier_circuit_id or ""],
    }
    for side, end in (("a", service.a_end), ("z", service.z_end)):
        shown = end or NO_END
        values |= {f"{side}_{part}": [getattr(shown, part) or ""] for part in End.__struct_fields__}
    return values


def facts_in(form: Form) -> dict[str, Any]:
    """Return the facts that a form sets, as the cells of a table do.

    Raises:
        InvalidInput: naming the fields with a value that is none.
    """
    return cell_values({name: form.get(name).strip() for name in OPTIONAL})
