"""What a customer does to a ticket: write, say that it works, reopen, close, ask for cancellation, follow."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, IllegalTransition, InvalidInput
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.note_domain import Visibility
from clearline.web.done import signed
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.multipart import FIELD, receive_form
from clearline.web.once import SentBefore, perform_once
from clearline.web.portal.tickets.ticket import PATH, Typed, ticket_page
from clearline.web.tickets.people import person_id_in, person_in
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

Action = Callable[[Visit, Tx, int], Awaitable[str]]
"""Does what a form asks for; returns what the page then says was done, if it says anything."""
_WORKS = "It works again."


def action_handler(form: str, act: Action) -> Callable[[Visit], Awaitable[Answer]]:
    """Return the handler of a form of the page of a ticket, which takes effect once. A refusal is shown on the page."""

    async def handle(visit: Visit) -> Answer:
        return await _perform(visit, form, act)

    return handle


async def _perform(visit: Visit, form: str, act: Action) -> Answer:
    number = access.parse_number(visit.path["number"])
    path = PATH.format(number=ticket_number(number))

    async def perform(tx: Tx) -> str:
        done = await act(visit, tx, number)
        return f"{path}?done={done}" if done else path

    text = visit.form.get("text")
    try:
        address = await perform_once(visit, f"{form} {number}", perform)
    except SentBefore as before:  # the answer to the first sending was lost, and the text was changed since
        if not text.strip():
            return redirect(visit.browser, signed(visit, before.address))
        problem = gettext("An earlier version of this was sent already: it is shown above.")
        return await ticket_page(visit, 409, Typed(form, text, problem))
    except (InvalidInput, Conflict) as error:
        problem = _problem(error)
        return await ticket_page(visit, refused_status(error), Typed(form, text, problem, visit.form))
    return redirect(visit.browser, signed(visit, address))


def _problem(error: InvalidInput | Conflict) -> str:
    """Return why a form was refused."""
    if isinstance(error, IllegalTransition):  # in English, too: its text has the names of statuses that programs use
        return gettext("The ticket has another status by now, in which this is not possible.")
    if isinstance(error, Conflict):
        return refusal_text(error)
    [violation, *_others] = error.violations
    if violation.field != FIELD:
        return rule_text(violation)
    return gettext("Nothing was sent, because of a file. %(reason)s. Choose the files again.") % {
        "reason": rule_text(violation)
    }


async def reply(visit: Visit) -> Answer:
    """Add a message, files, or both."""
    number = access.parse_number(visit.path["number"])

    async def company_of(_form: Form) -> UUID:
        async with visit.database.statement() as tx:
            return await attachments.require_attachable(tx, visit.actor, number, Visibility.PUBLIC)

    async with receive_form(visit, company_of) as files:

        async def add(visit: Visit, tx: Tx, number: int) -> str:
            files.check()
            if visit.form.get("text").strip() or not files.files:
                await _add(visit, tx, number, visit.form.get("text").rstrip())
            reopens = visit.services.settings.reopen_on_answer
            await files.attach(visit, tx, number, Visibility.PUBLIC, reopens=reopens)
            return "sent"

        return await _perform(visit, "reply", add)


async def _add(visit: Visit, tx: Tx, number: int, text: str) -> None:
    settings = visit.services.settings
    await notes.append_note(
        tx, visit.actor, number, text, channel=Channel.PORTAL, reopens=settings.reopen_on_answer,
        notes_max=settings.ticket_notes_max, now=visit.now,
    )  # fmt: skip


async def say_that_it_works(visit: Visit, tx: Tx, number: int) -> str:
    """Close a ticket that is resolved; of another one tell the support team, who resolves it."""
    view = await ticket_changes.lock_ticket(tx, visit.actor, number)
    if view.ticket.status is Status.RESOLVED:
        await ticket_changes.move_ticket(tx, visit.actor, number, Status.CLOSED, reason=_WORKS, now=visit.now)
        return "closed"
    await _add(visit, tx, number, _WORKS)
    return "works"


async def reopen(visit: Visit, tx: Tx, number: int) -> str:
    """Reopen a resolved ticket, with what is still wrong."""
    reason = visit.form.get("text").strip()
    await ticket_changes.move_ticket(tx, visit.actor, number, Status.REOPENED, reason=reason, now=visit.now)
    return "reopened"


async def close(visit: Visit, tx: Tx, number: int) -> str:
    """Close a ticket that is not resolved, with the reason."""
    reason, closes = visit.form.get("text").strip(), visit.services.settings.customers_close
    await ticket_changes.move_ticket(
        tx, visit.actor, number, Status.CLOSED, reason=reason, customer_closes=closes, now=visit.now
    )
    return "closed"


async def ask_for_cancellation(visit: Visit, tx: Tx, number: int) -> str:
    """Ask the provider to cancel a ticket, maybe with a reason."""
    reason = visit.form.get("text").strip()
    to = Status.CANCELLATION_REQUESTED
    await ticket_changes.move_ticket(tx, visit.actor, number, to, reason=reason, now=visit.now)
    return "cancellation"


async def follow(visit: Visit, tx: Tx, number: int) -> str:
    """Add a colleague to the followers by address, or without one the person itself."""
    user, _company = accounts.user_and_company(visit.actor)
    await watching.watch(tx, visit.actor, number, visit.form.get("text").strip() or user.id, now=visit.now)
    return "followed"


async def unfollow(visit: Visit, tx: Tx, number: int) -> str:
    """Remove a follower."""
    await watching.unwatch(tx, visit.actor, number, known_id("user", visit.form.get("user")), now=visit.now)
    return ""


async def add_person(visit: Visit, tx: Tx, number: int) -> str:
    """Add a contact with a role, or one who gets copies."""
    await people.add_person(tx, visit.actor, number, person_in(visit.form), now=visit.now)
    return "person"


async def remove_person(visit: Visit, tx: Tx, number: int) -> str:
    """Remove a contact, or one who gets copies."""
    await people.remove_person(tx, visit.actor, number, person_id_in(visit.form), now=visit.now)
    return ""
