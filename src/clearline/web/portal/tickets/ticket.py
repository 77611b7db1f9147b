"""The page of a ticket for its customer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Feedback
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.redactor import MARK
from clearline.tickets import access
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.domain import Status, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.links.domain import Watcher
from clearline.tickets.note_domain import NOTES_MAX, TEXT_MAX
from clearline.tickets.status_domain import ACCEPTS_NOTES, CUSTOMER_CLOSES, REASON_MAX, customer_moves
from clearline.web import looks, once
from clearline.web.done import done_in
from clearline.web.portal.new_ticket.fields import REFERENCE
from clearline.web.portal.shell import TICKETS, portal_page, read_shell
from clearline.web.portal.tickets.steps import Step, steps_of
from clearline.web.portal.tickets.words import DONE, NEXT_STEPS
from clearline.web.tickets.faults import fault_stored, form_of
from clearline.web.tickets.files import missing_file
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.tickets.own_fields import inputs, shown_values
from clearline.web.tickets.stale import form_version, own_stored
from clearline.web.tickets.terms import sub_status_for_customers
from clearline.web.tickets.timeline import Entry, entry_of, with_files
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = f"{TICKETS}/{{number}}"
_EVENTS_MAX = 500
_WATCHERS_MAX = 50
_SHOWN = 60
"""The newest entries that the page shows at first, besides the description: it has to load on slow links."""


class Typed(Struct, frozen=True):
    """What a person wrote in a form of the page that was refused, by the name of the form, and why."""

    form: str = ""
    text: str = ""
    problem: str = ""
    fields: Form | None = None
    refusal: Refusal = Refusal(status=200)


class Change(Struct, frozen=True):
    """A change of the status, in the customer's words."""

    at: datetime
    text: str
    kind: str = "change"


class TicketPage(Struct, frozen=True):
    """Everything that the page shows. ``moves`` are the statuses that the person may set.

    ``rating`` is the path of the page that rates the resolution, with the vote if there is one.
    ``closes_at`` is when a resolved ticket closes by itself, ``earlier`` how many entries are left out.
    """

    view: TicketView
    number: str
    steps: list[Step]
    timeline: list[Entry | Change]
    watchers: list[Watcher]
    moves: frozenset[Status]
    accepts_notes: bool
    may_write: bool
    closes_at: datetime | None
    earlier: int
    rating: tuple[str, Feedback | None] | None

    @property
    def may_close(self) -> bool:
        """Whether the person may close the ticket before it is resolved."""
        return self.view.ticket.status in CUSTOMER_CLOSES and Status.CLOSED in self.moves


async def show_ticket(visit: Visit) -> Answer:
    """Show a ticket."""
    return await ticket_page(visit)


async def ticket_page(visit: Visit, status: int = 200, typed: Typed | None = None) -> Answer:
    """Return the page of the ticket in the path, also after a form was refused: then nothing typed is lost."""
    number = access.parse_number(visit.path["number"])
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        page = await read_ticket(visit, tx, number)
        known, ticket = await definitions(tx), page.view.ticket
        [fields] = await shown_values(tx, visit.actor, ticket.company_id, (RecordKind.TICKET, ticket.fields))
        choices = await reference_choices(tx, visit.actor, RecordKind.TICKET, ticket.company_id)
    typed = typed or Typed()
    asked, facts = (typed.fields if typed.form == form else None for form in ("fields", "fault"))
    stored, own_inputs = (
        inputs(known, RecordKind.TICKET, ticket.fields, form, for_staff=False, choices=choices)
        for form in (None, asked)
    )
    path = PATH.format(number=page.number)
    return portal_page(
        visit, shell, "ticket.html", TICKETS, status, page=page, base=path, typed=typed,
        link=visit.services.settings.page_url(path), once_key=once.new_key(), text_max=TEXT_MAX,
        reason_max=REASON_MAX, fields=fields,
        facts=facts or form_of(ticket), facts_version=form_version(fault_stored(ticket), facts, typed.refusal),
        own_inputs=own_inputs, own_version=form_version(own_stored(stored), asked, typed.refusal),
        next_steps=NEXT_STEPS, done=done_in(visit), done_words=DONE, missing=await missing_file(visit, page.timeline),
        reference=REFERENCE, reopens=visit.services.settings.reopen_on_answer,
    )  # fmt: skip


async def read_ticket(visit: Visit, tx: Tx, number: int) -> TicketPage:
    """Return what the page of a ticket shows."""
    actor, hours = visit.actor, visit.services.settings.close_resolved_hours
    view = await tickets.get_ticket(tx, actor, number)
    ticket = view.ticket
    notes = await merging.notes_with_merged(tx, actor, number, limit=NOTES_MAX)
    files = await attachments.list_attachments(tx, actor, number)
    events = await tickets.history(tx, actor, number, limit=_EVENTS_MAX)
    first = Entry("message", ticket.created_at, ticket.contact.name, ticket.description, channel=ticket.channel)
    entries = with_files([first, *(entry_of(note) for note in notes)], files)
    timeline: list[Entry | Change] = sorted([*entries, *_changes(events)], key=lambda item: item.at)
    earlier = 0 if "all" in visit.query else max(len(timeline) - _SHOWN - 1, 0)
    is_resolved = ticket.status is Status.RESOLVED and hours
    return TicketPage(
        view,
        ticket_number(number),
        steps_of(ticket, notes, events),
        [timeline[0], *timeline[1 + earlier :]],
        await watching.list_watchers(tx, actor, number, after=None, limit=_WATCHERS_MAX),
        customer_moves(ticket.status, may_close=visit.services.settings.customers_close),
        ticket.status in ACCEPTS_NOTES,
        Scope.TICKETS_WRITE in actor.scopes,
        ticket.status_changed_at + timedelta(hours=hours) if is_resolved else None,
        earlier,
        await feedback.page_of(tx, actor, ticket, now=visit.now),
    )


def _sub_status_in(event: Event) -> str | None:
    """Return the words for customers of the sub-status that a change sets; None for any other change."""
    changes = (change for change in event.data["changes"] if change["field"] == "sub_status_for_customers")
    return next((change["after"] for change in changes), None)


def _changes(events: Sequence[Event]) -> list[Change]:
    changes = []
    for event in events:
        if event.type == EventType.STATUS_CHANGED:
            label = gettext(looks.CUSTOMER_STATUSES[event.data["after"]].label)
            reason = event.data.get("reason")
            changes.append(Change(event.at, f"{label}: {reason}" if reason else label))
        elif event.type == EventType.TICKET_CHANGED and (words := _sub_status_in(event)):
            changes.append(Change(event.at, sub_status_for_customers(words)))
        elif event.type == EventType.TICKET_REDACTED and event.data["target"] == "attachment":
            changes.append(Change(event.at, gettext("The support team removed a file.")))
        elif event.type == EventType.TICKET_REDACTED:
            text = gettext("The support team removed words, such as a password: %(mark)s stands in their place.")
            changes.append(Change(event.at, text % {"mark": MARK}))
    return changes
