"""The page of a ticket."""

from collections.abc import Mapping, Sequence
from typing import Any

import xxhash
from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails
from clearline.catalogue.matrix.domain import Verdict
from clearline.catalogue.term_usecases import current_terms
from clearline.companies import usecases as companies
from clearline.drafts import pending_usecases as pending
from clearline.drafts.pending_domain import PendingMessage
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Feedback
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import PROVIDER_ID, Scope, User
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.mail.inbound import usecases as inbound_mail
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.preference_usecases import AnswerRecipients
from clearline.platform.database.transactions import Tx
from clearline.queues.domain import Queue
from clearline.tickets import access
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import held_usecases as held_files
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Attachment, HeldFile
from clearline.tickets.chronic import usecases as chronic
from clearline.tickets.chronic.domain import ChronicRule, CountedTickets
from clearline.tickets.domain import Channel, Status, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.links.domain import MANUAL_LINK_TYPES, LinkedTicket, Watcher
from clearline.tickets.list_store import Filter
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.tickets.note_domain import NOTES_MAX, TEXT_MAX
from clearline.tickets.status_domain import ACCEPTS_NOTES, TRANSITIONS
from clearline.web import once
from clearline.web.console.companies.facts import local_time
from clearline.web.console.people import by_name
from clearline.web.console.progress.fields import asked_for, form_of_message, shown_status
from clearline.web.console.queue import Listing, read_list
from clearline.web.console.tickets.drafts import EMPTY, Composer, Typed, read_composer
from clearline.web.console.tickets.macros import MacroChoice, read_macros
from clearline.web.console.views import Sidebar, carried, sidebar, view_at, with_counts
from clearline.web.tickets.files import missing_file
from clearline.web.tickets.own_fields import OwnValue, shown_with_changes
from clearline.web.tickets.timeline import Timeline, timeline
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer, encode

THEN = (Status.IN_PROGRESS, Status.PENDING, Status.HELD, Status.RESOLVED)
"""The statuses that the composer sets after a message."""
_EVENTS_MAX = 500
_LINKS_MAX = 50
_WATCHERS_MAX = 50
_FEEDBACK_MAX = 5
_CUSTOMERS_MAX = 200
_OPEN_SHOWN = 6


class Place(Struct, frozen=True):
    """Where a ticket stands in the list that the person came from: at ``index``, or no longer in it.

    ``following`` is the index of the ticket after it; a ticket that has left the list has neighbours all the same.
    """

    listing: Listing
    index: int | None
    following: int

    @property
    def previous(self) -> TicketView | None:
        """The ticket above it."""
        at = self.following - 1 if self.index is None else self.index - 1
        return self.listing.tickets[at] if at >= 0 else None

    @property
    def next(self) -> TicketView | None:
        """The ticket below it."""
        return self.listing.tickets[self.following] if self.following < len(self.listing.tickets) else None


class TicketPage(Struct, frozen=True):
    """Everything that the page of a ticket shows."""

    view: TicketView
    number: str
    timeline: Timeline
    last_note: int
    links: list[LinkedTicket]
    agents: list[User]
    queues: list[Queue]
    others: list[TicketView]
    transitions: list[Status]
    accepts_notes: bool
    choice: MacroChoice = MacroChoice([])
    watchers: list[Watcher] = []
    customers: list[User] = []
    composer: Composer = Composer()
    pending: list[PendingMessage] = []
    held: list[HeldFile] = []
    feedback: Sequence[Feedback] = ()
    chronic: CountedTickets = CountedTickets()
    """The tickets that make the service chronic, the last of them this one."""
    chronic_days: int = 0
    service: Service | None = None
    """What the inventory says of the service, if it is in it."""
    customer: CompanyDetails | None = None
    local_time: str = ""
    """The time at the customer, if its zone is known."""
    fields: Sequence[OwnValue] = ()
    """The values of own fields."""
    service_fields: Sequence[OwnValue] = ()
    customer_fields: Sequence[OwnValue] = ()
    has_fields: bool = False
    """Whether there are own fields of tickets that can be set."""
    verdict: Verdict = Verdict()
    """What the priority matrix says, as far as the ticket has another priority or severity."""
    recipients: AnswerRecipients = AnswerRecipients([], [])
    """Who gets a reply by mail."""
    missing: Attachment | None = None
    """The file whose content was just found missing."""

    @property
    def shown_status(self) -> str:
        """The status that the picker shows."""
        return shown_status(self.view.ticket)

    @property
    def details_state(self) -> str:
        """A digest of what the details show: they are read again only when it differs."""
        view = self.view
        ticket = replace(view.ticket, description="", version=0, updated_at=view.ticket.created_at)
        people = [(user.id, user.name) for user in (*self.agents, *self.customers)]
        others = [(other.ticket.number, other.ticket.title, other.ticket.status) for other in self.others]
        own = (self.fields, self.service_fields, self.customer_fields, self.has_fields)
        known = (self.service, None if self.customer is None else self.customer.tier, own)
        shown = (
            replace(view, ticket=ticket), self.links, people, self.queues, others, self.watchers, self.feedback, known,
            self.verdict,
        )  # fmt: skip
        return xxhash.xxh3_64_hexdigest(encode(shown))


async def show_ticket(visit: Visit) -> Answer:
    """Show a ticket."""
    return await ticket_page(visit)


