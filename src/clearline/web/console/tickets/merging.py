"""Merge the ticket into another, with a preview, and undo it; split it in two."""

from msgspec import Struct

from clearline.drafts import pending_usecases as pending
from clearline.errors import Conflict, InvalidInput, RuleCode, Violation
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import Channel, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links.domain import COPIES_MAX, TicketNote
from clearline.tickets.note_domain import NOTES_MAX, TEXT_MAX
from clearline.tickets.status_domain import REASON_MAX
from clearline.web.console.changes import address
from clearline.web.console.tickets.pages import page_about
from clearline.web.fields import ticket_number_in, whole_number
from clearline.web.language.refusals import refusal_text
from clearline.web.once import lead_once
from clearline.web.visit import Visit, redirect, refused_status
from clearline.wires.http.call import Answer


class SplitDraft(Struct, frozen=True):
    """What stands in the form of a split, and why it was refused."""

    title: str = ""
    description: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""


EMPTY = SplitDraft()


async def show_merge(visit: Visit) -> Answer:
    """Ask which ticket to merge into; preview the merge once that is named."""
    return await _merge_page(visit, visit.query.get("into", ""))


async def merge(visit: Visit) -> Answer:
    """Merge the ticket into another, after what the person has waiting to be sent."""
    number, into = access.parse_number(visit.path["number"]), visit.form.get("into")

    async def act(tx: Tx) -> str:
        target, reason = ticket_number_in(into, "into"), visit.form.get("reason").strip()
        notes_max = visit.services.settings.ticket_notes_max
        await pending.send_waiting(tx, visit.actor, number, notes_max=notes_max, now=visit.now)
        await merging.merge_ticket(tx, visit.actor, number, target, reason=reason, now=visit.now)
        return address(visit, number)

    try:
        path = await lead_once(visit, f"merge {number}", act)
    except (InvalidInput, Conflict) as error:
        return await _merge_page(visit, into, error)
    return redirect(visit.browser, path)


async def unmerge(visit: Visit, tx: Tx, number: int) -> None:
    """Undo the merge of the ticket."""
    await merging.unmerge_ticket(tx, visit.actor, number, now=visit.now)


async def _merge_page(visit: Visit, into: str, error: InvalidInput | Conflict | None = None) -> Answer:
    number = access.parse_number(visit.path["number"])
    target: TicketView | None = None
    is_wrong_reason = isinstance(error, InvalidInput) and error.violations[0].field == "reason"
    if into and (error is None or is_wrong_reason):
        try:
            async with visit.services.database.transaction() as tx:
                _source, target = await merging.preview_merge(tx, visit.actor, number, ticket_number_in(into, "into"))
        except (InvalidInput, Conflict) as refusal:
            error = refusal
    status = 200 if error is None else refused_status(error)
    return await page_about(
        visit, "console/merge.html", status, into=into, target=target, reason=visit.form.get("reason"),
        reason_max=REASON_MAX, problem="" if error is None else refusal_text(error),
    )  # fmt: skip


async def show_split(visit: Visit) -> Answer:
    """Ask for the title and the text of the new ticket, and which messages to copy."""
    return await _split_page(visit, 200, EMPTY)


async def split(visit: Visit) -> Answer:
    """Split the ticket, and open the new one."""
    number, form = access.parse_number(visit.path["number"]), visit.form
    draft = SplitDraft(form.get("title").strip(), form.get("description").rstrip(), tuple(form.all("note")))

    async def act(tx: Tx) -> str:
        new = await merging.split_ticket(
            tx, visit.actor, number, title=draft.title, description=draft.description,
            notes=tuple(_note_in(text) for text in draft.notes), channel=Channel.CONSOLE, now=visit.now,
        )  # fmt: skip
        return f"/console/tickets/{ticket_number(new.ticket.number)}"

    try:
        path = await lead_once(visit, f"split {number}", act)
    except (InvalidInput, Conflict) as error:
        refused = SplitDraft(draft.title, draft.description, draft.notes, refusal_text(error))
        return await _split_page(visit, refused_status(error), refused)
    return redirect(visit.browser, path)


async def _split_page(visit: Visit, status: int, draft: SplitDraft) -> Answer:
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        entries = await merging.notes_with_merged(tx, visit.actor, number, limit=NOTES_MAX)
    own: list[TicketNote] = [entry for entry in entries if entry.ticket_number == number]
    return await page_about(
        visit, "console/split.html", status, draft=draft, notes=own[-COPIES_MAX:], text_max=TEXT_MAX
    )


def _note_in(text: str) -> int:
    if (number := whole_number(text, digits=12)) is None:
        raise InvalidInput([Violation("note", "must be the number of a note", RuleCode.FORMAT)])
    return number
