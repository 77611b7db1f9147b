"""The demo's ticket templates: one of the provider's people, one of a customer."""

from datetime import datetime
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.workspace.templates import usecases as templates

_WAVE = {"service_type": "Wavelength", "issue_type": "Fibre cut", "priority": Priority.CRITICAL}


async def load_desk_templates(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Add a template for what customers say on the phone when a wave is dark."""
    values = {
        **_WAVE, "name": "Wave is dark", "title": "Wave is dark", "tags": ("optics",),
        "description": "LOS at A:\nLOS at Z:\nLast light level, dBm:\nWho is on site:",
    }  # fmt: skip
    await templates.add_template(tx, actor, values, now=now)


async def load_company_templates(tx: Tx, actor: Actor, company_id: UUID, *, now: datetime) -> None:
    """Add a template of a customer about a wave of its own, with a value of an own field."""
    values = {
        **_WAVE, "name": "London wave is dark", "title": "Frankfurt to London wave is dark",
        "description": "LOS in Frankfurt since", "service_id": "WL-FRA-LON-02",
        "fields": {"affected_sites": ["frankfurt", "london"]},
    }  # fmt: skip
    await templates.add_template(tx, actor, values, company=str(company_id), now=now)
