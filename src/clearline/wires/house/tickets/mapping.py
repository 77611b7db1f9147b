"""House API v1: bodies of tickets, notes and events."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Stated
from clearline.events.store import Event
from clearline.identity import Actor
from clearline.platform.database.transactions import Record
from clearline.tickets.columns import Part, row_reader, view_reader
from clearline.tickets.contact import Contact, People, Person, PersonKind
from clearline.tickets.domain import Channel, NewTicket, TicketView, ticket_number
from clearline.tickets.faults.domain import Fault
from clearline.tickets.links.domain import TicketNote, TrimmedText
from clearline.tickets.note_domain import worklog_id
from clearline.tickets.third_parties.domain import Case
from clearline.wires.house.tickets import wire
from clearline.wires.house.tickets.cases.mapping import cases_out
from clearline.wires.house.tickets.fault_mapping import fault_out, in_utc, new_fault
from clearline.wires.house.tickets.progress_wire import (
    ClosureOut,
    closure_for_customer,
    closure_out,
    waiting_for_customer,
    waiting_out,
)
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
        occurred_at=in_utc(body.occurred_at),
        fault=new_fault(body),
        fields=body.fields or {},
        stated=Stated(body.severity, body.impact, body.priority),
    )


def people_in_body(body: wire.TicketIn | wire.TicketPatch) -> dict[str, list[Person]]:
    """Return the contacts and the copies that a body names, by these names, without what it does not name."""
    people: dict[str, list[Person]] = {}
    if isinstance(body.contacts, list):
        people["contacts"] = [
            Person(
                PersonKind.CONTACT, contact.email, contact.name, contact.phone, tuple(contact.roles),
                user_id=None if contact.user_id is None else str(contact.user_id),
            )
            for contact in body.contacts
        ]  # fmt: skip
    if isinstance(body.cc, list):
        people["cc"] = [Person(PersonKind.CC, copied.email, copied.name) for copied in body.cc]
    return people


def ref(key: UUID | None, name: str | None) -> Ref | None:
    """Return a reference to another resource, or None without one."""
    return None if key is None else Ref(str(key), name or "")


def _merged_into(number: int | None) -> str | None:
    return None if number is None else ticket_number(number)


def _public(waiting: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the members of ``TicketSummary`` that everybody sees, in its order.

    ``CompanyRef`` and ``ContactOut`` have the members of the domain's ``Company`` and ``Contact``, which stand in their
    places, as ``ReminderOut`` has those of ``Reminder``.
    """
    return (
        Part(ticket_number, "ticket.number"),
        "company",
        "ticket.title",
        "ticket.status",
        "ticket.issue_type",
        Part(wire.ServiceOut, "ticket.service_id", "ticket.service_type", "ticket.service_label"),
        "ticket.severity",
        "ticket.impact",
        "ticket.priority",
        Part(wire.AskedOut, "ticket.asked_severity", "ticket.asked_priority"),
        "ticket.contact",
        "ticket.channel",
        "ticket.external_ids",
        "ticket.fields",
        Part(_merged_into, "merged_into"),
        "ticket.created_at",
        "ticket.updated_at",
        "ticket.status_changed_at",
        "ticket.resolved_at",
        "ticket.sub_status",
        Part(waiting, "ticket.waiting"),
        "ticket.version",
        "ticket.occurred_at",
    )


_PUBLIC = _public(waiting_for_customer)

_INTERNAL = (
    Part(ref, "ticket.queue_id", "queue_name"),
    Part(ref, "ticket.assignee_id", "assignee_name"),
    Part(list, "ticket.tags"),
    "ticket.reminder",
    "ticket.is_chronic",
)
"""The other members, which only the provider's people see."""


_FOR_STAFF = (*_public(waiting_out), *_INTERNAL)
"""All members, as the provider's people see them."""


def _described(description: str, fault: Fault, closure: ClosureOut | None, *members: Any) -> wire.TicketOut:
    return wire.TicketOut(*members, description=description, closure=closure, **fault_out(fault))


