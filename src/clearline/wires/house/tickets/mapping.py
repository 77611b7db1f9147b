"""House API v1: bodies of tickets, notes and events."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from clearline.events.store import Event
from clearline.identity import Actor
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, TicketView, ticket_number
from clearline.tickets.links.domain import TicketNote, TrimmedText
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.tickets import wire
from clearline.wires.house.wire import Ref


def new_ticket(body: wire.TicketIn, actor: Actor) -> NewTicket:
    """Return the ticket that a body asks for, with the actor as the contact when it names none."""
    if body.contact is not None:
        contact = Contact(body.contact.name, body.contact.phone, body.contact.email)
    else:
        user = actor.user
        contact = Contact(actor.name, user.phone if user else "", user.email if user else "")
    asked = body.asked or wire.AskedIn()
    return NewTicket(
        title=body.title,
        description=body.description,
        issue_type=body.issue_type,
        service_type=body.service.type,
        service_id=body.service.id,
        contact=contact,
        channel=Channel(body.channel),
        asked_severity=asked.severity,
        asked_priority=asked.priority,
        tags=tuple(body.tags or ()),
        external_ids=body.external_ids or {},
    )


def ref(key: UUID | None, name: str | None) -> Ref | None:
    """Return a reference to another resource, or None without one."""
    return None if key is None else Ref(str(key), name or "")


def _members(view: TicketView) -> tuple[Any, ...]:
    """Return the members that everybody sees, in the order of ``TicketSummary``.

    By position, because a call with 22 keywords takes four times as long and a page has 200 tickets. ``CompanyRef`` and
    ``ContactOut`` have the members of the domain's ``Company`` and ``Contact``, which are used in their place.
    """
    ticket = view.ticket
    return (
        ticket_number(ticket.number),
        view.company,
        ticket.title,
        ticket.status,
        ticket.issue_type,
        wire.ServiceOut(ticket.service_id, ticket.service_type, ticket.service_label),
        ticket.severity,
        ticket.impact,
        ticket.priority,
        wire.AskedOut(ticket.asked_severity, ticket.asked_priority),
        ticket.contact,
        ticket.channel,
        ticket.external_ids,
        None if view.merged_into is None else ticket_number(view.merged_into),
        ticket.created_at,
        ticket.updated_at,
        ticket.status_changed_at,
        ticket.resolved_at,
        ticket.version,
    )


def _staff_members(view: TicketView) -> tuple[Any, ...]:
    """Return the other members, which only the provider's people see, in the same order."""
    ticket = view.ticket
    return (
        ref(ticket.queue_id, view.queue_name),
        ref(ticket.assignee_id, view.assignee_name),
        list(ticket.tags),
    )


def _customer_summary(view: TicketView) -> wire.TicketSummary:
    return wire.TicketSummary(*_members(view))


def _staff_summary(view: TicketView) -> wire.TicketSummary:
    return wire.TicketSummary(*_members(view), *_staff_members(view))


def summary_mapper(actor: Actor) -> Callable[[TicketView], wire.TicketSummary]:
    """Return the function that returns a ticket in a list, as the actor may see it."""
    return _staff_summary if actor.is_staff else _customer_summary


def ticket_out(view: TicketView, actor: Actor) -> wire.TicketOut:
    """Return a ticket, as the actor may see it."""
    for_staff = _staff_members(view) if actor.is_staff else ()
    return wire.TicketOut(*_members(view), *for_staff, description=view.ticket.description)


def event_out(event: Event) -> wire.EventOut:
    """Return an event of a ticket's history."""
    note = None if event.note_number is None else worklog_id(event.note_number)
    return wire.EventOut(str(event.offset.id), event.at, event.type, event.actor_name, note, event.data)


def note_out(ticket_note: TicketNote) -> wire.NoteOut:
    """Return a note."""
    note = ticket_note.note
    return wire.NoteOut(
        worklog_id(note.number),
        ticket_number(ticket_note.ticket_number),
        note.text,
        note.visibility,
        note.source,
        note.channel,
        note.author,
        note.created_at,
        None if ticket_note.mail_id is None else str(ticket_note.mail_id),
        ticket_note.has_trimmed_text,
    )


def trimmed_text_out(trimmed: TrimmedText) -> wire.TrimmedTextOut:
    """Return the trimmed text of a note."""
    return wire.TrimmedTextOut(worklog_id(trimmed.note_number), str(trimmed.mail_id), trimmed.text)