async def ticket_page(visit: Visit, status: int = 200, *, typed: Typed = EMPTY, problem: str = "") -> Answer:
    """Return the page of the ticket in the path, also after a form was refused: then nothing typed is lost."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        page = await read_ticket(visit, tx, number, side.all_queues, typed)
        place, terms = await _place(visit, tx, side, page.view), await current_terms(tx)
    page = replace(page, missing=await missing_file(visit, page.timeline.items))
    side = await with_counts(visit, side if place is None else side.showing(place.listing.view))
    if place is not None:
        listing = place.listing
        place = replace(place, listing=replace(listing, view=side.find(listing.view.path) or listing.view))
    ticket, shown = page.view.ticket, page.composer.shown
    then = Status(shown.then) if shown.then in THEN else None
    return visit.page(
        "console/ticket.html", status, side=side, page=page, place=place, draft=page.composer.shown, problem=problem,
        here=place.listing.view.path if place else "", suffix=place.listing.suffix if place else "",
        carried=carried(visit), text_max=TEXT_MAX,
        once_key=once.new_key(), link_types=MANUAL_LINK_TYPES,
        typed_facts=form_of_message(ticket, then, shown.facts),
        asked=[
            asked_for(terms, visit.catalogue, to, [ticket.issue_type], ticket) for to in page.transitions if to in THEN
        ],
    )  # fmt: skip


async def read_ticket(visit: Visit, tx: Tx, number: int, desk_queues: list[Queue], typed: Typed = EMPTY) -> TicketPage:
    """Return what the page of a ticket shows."""
    actor = visit.actor
    view = await tickets.get_ticket(tx, actor, number)
    notes = await merging.notes_with_merged(tx, actor, number, limit=NOTES_MAX)
    files = await attachments.list_attachments(tx, actor, number)
    events = await tickets.history(tx, actor, number, limit=_EVENTS_MAX)
    people = await accounts.list_users(tx, actor, PROVIDER_ID)
    company_id = view.ticket.company_id
    of_company = Filter(company_id=company_id)
    accepts_notes = view.ticket.status in ACCEPTS_NOTES
    may_write = accepts_notes and Scope.TICKETS_WRITE in actor.scopes
    choice = await read_macros(visit, tx, number, desk_queues) if may_write else MacroChoice([])
    if typed is EMPTY and choice.is_inserted and choice.use is not None:
        typed = Typed(choice.use.text, choice.use.macro.visibility)
    may_draft = Scope.TICKETS_WRITE in actor.scopes
    by_mail = view.ticket.channel is Channel.EMAIL
    has_mail = by_mail and await inbound_mail.mail_of_description(tx, actor, number) is not None
    others = await ticket_lists.list_tickets(tx, actor, of_company, after=None, limit=_OPEN_SHOWN + 1)
    customer = await companies.get_company_details(tx, actor, company_id)
    service = next(iter(await inventory.services_with_ids(tx, actor, company_id, [view.ticket.service_id])), None)
    shown, own = await shown_with_changes(tx, actor, company_id, _own(view, service, customer), events)
    names, is_whole = _names(people, desk_queues), "all" in visit.query
    shown_timeline = timeline(view, notes, files, events, names, is_whole=is_whole, has_mail=has_mail, own=own)
    rule = ChronicRule(visit.services.settings.chronic_tickets, visit.services.settings.chronic_days)
    return TicketPage(
        view,
        ticket_number(number),
        shown_timeline,
        notes[-1].note.number if notes else 0,
        await links.list_links(tx, actor, number, after=None, limit=_LINKS_MAX),
        by_name(people),
        desk_queues,
        [other for other in others if other.ticket.number != number][:_OPEN_SHOWN],
        [status for status in TRANSITIONS if status in TRANSITIONS[view.ticket.status]],
        accepts_notes,
        choice,
        await watching.list_watchers(tx, actor, number, after=None, limit=_WATCHERS_MAX),
        [user for user in await accounts.list_users(tx, actor, company_id, limit=_CUSTOMERS_MAX) if user.is_active],
        await read_composer(visit, tx, number, typed, accepts_notes=accepts_notes) if may_draft else Composer(),
        await pending.list_pending(tx, actor, number),
        await held_files.list_held(tx, actor, number),
        await feedback.list_feedback(tx, actor, number=number, limit=_FEEDBACK_MAX),
        await chronic.tickets_of_service(tx, actor, view.ticket, rule),
        rule.days,
        service,
        customer,
        local_time(customer, visit.now),
        shown[0],
        shown[1],
        shown[2],
        bool((await definitions(tx)).active(RecordKind.TICKET, for_staff=True)),
        await ticket_matrix.difference_of(tx, view.ticket) if may_write else Verdict(),
        await preferences.answer_recipients(tx, actor, view),
    )


def _own(
    view: TicketView, service: Service | None, customer: CompanyDetails
) -> list[tuple[RecordKind, dict[str, Any]]]:
    return [
        (RecordKind.TICKET, view.ticket.fields),
        (RecordKind.SERVICE, {} if service is None else service.fields),
        (RecordKind.COMPANY, customer.fields),
    ]


def _names(people: list[User], desk_queues: list[Queue]) -> Mapping[str, str]:
    """Return the names of people and queues by their ids, as events have them."""
    return {str(user.id): user.name for user in people} | {str(queue.id): queue.name for queue in desk_queues}


async def _place(visit: Visit, tx: Tx, side: Sidebar, ticket: TicketView) -> Place | None:
    """Return the list that the address names, and where the ticket stands in it."""
    if not (name := visit.query.get("list", "")):
        return None
    view = await view_at(tx, visit.actor, side, f"/console/{name}")
    if view is None:
        return None
    query = {key: value for key, value in visit.query.items() if key in {"q", "sort"}}
    listing = await read_list(visit, tx, view, query)
    numbers = [other.ticket.number for other in listing.tickets]
    number = ticket.ticket.number
    if number in numbers:
        index = numbers.index(number)
        return Place(listing, index, index + 1)
    after = (at for at, other in enumerate(listing.tickets) if listing.sort.is_before(ticket, other))
    return Place(listing, None, next(after, len(numbers)))