def _ticket(
    description: str, fault: Fault, closure: ClosureOut | None, people: People, *members: Any
) -> wire.TicketOut:
    contacts, cc = _contacts(people), _copies(people.cc)
    return wire.TicketOut(
        *members, description=description, closure=closure, contacts=contacts, cc=cc, **fault_out(fault)
    )


def _staff_ticket(
    description: str,
    fault: Fault,
    closure: ClosureOut | None,
    people: People,
    cases: tuple[Case, ...],
    *members: Any,
) -> wire.TicketOut:
    return wire.TicketOut(
        *members,
        description=description,
        closure=closure,
        contacts=_contacts(people),
        cc=_copies(people.cc),
        suggested_cc=_copies(people.suggested),
        cases=cases_out(cases),
        **fault_out(fault),
    )


def _contacts(people: People) -> list[wire.TicketContactOut]:
    return [
        wire.TicketContactOut(person.name, person.email, person.phone, [*person.roles], person.user_id)
        for person in people.contacts
    ]


def _copies(people: Iterable[Person]) -> list[wire.CopyOut]:
    return [wire.CopyOut(person.email, person.name) for person in people]


_DETAILS = ("ticket.description", "ticket.fault")
_RESOLUTION, _CLOSURE = Part(closure_for_customer, "ticket.closure"), Part(closure_out, "ticket.closure")
_SUMMARY = Part(wire.TicketSummary, *_PUBLIC)
_STAFF_SUMMARY = Part(wire.TicketSummary, *_FOR_STAFF)
_DESCRIBED = Part(_described, *_DETAILS, _RESOLUTION, *_PUBLIC)
_STAFF_DESCRIBED = Part(_described, *_DETAILS, _CLOSURE, *_FOR_STAFF)
_TICKET = Part(_ticket, *_DETAILS, _RESOLUTION, "people", *_PUBLIC)
_STAFF_TICKET = Part(_staff_ticket, *_DETAILS, _CLOSURE, "people", "cases", *_FOR_STAFF)
_summary_of_row = row_reader(_SUMMARY, raw_enumerations=True)
_staff_summary_of_row = row_reader(_STAFF_SUMMARY, raw_enumerations=True)
_described_of_row = row_reader(_DESCRIBED, raw_enumerations=True)
_staff_described_of_row = row_reader(_STAFF_DESCRIBED, raw_enumerations=True)
_ticket_of_row = row_reader(_TICKET, raw_enumerations=True)
_staff_ticket_of_row = row_reader(_STAFF_TICKET, raw_enumerations=True)
_summary_of_view = view_reader(_SUMMARY)
_staff_summary_of_view = view_reader(_STAFF_SUMMARY)
_ticket_of_view = view_reader(_TICKET)
_staff_ticket_of_view = view_reader(_STAFF_TICKET)


def list_reader(actor: Actor, fields: str | None) -> Callable[[Record], wire.TicketSummary]:
    """Return the function that returns the ticket of a row in a list, as the actor may see it.

    It has a description if ``fields`` names that between commas.
    """
    if fields is not None and "description" in fields.split(","):
        return _staff_described_of_row if actor.is_staff else _described_of_row
    return _staff_summary_of_row if actor.is_staff else _summary_of_row


def ticket_reader(actor: Actor) -> Callable[[Record], wire.TicketOut]:
    """Return the function that returns the ticket of a row, as the actor may see it."""
    return _staff_ticket_of_row if actor.is_staff else _ticket_of_row


def summary_mapper(actor: Actor) -> Callable[[TicketView], wire.TicketSummary]:
    """Return the function that returns a ticket in a list, as the actor may see it."""
    return _staff_summary_of_view if actor.is_staff else _summary_of_view


def ticket_out(view: TicketView, actor: Actor) -> wire.TicketOut:
    """Return a ticket, as the actor may see it."""
    ticket: wire.TicketOut = (_staff_ticket_of_view if actor.is_staff else _ticket_of_view)(view)
    return ticket


def event_out(event: Event) -> wire.EventOut:
    """Return an event of a ticket's history."""
    note = None if event.note_number is None else worklog_id(event.note_number)
    return wire.EventOut(str(event.offset.id), event.at, event.type, event.actor_name, note, event.version, event.data)


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
