"""The page on which a shift is handed over, and the pages of those that were."""

from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.errors import InvalidInput
from clearline.handovers import usecases as handovers
from clearline.handovers.domain import GROUP_MAX, LONGEST_MAX, NOTE_MAX, Handover
from clearline.platform.database.transactions import Tx
from clearline.web import once
from clearline.web.console.views import sidebar, with_counts
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text
from clearline.web.lists.parts import Part, Parts
from clearline.web.visit import Visit, redirect, refused_status
from clearline.wires.http.call import Answer

PATH = "/console/handover"
SIGNED = "/console/handovers/{id}"
_FEW = 10


async def show_handover(visit: Visit) -> Answer:
    """Show what the next shift has to know, and the form to sign off."""
    return await _page(visit)


async def sign_off(visit: Visit) -> Answer:
    """Sign the shift off, once, and lead to its page."""

    async def act(tx: Tx) -> str:
        handover = await handovers.sign_off(tx, visit.actor, visit.form.get("note").strip(), now=visit.now)
        return SIGNED.format(id=handover.id)

    try:
        return redirect(visit.browser, await once.lead_once(visit, "signOff", act))
    except InvalidInput as error:
        return await _page(visit, refused_status(error), problem=refusal_text(error))


async def _page(visit: Visit, status: int = 200, *, problem: str = "") -> Answer:
    parts = Parts(visit, PATH)
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        work = await handovers.read_open_work(tx, visit.actor)
        earlier = await _earlier(visit, tx, parts)
    side = await with_counts(visit, side)
    return visit.page(
        "console/handovers/handover.html", status, side=side, here=PATH, work=work, earlier=earlier, problem=problem,
        note=visit.form.get("note"), once_key=visit.form.get(once.FIELD) or once.new_key(), note_max=NOTE_MAX,
        most=GROUP_MAX, longest_most=LONGEST_MAX,
    )  # fmt: skip


async def _earlier(visit: Visit, tx: Tx, parts: Parts) -> Part[Handover] | None:
    async def load(keys: list[Any] | None, limit: int) -> list[Handover]:
        after = None if keys is None else (datetime.fromisoformat(keys[0]), UUID(keys[1]))
        return await handovers.list_handovers(tx, visit.actor, after=after, limit=limit)

    return await parts.read("earlier", _FEW, load, lambda each: [each.at.isoformat(), str(each.id)])


async def show_signed(visit: Visit) -> Answer:
    """Show a handover, with what was open then."""
    handover_id = known_id(handovers.KIND, visit.path["id"])
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        handover = await handovers.get_handover(tx, visit.actor, handover_id)
    side = await with_counts(visit, side)
    return visit.page("console/handovers/signed.html", side=side, here="", handover=handover)
