"""Tickets, as the operator sees them: those of every company, with their internal notes."""

from typing import Any

import click

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.cli.context import as_json, emit, table, within
from clearline.clock import now
from clearline.errors import InvalidInput, Violation
from clearline.events.domain import StatusChanged
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import (
    Channel,
    Impact,
    IssueType,
    NewTicket,
    Priority,
    Severity,
    Status,
    Ticket,
    TicketView,
    ticket_number,
)
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import Note, Visibility, worklog_id
from clearline.tickets.usecases import TicketDetails

_NEWEST = 1000


def _choice(kind: Any) -> click.Choice[str]:
    return click.Choice([one.value for one in kind])


@click.group()
def ticket() -> None:
    """Trouble tickets."""


@ticket.command("list")
@click.option("--company", metavar="NAME", help="Only this company's.")
@click.option("--queue", metavar="NAME", help="Only those in this queue.")
@click.option("--assignee", metavar="EMAIL", help="Only those of this agent; none for those of nobody.")
@click.option("--status", type=_choice(Status), help="Only those of exactly this status.")
@click.option("--closed", is_flag=True, help="Those that ended, instead of those still worked on.")
@click.option("--limit", type=click.IntRange(1, _NEWEST), default=50, show_default=True, help="At most so many.")
@as_json
def ticket_list(limit: int, *, closed: bool, as_json: bool, **wanted: str | None) -> None:
    """The newest tickets."""

    async def work(tx: Tx) -> list[TicketView]:
        company, queue, assignee, status = (wanted[name] for name in ("company", "queue", "assignee", "status"))
        named = None if assignee == "none" else assignee
        agent = None if named is None else await accounts.get_user(tx, OPERATOR, PROVIDER_ID, named)
        asked = Filter(
            "finished" if closed else "open",
            None if company is None else (await permissions.company_named(tx, OPERATOR, company)).id,
            None if queue is None else (await queues.queue_named(tx, OPERATOR, queue)).id,
            None if agent is None else agent.id,
            assignee == "none",
            None if status is None else Status(status),
        )
        return await tickets.list_tickets(tx, OPERATOR, asked, after=None, limit=limit)

    found = within(work)
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("NUMBER", "STATUS", "PRIORITY", "QUEUE", "ASSIGNEE", "SERVICE", "CREATED", "TITLE"),
        [
            (
                ticket_number(one.ticket.number),
                one.ticket.status,
                one.ticket.priority,
                one.queue_name,
                one.assignee_name,
                one.ticket.service_id,
                one.ticket.created_at,
                one.ticket.title,
            )
            for one in found
        ],
    )


@ticket.command("create")
@click.option("--company", required=True, metavar="NAME", help="On whose behalf: the company's name or customer code.")
@click.option("--title", required=True, help="What is wrong, in a line.")
@click.option("--description", required=True, help="Everything that helps; kept exactly as it is.")
@click.option("--issue", "issue_type", required=True, type=_choice(IssueType), help="What kind of trouble it is.")
@click.option("--service", "service_id", required=True, metavar="ID", help="The service's id in the inventory.")
@click.option("--service-type", required=True, type=_choice(ServiceType), help="The service's type.")
@click.option("--contact", "contact_email", metavar="EMAIL", help="The contact; by default the company's first user.")
@click.option("--asked-severity", type=_choice(Severity), help="How bad the customer says it is.")
@click.option("--asked-priority", type=_choice(Priority), help="How soon the customer wants it.")
@as_json
def ticket_create(company: str, contact_email: str | None, *, as_json: bool, **given: str | None) -> None:
    """Raise a ticket on behalf of a customer, as after a call."""

    async def work(tx: Tx) -> TicketView:
        customer = await permissions.company_named(tx, OPERATOR, company)
        if contact_email is None:
            person = await account_store.first_user(tx, customer.id)
        else:
            person = await account_store.user_with_email(tx, customer.id, contact_email)
        if person is None:
            raise InvalidInput([Violation("contact", "must be the e-mail address of one of the company's users")])
        severity, priority = given["asked_severity"], given["asked_priority"]
        new = NewTicket(
            str(given["title"]),
            str(given["description"]),
            IssueType(str(given["issue_type"])),
            ServiceType(str(given["service_type"])),
            str(given["service_id"]),
            Contact(person.name, person.phone, person.email),
            Channel.PHONE,
            None if severity is None else Severity(severity),
            None if priority is None else Priority(priority),
        )
        made = await tickets.create_ticket(tx, OPERATOR, new, company_id=customer.id, now=now())
        return await tickets.get_ticket(tx, OPERATOR, made.ticket.number)

    made = within(work)
    emit(_described(made)) if as_json else click.echo(f"{ticket_number(made.ticket.number)} raised.")


