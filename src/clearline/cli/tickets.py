"""Tickets, as the operator sees them: those of every company, with internal notes."""

import click

from clearline.cli.context import as_json, emit, table, within
from clearline.clock import now
from clearline.domain.events import StatusChanged
from clearline.domain.note import Visibility, worklog_id
from clearline.domain.party import OPERATOR
from clearline.domain.ticket import Channel, Status, Ticket, ticket_number
from clearline.store.db import Tx
from clearline.store.events import Event
from clearline.usecases import access, notes, tickets
from clearline.usecases.tickets import TicketDetails


@click.group()
def ticket() -> None:
    """Trouble tickets."""


@ticket.command("list")
@click.option("--company", metavar="NAME", help="Only this company's.")
@click.option("--closed", is_flag=True, help="Those that ended, instead of those still worked on.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@as_json
def ticket_list(company: str | None, limit: int, *, closed: bool, as_json: bool) -> None:
    """The newest tickets."""
    found = within(lambda tx: tickets.recent_tickets(tx, OPERATOR, company, is_open=not closed, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("NUMBER", "STATUS", "PRIORITY", "SERVICE", "CREATED", "TITLE"),
        [
            (ticket_number(one.number), one.status, one.priority, one.service_id, one.created_at, one.title)
            for one in found
        ],
    )


@ticket.command("show")
@click.argument("number")
@as_json
def ticket_show(number: str, *, as_json: bool) -> None:
    """A ticket with all its notes, and what happened to it."""

    async def work(tx: Tx) -> tuple[TicketDetails, list[Event]]:
        known = access.check_number(number)
        return await tickets.get_ticket(tx, OPERATOR, known), await tickets.history(tx, OPERATOR, known)

    details, events = within(work)
    one = details.ticket
    if as_json:
        emit({**_described(one), "description": one.description, "notes": details.notes, "history": _history(events)})
        return
    click.echo(f"{ticket_number(one.number)}  {one.title}\n")
    table(
        ("STATUS", "PRIORITY", "SEVERITY", "IMPACT", "ISSUE", "SERVICE"),
        [(one.status, one.priority, one.severity, one.impact, one.issue_type, one.service_label or one.service_id)],
    )
    click.echo(f"\n{one.contact.name}  {one.contact.phone}  {one.contact.email}\n\n{one.description}\n")
    for note in details.notes:
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
@click.argument("status", type=click.Choice([one.value for one in Status]))
@click.option("--reason", default="", help="Why, for the history.")
@as_json
def ticket_status(number: str, status: str, reason: str, *, as_json: bool) -> None:
    """Move a ticket to another status."""

    async def work(tx: Tx) -> tuple[Ticket, StatusChanged]:
        known = access.check_number(number)
        return await tickets.move_ticket(tx, OPERATOR, known, Status(status), reason=reason, now=now())

    moved, fact = within(work)
    emit(_described(moved)) if as_json else click.echo(f"{number} went from {fact.before} to {fact.after}.")


def _described(one: Ticket) -> dict[str, object]:
    return {
        "number": ticket_number(one.number),
        "title": one.title,
        "status": one.status,
        "priority": one.priority,
        "severity": one.severity,
        "impact": one.impact,
        "issueType": one.issue_type,
        "service": {"id": one.service_id, "type": one.service_type, "label": one.service_label},
        "contact": one.contact,
        "createdAt": one.created_at,
        "updatedAt": one.updated_at,
        "resolvedAt": one.resolved_at,
        "version": one.version,
    }


def _history(events: list[Event]) -> list[dict[str, object]]:
    return [{"at": one.at, "type": one.type, "by": one.actor_name, "data": one.data} for one in events]


def _told(event: Event) -> str:
    if event.type == "ticket.status_changed":
        reason = f": {event.data['reason']}" if event.data["reason"] else ""
        return f"{event.data['before']} -> {event.data['after']}{reason}"
    if event.note_number is not None:
        return f"{event.type} {worklog_id(event.note_number)}"
    return event.type
