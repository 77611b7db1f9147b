"""What the forms of a ticket's page do: each is one use case; then the page is shown again."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.drafts import assignment_usecases as assignments
from clearline.drafts import pending_usecases as pending
from clearline.errors import Conflict, InvalidInput
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.links.domain import LinkType
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.tickets.progress.facts import StatusFacts
from clearline.web import looks
from clearline.web.console.live.ticket import show_changes
from clearline.web.console.progress.fields import shown_status, status_words
from clearline.web.console.ticket import ticket_page
from clearline.web.console.views import list_in
from clearline.web.fields import id_in, member_in, tags_in, ticket_number_in
from clearline.web.language.refusals import refusal_text
from clearline.web.tickets.type_names import issue_name
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

Change = Callable[[Visit, Tx, int], Awaitable[None]]
SHOWN = "shown"
"""The field of a form with the value that its page shows."""


def change_handler(change: Change) -> Callable[[Visit], Awaitable[Answer]]:
    """Return the handler of a form that changes the ticket in the path. A refusal is shown on the ticket's page.

    A page that says what it shows, as for ``show_changes``, stays, and gets only what changed.
    """

    async def handle(visit: Visit) -> Answer:
        number = access.parse_number(visit.path["number"])
        stays = visit.browser.is_partial and "details" in visit.query
        try:
            async with visit.services.database.transaction() as tx:
                await change(visit, tx, number)
        except (InvalidInput, Conflict) as error:
            if stays:
                raise
            return await ticket_page(visit, refused_status(error), problem=refusal_text(error))
        return await show_changes(visit) if stays else redirect(visit.browser, address(visit, number))

    return handle


def require_shown(visit: Visit, value: str, name: str, label: str) -> None:
    """Refuse to replace a value that the page of the form did not show: ``name`` and ``label`` say it to people.

    Raises:
        Conflict: somebody changed it meanwhile.
    """
    if visit.form.has(SHOWN) and visit.form.get(SHOWN) != value:
        text = gettext("not saved: somebody changed the %(name)s to %(value)s meanwhile")
        raise Conflict(text % {"name": name, "value": label})


def address(visit: Visit, number: int) -> str:
    """Return the address of a ticket's page, with the list that the person came from."""
    return f"/console/tickets/{ticket_number(number)}{list_in(visit)}"


async def set_status(visit: Visit, tx: Tx, number: int) -> None:
    """Move the ticket to another status, after what the person has waiting to be sent.

    The sub-status stands after a point. A ticket that has the status gets that alone.
    """
    chosen, _point, sub_status = visit.form.get("status").partition(".")
    to = member_in(Status, Form([("status", chosen)]), "status")
    waiting = await pending.lock_waiting(tx, visit.actor, number)
    ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
    if visit.form.has(SHOWN) and shown_status(ticket) == visit.form.get("status"):
        return
    require_shown(visit, shown_status(ticket), gettext("status"), status_words(ticket))
    if visit.form.has(SHOWN) and ticket.status is to:
        values = {"sub_status": sub_status or None}
        await ticket_changes.change_facts(tx, visit.actor, number, values, now=visit.now)
        return
    await pending.send_early(tx, waiting, notes_max=visit.services.settings.ticket_notes_max, now=visit.now)
    facts = StatusFacts(sub_status or None)
    await ticket_changes.move_ticket(tx, visit.actor, number, to, reason="", facts=facts, now=visit.now)


async def set_priority(visit: Visit, tx: Tx, number: int) -> None:
    """Set the priority."""
    priority = member_in(Priority, visit.form, "priority")
    before = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket.priority
    if before is not priority:
        require_shown(visit, before, gettext("priority"), gettext(looks.PRIORITIES[before].label))
    await ticket_changes.change_ticket(tx, visit.actor, number, {"priority": priority}, now=visit.now)


async def apply_matrix(visit: Visit, tx: Tx, number: int) -> None:
    """Set the priority and the severity that the priority matrix says."""
    await ticket_matrix.apply_matrix(tx, visit.actor, number, now=visit.now)


async def set_issue(visit: Visit, tx: Tx, number: int) -> None:
    """Set the type of the issue. Severity, impact and priority stay."""
    to = visit.form.get("issue")
    before = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket.issue_type
    if before != to:
        require_shown(visit, before, gettext("issue"), issue_name(before))
    await ticket_changes.change_ticket(tx, visit.actor, number, {"issue_type": to}, now=visit.now)


async def set_assignee(visit: Visit, tx: Tx, number: int) -> None:
    """Assign the ticket, or take it from its assignee."""
    user = visit.actor.user
    to = user.id if visit.form.get("assignee") == "me" and user is not None else id_in(visit.form, "assignee")
    view = await ticket_changes.lock_ticket(tx, visit.actor, number)
    if view.ticket.assignee_id != to:
        shown = str(view.ticket.assignee_id or "")
        require_shown(visit, shown, gettext("assignee"), view.assignee_name or gettext("nobody"))
    await ticket_changes.assign(tx, visit.actor, number, to, now=visit.now)


async def undo_assignment(visit: Visit) -> Answer:
    """Take the ticket from the person to whom it was assigned by typing; an open page stays, with its draft."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        await assignments.undo_assignment(tx, visit.actor, number, now=visit.now)
    if visit.browser.is_partial:
        return Answer(204, b"", [(b"cache-control", b"no-store")])
    return redirect(visit.browser, address(visit, number))


async def set_queue(visit: Visit, tx: Tx, number: int) -> None:
    """Move the ticket to another queue, or to none."""
    to = id_in(visit.form, "queue")
    view = await ticket_changes.lock_ticket(tx, visit.actor, number)
    if view.ticket.queue_id != to:
        shown = str(view.ticket.queue_id or "")
        require_shown(visit, shown, gettext("queue"), view.queue_name or gettext("no queue"))
    await ticket_changes.change_ticket(tx, visit.actor, number, {"queue_id": to}, now=visit.now)


async def set_tags(visit: Visit, tx: Tx, number: int) -> None:
    """Set the tags, which stand between spaces or commas."""
    tags = tags_in(visit.form, "tags")
    before = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket.tags
    if visit.form.has(SHOWN) and {*before} not in ({*tags}, {*tags_in(visit.form, SHOWN)}):
        text = gettext("not saved: somebody changed the tags meanwhile, to %(value)s")
        raise Conflict(text % {"value": " ".join(before) or gettext("none")})
    await ticket_changes.change_ticket(tx, visit.actor, number, {"tags": tags}, now=visit.now)


async def add_watcher(visit: Visit, tx: Tx, number: int) -> None:
    """Add a watcher."""
    await watching.watch(tx, visit.actor, number, id_in(visit.form, "watcher") or UUID(int=0), now=visit.now)


async def remove_watcher(visit: Visit, tx: Tx, number: int) -> None:
    """Remove a watcher."""
    await watching.unwatch(tx, visit.actor, number, id_in(visit.form, "watcher") or UUID(int=0), now=visit.now)


async def add_link(visit: Visit, tx: Tx, number: int) -> None:
    """Link the ticket to another."""
    other = ticket_number_in(visit.form.get("ticket"), "ticket")
    kind = member_in(LinkType, visit.form, "type")
    await links.add_link(tx, visit.actor, number, kind, other, now=visit.now)


async def remove_link(visit: Visit, tx: Tx, number: int) -> None:
    """Remove a link."""
    link_id = id_in(visit.form, "link") or UUID(int=0)
    await links.remove_link(tx, visit.actor, number, link_id, now=visit.now)
