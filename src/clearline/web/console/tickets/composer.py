"""Send what was written in the composer, once, unless others wrote meanwhile."""

from contextlib import suppress
from uuid import UUID

from msgspec.structs import replace

from clearline.catalogue.term_usecases import current_terms
from clearline.drafts import pending_usecases as pending
from clearline.errors import Conflict, InvalidInput
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import held_usecases as held_files
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from clearline.web.console.changes import address
from clearline.web.console.progress.fields import asked_for, labelled, message_facts_in, problems, require_reason
from clearline.web.console.ticket import ticket_page
from clearline.web.console.tickets.copies import add_typed_copies, copies_problem
from clearline.web.console.tickets.drafts import Typed, clear_draft, send_route, typed_in
from clearline.web.fields import ids_in, known_id, member_in, optional_member_in
from clearline.web.language.refusals import refusal_text
from clearline.web.multipart import SentFiles, receive_form
from clearline.web.once import SentBefore, lead_once, perform_once
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer
from clearline.workspace import macro_usecases as macros

_STALE_MAX = 20


class _Stale(Exception):
    """Others wrote after the last message that stood on the page."""


async def send_message(visit: Visit) -> Answer:
    """Send a reply to the customer or add an internal note, with files; then change the status, if that was chosen.

    When others wrote meanwhile, nothing is sent: their messages are shown; the text and files stand in the composer.
    """
    number = access.parse_number(visit.path["number"])

    async def company_of(_form: Form) -> UUID | None:
        async with visit.services.database.statement() as tx:
            return await attachments.require_attachable(tx, visit.actor, number, Visibility.PUBLIC)

    async with receive_form(visit, company_of) as sent:
        return await _send_form(visit, number, sent)


async def _send_form(visit: Visit, number: int, sent: SentFiles) -> Answer:
    form = visit.form
    typed = typed_in(form)

    async def send(tx: Tx) -> str:
        await ticket_changes.lock_ticket(tx, visit.actor, number)
        if await has_news(visit, tx, number):
            raise _Stale
        sent.check()
        new = [await held_files.hold_file(tx, visit.actor, number, *file, now=visit.now) for file in sent.pairs()]
        await _send(visit, tx, number, typed, [*ids_in(form, "file"), *(file.id for file in new)])
        sent.keep()
        return address(visit, number)

    try:
        path = await perform_once(visit, send_route(number), send)
    except _Stale:
        status, typed = 409, replace(typed, notice=stale_notice(), seen=seen_in(visit))
    except SentBefore:  # the answer to the first sending was lost, and the text was changed since
        notice = gettext("An earlier version of this message was sent already: it is shown above.")
        return await ticket_page(visit, 409, typed=replace(typed, notice=notice))
    except (InvalidInput, Conflict) as error:
        status, typed = refused_status(error), _refused(typed, error)
    else:
        return redirect(visit.browser, path)
    await _keep(visit, number, sent)
    return await ticket_page(visit, status, typed=typed)


def _refused(typed: Typed, error: InvalidInput | Conflict) -> Typed:
    """Return what was typed with why it was not sent."""
    if not typed.text.strip():
        return replace(typed, problem=gettext("Write a message first."))
    if isinstance(error, InvalidInput) and (problem := copies_problem(error)):
        return replace(typed, problem=problem)
    found = problems(error) if isinstance(error, InvalidInput) else {}
    is_about_facts = any(name.startswith(("closure_", "waiting_", "sub_status")) for name in found)
    text = labelled(found) if is_about_facts else refusal_text(error)
    return replace(typed, problem=text, refusal=Refusal(found))


async def _keep(visit: Visit, number: int, sent: SentFiles) -> None:
    """Put the files of a refused message into the composer, unless the ticket takes no more."""
    if not sent.files:
        return
    with suppress(InvalidInput, Conflict):
        async with visit.services.database.transaction() as tx:
            for file in sent.pairs():
                await held_files.hold_file(tx, visit.actor, number, *file, now=visit.now)
            sent.keep()


async def apply_macro(visit: Visit) -> Answer:
    """Use a macro on the ticket; what customers get or see waits, as a reply does.

    When others wrote meanwhile, nothing is done, and the preview is shown again.
    """
    number, macro = access.parse_number(visit.path["number"]), known_id(macros.KIND, visit.path["macro"])

    async def use(tx: Tx) -> str:
        await ticket_changes.lock_ticket(tx, visit.actor, number)
        if await has_news(visit, tx, number):
            raise _Stale
        await _use_macro(visit, tx, number, macro)
        return address(visit, number)

    try:
        path = await lead_once(visit, f"applyMacro {number} {macro}", use)
    except _Stale:
        problem = gettext("Others wrote meanwhile. Nothing was done: read their messages, then apply the macro.")
        return await ticket_page(visit, 409, typed=Typed(seen=seen_in(visit)), problem=problem)
    except (InvalidInput, Conflict) as error:
        return await ticket_page(visit, refused_status(error), problem=refusal_text(error))
    return redirect(visit.browser, path)