@ticket.command("show")
@click.argument("number")
@as_json
def ticket_show(number: str, *, as_json: bool) -> None:
    """A ticket with all its notes, and what happened to it."""

    async def work(tx: Tx) -> tuple[TicketView, list[Note], list[Event]]:
        known = access.check_number(number)
        details = await tickets.get_ticket_with_notes(tx, OPERATOR, known)
        found = await tickets.get_ticket(tx, OPERATOR, known)
        return found, details.notes, await tickets.history(tx, OPERATOR, known)

    found, written, events = within(work)
    one = found.ticket
    if as_json:
        emit({**_described(found), "description": one.description, "notes": written, "history": _history(events)})
        return
    click.echo(f"{ticket_number(one.number)}  {one.title}\n")
    table(
        ("STATUS", "PRIORITY", "SEVERITY", "IMPACT", "ISSUE", "SERVICE"),
        [(one.status, one.priority, one.severity, one.impact, one.issue_type, one.service_label or one.service_id)],
    )
    merged = None if found.merged_into is None else ticket_number(found.merged_into)
    table(
        ("COMPANY", "QUEUE", "ASSIGNEE", "ASKED", "TAGS", "MERGED INTO"),
        [
            (
                found.company.name,
                found.queue_name,
                found.assignee_name,
                ", ".join(filter(None, [one.asked_severity, one.asked_priority])) or None,
                " ".join(one.tags) or None,
                merged,
            )
        ],
    )
    click.echo(f"\n{one.contact.name}  {one.contact.phone}  {one.contact.email}\n\n{one.description}\n")
    for note in written:
        mark = " (internal)" if note.visibility is Visibility.INTERNAL else ""
        click.echo(f"{worklog_id(note.number)}  {note.created_at:%Y-%m-%d %H:%M}Z  {note.author}{mark}\n{note.text}\n")
    table(("WHEN", "WHAT", "WHO"), [(event.at, _told(event), event.actor_name) for event in events])


@ticket.command("note")
@click.argument("number")
@click.argument("text")
@click.option("--internal", is_flag=True, help="Only the provider's people may read it.")
@as_json
def ticket_note(number: str, text: str, *, internal: bool, as_json: bool) -> None:
    """Add a note of the provider's."""

    async def work(tx: Tx) -> TicketDetails:
        return await notes.add_note(
            tx,
            OPERATOR,
            access.check_number(number),
            text,
            channel=Channel.PHONE,
            visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
            now=now(),
        )

    added = within(work).notes[-1]
    emit(added) if as_json else click.echo(f"{worklog_id(added.number)} added to {number}.")


@ticket.command("status")
@click.argument("number")
@click.argument("status", type=_choice(Status))
@click.option("--reason", default="", help="Why, for the history.")
@as_json
def ticket_status(number: str, status: str, reason: str, *, as_json: bool) -> None:
    """Move a ticket to another status."""

    async def work(tx: Tx) -> tuple[Ticket, StatusChanged, TicketView]:
        known = access.check_number(number)
        moved, fact = await ticket_changes.move_ticket(tx, OPERATOR, known, Status(status), reason=reason, now=now())
        return moved, fact, await tickets.get_ticket(tx, OPERATOR, known)

    _moved, fact, found = within(work)
    emit(_described(found)) if as_json else click.echo(f"{number} went from {fact.before} to {fact.after}.")


