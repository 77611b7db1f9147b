"""Remove words or a file from the ticket for good: name them, see how many places hold them, and confirm."""

from uuid import UUID

from msgspec import Struct

from clearline.errors import Conflict, InvalidInput, NotFound, RuleCode, Violation
from clearline.platform.database.transactions import Tx
from clearline.redaction import usecases as redactions
from clearline.redaction.domain import REASON_MAX, WORDS_MAX, Place, Preview, Redaction, Target
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import ticket_number
from clearline.web.console.tickets.pages import page_about
from clearline.web.language.refusals import refusal_text
from clearline.web.once import lead_once
from clearline.web.visit import Visit, redirect, refused_status
from clearline.wires.http.call import Answer

_LISTED_MAX = 50
"""The most redactions that the page lists."""


class RedactionDraft(Struct, frozen=True):
    """What stands in the form, and why it was refused. ``file`` is the id of a file; then there are no words."""

    text: str = ""
    file: str = ""
    reason: str = ""
    problem: str = ""


async def show_redact(visit: Visit) -> Answer:
    """Ask for the words, or for a file; and list what was redacted before."""
    return await _page(visit, 200, RedactionDraft())


async def redact(visit: Visit) -> Answer:
    """Show how many places hold the words; once that is confirmed, redact them. Nothing stands in an address."""
    form = visit.form
    draft = RedactionDraft(form.get("text").strip(), form.get("file"), form.get("reason").strip())
    if not (draft.text or draft.file):
        return await _page(visit, 200, draft)
    try:
        if form.get("confirm"):
            return await _redact(visit, draft)
        async with visit.database.transaction() as tx:
            number = access.parse_number(visit.path["number"])
            preview = await redactions.preview(tx, visit.actor, number, _place(draft))
    except (InvalidInput, Conflict) as error:
        refused = RedactionDraft(draft.text, draft.file, draft.reason, refusal_text(error))
        return await _page(visit, refused_status(error), refused)
    return await _page(visit, 200, draft, preview)


async def _redact(visit: Visit, draft: RedactionDraft) -> Answer:
    number = access.parse_number(visit.path["number"])
    keys: list[Key] = []

    async def act(tx: Tx) -> str:
        started = await redactions.redact(
            tx, visit.actor, number, _place(draft), reason=draft.reason,
            secret_key=visit.services.settings.secret_key, now=visit.now,
        )  # fmt: skip
        keys.extend(Key(started.redaction.company_id, content_id) for content_id in started.content_ids)
        return f"/console/tickets/{ticket_number(number)}/redact"

    path = await lead_once(visit, f"redact {number}", act)
    for key in keys:
        await visit.services.blobs.delete(key)
    return redirect(visit.browser, path)


def _place(draft: RedactionDraft) -> Place:
    """Return what the form asks to redact: a file, or words anywhere in the ticket."""
    if not draft.file:
        return Place(Target.TICKET, text=draft.text)
    try:
        return Place(Target.ATTACHMENT, id=UUID(draft.file))
    except ValueError:
        raise InvalidInput([Violation("file", "must be a file of the ticket", RuleCode.REFERENCE)]) from None


async def _page(visit: Visit, status: int, draft: RedactionDraft, preview: Preview | None = None) -> Answer:
    number = access.parse_number(visit.path["number"])
    async with visit.database.transaction() as tx:
        done: list[Redaction] = await redactions.list_redactions(tx, visit.actor, number, limit=_LISTED_MAX)
        files: list[Attachment] = await attachments.list_attachments(tx, visit.actor, number)
    named = next((file for file in files if str(file.id) == draft.file), None)
    if draft.file and named is None and not draft.problem:
        raise NotFound("attachment", draft.file)
    return await page_about(
        visit, "console/redact.html", status, draft=draft, preview=preview, files=files, named=named, done=done,
        words_max=WORDS_MAX, reason_max=REASON_MAX,
    )  # fmt: skip