async def _send(visit: Visit, tx: Tx, number: int, typed: Typed, files: list[UUID]) -> None:
    """Hold the message back while it can be taken back; a note that stays in the house is added at once."""
    settings, text = visit.services.settings, typed.text.rstrip()
    visibility = member_in(Visibility, visit.form, "visibility")
    then = optional_member_in(Status, visit.form, "then")
    await clear_draft(visit, tx, number, visibility)
    if visibility is Visibility.PUBLIC:
        await add_typed_copies(visit, tx, number)
    facts = message_facts_in(visit.form, then)
    if then is not None and visit.form.has(f"waiting_reason_{then}"):
        ticket = (await tickets.get_ticket(tx, visit.actor, number)).ticket
        asked = asked_for(await current_terms(tx), visit.catalogue, then, [ticket.issue_type], ticket)
        require_reason(asked, visit.form, f"_{then}")
    is_seen = visibility is Visibility.PUBLIC or then is not None
    if (seconds := await _seconds(visit, tx, number, is_seen=is_seen)) is not None:
        await pending.hold_message(
            tx, visit.actor, number, text, visibility=visibility, then=then, facts=facts, files=files,
            seconds=seconds, now=visit.now,
        )  # fmt: skip
        return
    await notes.append_note(
        tx, visit.actor, number, text, channel=Channel.CONSOLE, visibility=visibility,
        notes_max=settings.ticket_notes_max, now=visit.now,
    )  # fmt: skip
    await held_files.attach_chosen(tx, visit.actor, number, files, visibility, now=visit.now)
    if then is not None:
        await ticket_changes.move_ticket(tx, visit.actor, number, then, reason="", facts=facts, now=visit.now)


async def _use_macro(visit: Visit, tx: Tx, number: int, macro_id: UUID) -> None:
    macro = await macros.get_macro(tx, visit.actor, macro_id)
    is_seen = macro.status is not None or (bool(macro.text) and macro.visibility is Visibility.PUBLIC)
    if (seconds := await _seconds(visit, tx, number, is_seen=is_seen)) is not None:
        await pending.hold_macro(tx, visit.actor, number, macro_id, seconds=seconds, now=visit.now)
        return
    notes_max = visit.services.settings.ticket_notes_max
    await macros.apply_macro(tx, visit.actor, number, macro_id, notes_max=notes_max, now=visit.now)


async def _seconds(visit: Visit, tx: Tx, number: int, *, is_seen: bool) -> int | None:
    """Return for how many seconds a message is held back; None for one that is sent at once.

    ``is_seen`` is whether the customer gets or sees something of it. Anything else waits only behind what the person
    sent before, so that the timeline keeps their order.
    """
    seconds = visit.services.settings.undo_seconds
    if is_seen and seconds:
        return seconds
    return 0 if await pending.waiting_of(tx, visit.actor, number) else None


async def take_back(visit: Visit) -> Answer:
    """Take a message back into the composer before it is sent, or one that could not be sent."""
    number, message_id = access.parse_number(visit.path["number"]), known_id("message", visit.path["message"])

    async def undo(tx: Tx) -> str:
        message = await pending.take_back(tx, visit.actor, number, message_id, now=visit.now)
        path = address(visit, number)
        return f"{path}{'&' if '?' in path else '?'}draft={message.draft_writer}"

    try:
        path = await lead_once(visit, f"takeBack {number} {message_id}", undo)
    except Conflict:
        problem = gettext("Too late to undo: the message was sent already.")
        return await ticket_page(visit, 409, problem=problem)
    return redirect(visit.browser, path)


async def has_news(visit: Visit, tx: Tx, number: int) -> bool:
    """Return whether somebody else wrote after the last message that the person saw, or is about to."""
    if (seen := seen_in(visit)) is None:
        return False
    shown = visit.form.get("waiting").split()
    waiting = await pending.list_pending(tx, visit.actor, number)
    me = None if visit.actor.user is None else visit.actor.user.id
    if any(message.user_id != me and str(message.id) not in shown for message in waiting):
        return True
    return await merging.others_wrote(tx, visit.actor, number, after=seen, limit=_STALE_MAX)


def seen_in(visit: Visit) -> int | None:
    """Return the number of the last message that stood on the page of the form, or None if it does not say."""
    seen = visit.form.get("seen")
    return int(seen) if seen.isdecimal() and len(seen) <= 12 else None


def stale_notice() -> str:
    """Return what stands above a message that was held back."""
    return gettext("Others wrote while you were writing. Their messages are marked above, and your text is kept.")