@ticket.command("change")
@click.argument("number")
@click.option("--title", help="What is wrong, in a line.")
@click.option("--issue", "issue_type", type=_choice(IssueType), help="What kind of trouble it is.")
@click.option("--severity", type=_choice(Severity), help="How bad it is, as the provider sees it.")
@click.option("--impact", type=_choice(Impact), help="What the customer observes.")
@click.option("--priority", type=_choice(Priority), help="How soon it is worked on.")
@click.option("--queue", metavar="NAME", help="The queue to put it into; none takes it out.")
@as_json
def ticket_change(number: str, queue: str | None, *, as_json: bool, **given: str | None) -> None:
    """Change values of a ticket; those that are not named stay."""
    kinds = {"issue_type": IssueType, "severity": Severity, "impact": Impact, "priority": Priority, "title": str}

    async def work(tx: Tx) -> TicketView:
        values: dict[str, Any] = {name: kinds[name](value) for name, value in given.items() if value is not None}
        if queue is not None:
            values["queue_id"] = None if queue == "none" else (await queues.queue_named(tx, OPERATOR, queue)).id
        return await ticket_changes.change_ticket(tx, OPERATOR, access.check_number(number), values, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"{number} is at version {changed.ticket.version}.")


@ticket.command("tag")
@click.argument("number")
@click.option("--add", multiple=True, metavar="TAG", help="Put a tag on; repeat for several.")
@click.option("--remove", multiple=True, metavar="TAG", help="Take a tag off; repeat for several.")
@as_json
def ticket_tag(number: str, add: tuple[str, ...], remove: tuple[str, ...], *, as_json: bool) -> None:
    """Put tags on a ticket and take tags off."""

    async def work(tx: Tx) -> TicketView:
        return await ticket_changes.tag(tx, OPERATOR, access.check_number(number), add=add, remove=remove, now=now())

    tagged = within(work)
    shown = " ".join(tagged.ticket.tags) or "no tags"
    emit(_described(tagged)) if as_json else click.echo(f"{number}: {shown}")


def _described(found: TicketView) -> dict[str, object]:
    one = found.ticket
    return {
        "number": ticket_number(one.number),
        "title": one.title,
        "status": one.status,
        "priority": one.priority,
        "severity": one.severity,
        "impact": one.impact,
        "asked": {"priority": one.asked_priority, "severity": one.asked_severity},
        "issueType": one.issue_type,
        "company": found.company,
        "service": {"id": one.service_id, "type": one.service_type, "label": one.service_label},
        "contact": one.contact,
        "queue": found.queue_name,
        "assignee": found.assignee_name,
        "tags": one.tags,
        "externalIds": one.external_ids,
        "mergedInto": None if found.merged_into is None else ticket_number(found.merged_into),
        "createdAt": one.created_at,
        "updatedAt": one.updated_at,
        "resolvedAt": one.resolved_at,
        "version": one.version,
    }


def _history(events: list[Event]) -> list[dict[str, object]]:
    return [{"at": one.at, "type": one.type, "by": one.actor_name, "data": one.data} for one in events]


def _told(event: Event) -> str:
    match event.type:
        case EventType.STATUS_CHANGED:
            reason = f": {event.data['reason']}" if event.data["reason"] else ""
            return f"{event.data['before']} -> {event.data['after']}{reason}"
        case EventType.TICKET_CHANGED:
            return "changed " + ", ".join(
                f"{one['field']}: {one['before']} -> {one['after']}" for one in event.data["changes"]
            )
        case EventType.TICKET_ROUTED:
            return f"routed by {event.data['rule'] or 'hand'}"
        case EventType.TICKET_ASSIGNED:
            return f"{'assigned' if event.data['after'] else 'unassigned'} ({event.data['by']})"
    return event.type if event.note_number is None else f"{event.type} {worklog_id(event.note_number)}"
