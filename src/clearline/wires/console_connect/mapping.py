"""Convert between domain values and the bodies of the Console Connect API v2."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from clearline.accounts.permissions import own_company
from clearline.catalogue.domain import Catalogue
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import Actor
from clearline.inventory.domain import Service
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, fault_symptom, ticket_number
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.links.full_ticket_usecases import FullTicket
from clearline.tickets.note_domain import Note, Source, worklog_id
from clearline.wires.console_connect import wire

_PRIORITY = {priority: (word,) for priority, word in wire.PRIORITY.items()}
_CHANNEL = {channel: wire.ChannelOut(channel) for channel in Channel}
_WRITER = {Source.BUYER: "Customer Note", Source.SELLER: "Support Note", Source.SYSTEM: "System Note"}


def _symptoms(issue_type: IssueType, service_type: ServiceType) -> tuple[wire.NoteOut, ...]:
    symptom = fault_symptom(issue_type, service_type)
    return (
        wire.NoteOut("category", symptom.category, "faultsymptom"),
        wire.NoteOut("item", symptom.item, "faultsymptom"),
        wire.NoteOut("type", symptom.type, "faultsymptom"),
    )


_SYMPTOMS = {(issue, kind): _symptoms(issue, kind) for issue in IssueType for kind in ServiceType}


def wire_time(at: datetime) -> str:
    """Return a UTC time in the format of this wire: milliseconds, and an offset without a colon."""
    return at.isoformat(timespec="milliseconds")[:23] + "+0000"


def new_ticket(body: wire.TicketIn, service_type: str, actor: Actor) -> NewTicket:
    """Return the new ticket of a body, about a service of a type; the key's user is the contact if it names none."""
    contact_in = body.customer_contact
    if contact_in is not None:
        contact = Contact(contact_in.name, contact_in.phone, contact_in.email)
    else:
        user = actor.user
        contact = Contact(actor.name, user.phone if user else "", user.email if user else "")
    return NewTicket(body.name, body.description, body.issue_type, service_type, body.service.id, contact, Channel.API)


def note_out(note: Note) -> wire.NoteOut:
    """Return a note as a worklog entry; its id names the channel and the source."""
    return wire.NoteOut(f"{note.channel}-{_WRITER[note.source]}", note.text, "worklog", worklog_id(note.number))


def _merged_note_out(entry: TicketNote) -> wire.NoteOut:
    """Return a note of a merged ticket, with the number of that ticket."""
    return replace(note_out(entry.note), merged_from=ticket_number(entry.ticket_number))


def _notes_out(full: FullTicket) -> list[wire.NoteOut]:
    """Return the notes of a ticket and of what was merged into it, in the order of their numbers."""
    own = list(map(note_out, full.details.notes))
    if not full.merged_notes:
        return own
    return sorted([*own, *map(_merged_note_out, full.merged_notes)], key=lambda note: note.worklog_id or "")


def ticket_out(full: FullTicket, customer: tuple[wire.EntityOut, ...], catalogue: Catalogue) -> wire.TicketOut:
    """Return a ticket with its fault symptoms, in the published words for its types, and its notes."""
    ticket = full.details.ticket
    contact = ticket.contact
    notes = [*_SYMPTOMS[catalogue.issue_word(ticket.issue_type), catalogue.service_word(ticket.service_type)]]
    if full.details.notes or full.merged_notes:
        notes += _notes_out(full)
    return wire.TicketOut(
        ticket_number(ticket.number),
        ticket.title,
        ticket.description,
        _PRIORITY[ticket.priority],
        wire.STATUS[ticket.status],
        "Incident",
        wire_time(ticket.created_at),
        notes,
        (wire.PartyOut(contact.name, contact.phone, contact.email),),
        customer,
        _CHANNEL[ticket.channel],
        "troubleTicket",
    )


def customer_of(actor: Actor) -> tuple[wire.EntityOut, ...]:
    """Return the actor's company as its tickets show it."""
    return (wire.EntityOut(own_company(actor).code),)


def services_out(services: Sequence[Service], catalogue: Catalogue) -> list[wire.ServiceOut]:
    """Return the services that this wire has a word for, in their order."""
    words = ((service, catalogue.service_word(service.type)) for service in services)
    return [
        wire.ServiceOut(word, service.id, service.label)
        for service, word in words
        if word is not ServiceType.NON_CONSOLE
    ]


def token_out(actor: Actor) -> wire.TokenOut:
    """Return the owner of a key. The customer code is the company's user name: it is unique, and customers know it."""
    company = own_company(actor)
    user = actor.user
    return wire.TokenOut(
        str(user.id) if user else "",
        actor.name,
        user.email if user else "",
        [wire.TokenCompany(str(company.id), company.name, company.code)],
    )
