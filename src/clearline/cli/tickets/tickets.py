"""Commands for tickets of every company, with everything that the provider sees."""

from collections.abc import Sequence
from typing import Any

import click

from clearline.accounts import permissions, user_store
from clearline.accounts import usecases as accounts
from clearline.catalogue import usecases as catalogue
from clearline.catalogue.assessment import Impact, Priority, Severity, Stated
from clearline.cli.cases.cases import CASE_COLUMNS, case_row, find_case
from clearline.cli.context import transact
from clearline.cli.event_text import summary, version
from clearline.cli.fields.values import field_option, field_values
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.output import json_option, limit_option, print_json, print_table, show, within_limit
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.text import echo
from clearline.cli.tickets.faults import changed_fault, fault_options, print_fault
from clearline.cli.tickets.notes import print_notes
from clearline.cli.tickets.people import given_people, people_options
from clearline.cli.tickets.progress import facts_of, progress_lines, progress_options, taken, waiting_case_option
from clearline.cli.tickets.progress import values_of as progress_values
from clearline.clock import now
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.events.domain import StatusChanged
from clearline.events.store import Event
from clearline.fields.type_domain import file_text
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.queues.domain import AUTOMATIC, Assignment
from clearline.routing import usecases as routing
from clearline.tickets import access
from clearline.tickets import change_usecases as changes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Channel, NewTicket, Status, TicketView, ticket_number
from clearline.tickets.faults.domain import FACTS, NO_FAULT
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import NOTES_MAX
from clearline.tickets.third_parties.domain import CaseRef
from clearline.wires.house.tickets.mapping import event_out, ticket_out

_NONE = "none"
_HISTORY_MAX = 200
"""The most events that the whole of a ticket is shown with."""
_NOTES_MAX = 2 * NOTES_MAX
"""Notes of ``ticket show``: all of a ticket, and many of those that were merged into it."""


def _choice(kind: Any) -> click.Choice[str]:
    return click.Choice([member.value for member in kind])


_COMMANDS = {
    "add-person": LazyCommand(
        "tickets.people", "ticket_add_person", "Add a contact to a ticket, or one who gets copies."
    ),
    "export": LazyCommand("tickets.transfer", "ticket_export", "Export tickets in the order of their numbers."),
    "import": LazyCommand("tickets.transfer", "ticket_import", "Import tickets with their history from a file."),
    "link": LazyCommand("tickets.links", "ticket_link", "Link ticket NUMBER to ticket OTHER."),
    "links": LazyCommand("tickets.links", "ticket_links", "List the links of a ticket."),
    "list": LazyCommand("tickets.listing", "ticket_list", "List open tickets, newest first."),
    "merge": LazyCommand("tickets.merging", "ticket_merge", "Merge a ticket into another of the same company."),
    "note": LazyCommand("tickets.notes", "ticket_note", "Add a note to a ticket."),
    "notes": LazyCommand("tickets.notes", "ticket_notes", "List the notes of a ticket."),
    "remind": LazyCommand(
        "tickets.reminders", "ticket_remind", "Set the reminder of a ticket, change it, or remove it."
    ),
    "people": LazyCommand("tickets.people", "ticket_people", "List the contacts of a ticket with their roles."),
    "remove-person": LazyCommand(
        "tickets.people", "ticket_remove_person", "Remove a contact from a ticket, or one who gets copies."
    ),
    "redact": LazyCommand(
        "tickets.redaction", "ticket_redact", "Remove words or a file from a ticket and all its copies."
    ),
    "redactions": LazyCommand("tickets.redaction", "ticket_redactions", "List what was redacted in a ticket."),
    "split": LazyCommand("tickets.merging", "ticket_split", "Create a ticket from a part of another."),
    "trimmed-text": LazyCommand(
        "tickets.notes", "ticket_trimmed_text", "Show the part of a mail that its note leaves out."
    ),
    "unlink": LazyCommand("tickets.links", "ticket_unlink", "Remove a link from both tickets."),
    "unmerge": LazyCommand("tickets.merging", "ticket_unmerge", "Undo a merge."),
    "unwatch": LazyCommand("tickets.watchers", "ticket_unwatch", "Remove a watcher from a ticket."),
    "watch": LazyCommand("tickets.watchers", "ticket_watch", "Add a watcher to a ticket."),
    "watchers": LazyCommand("tickets.watchers", "ticket_watchers", "List the watchers of a ticket."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def ticket() -> None:
    """Work with tickets."""


@ticket.command("create")
@click.option("--company", required=True, metavar="NAME", help="Company: its name or customer code.")
@click.option("--title", required=True, help="Summary of the problem.")
@click.option("--description", required=True, help="Description of the problem.")
@click.option("--issue", "issue_type", required=True, metavar="TYPE", help="Type of the issue: its key or name.")
@click.option("--service", "service_id", required=True, metavar="ID", help="Id of the service in the inventory.")
@click.option("--service-type", required=True, metavar="TYPE", help="Type of the service: its key or name.")
@click.option("--contact", "contact_email", metavar="EMAIL", help="Contact; by default the company's first user.")
@click.option("--asked-severity", type=_choice(Severity), help="Severity according to the customer.")
@click.option("--asked-priority", type=_choice(Priority), help="Priority according to the customer.")
@click.option("--severity", type=_choice(Severity), help="Severity; by default that of the matrix or the issue type.")
@click.option("--impact", type=_choice(Impact), help="Impact; by default that of the issue type.")
@click.option("--priority", type=_choice(Priority), help="Priority; by default that of the matrix or the issue type.")
@people_options
@fault_options
@field_option
@json_option
def ticket_create(
    company: str, contact_email: str | None, fields: tuple[str, ...], *, as_json: bool, **values: Any
) -> None:
    """Raise a ticket on behalf of a customer, for example after a call."""
    named = given_people(values["other_contacts"], values["copies"])

    async def work(tx: Tx) -> TicketView:
        customer = await permissions.company_named(tx, OPERATOR, company)
        if contact_email is None:
            person = await user_store.first(tx, customer.id)
        else:
            person = await user_store.find(tx, customer.id, contact_email)
        if person is None:
            raise InvalidInput(
                [Violation("contact", "must be the e-mail address of one of the company's users", RuleCode.REFERENCE)]
            )
        severity, priority = values["asked_severity"], values["asked_priority"]
        [issue_type] = await catalogue.issue_keys(tx, [str(values["issue_type"])])
        [service_type] = await catalogue.service_keys(tx, [str(values["service_type"])])
        new = NewTicket(
            str(values["title"]),
            str(values["description"]),
            issue_type,
            service_type,
            str(values["service_id"]),
            Contact(person.name, person.phone, person.email),
            Channel.PHONE,
            None if severity is None else Severity(severity),
            None if priority is None else Priority(priority),
            occurred_at=values["occurred_at"],
            fault=changed_fault(NO_FAULT, values),
            fields=field_values(fields),
            stated=_stated(values),
        )
        created = await tickets.create_ticket(
            tx, OPERATOR, new, company_id=customer.id, requires_fields=True, people=[*named], now=now()
        )
        if named:
            await people.begin_with(tx, OPERATOR, created.ticket, **named, now=now())
        return await tickets.get_ticket(tx, OPERATOR, created.ticket.number)

    created = transact(work)
    show(ticket_out(created, OPERATOR), f"Ticket {ticket_number(created.ticket.number)} raised.", as_json=as_json)


def _stated(values: dict[str, Any]) -> Stated:
    """Return the assessment that the options state."""
    severity, impact, priority = values["severity"], values["impact"], values["priority"]
    return Stated(
        None if severity is None else Severity(severity),
        None if impact is None else Impact(impact),
        None if priority is None else Priority(priority),
    )


@ticket.command("show")
@click.argument("number", type=TICKET)
@json_option
def ticket_show(number: str, *, as_json: bool) -> None:
    """Show a ticket with its notes, those of the tickets merged into it, and its history.

    With --json only the ticket is printed; see also ticket notes and ticket history.
    """

    async def work(tx: Tx) -> tuple[TicketView, list[TicketNote], list[Event]]:
        known = access.parse_number(number)
        view = await tickets.get_ticket(tx, OPERATOR, known)
        notes = await merging.notes_with_merged(tx, OPERATOR, known, limit=_NOTES_MAX + 1)
        return view, notes, await tickets.history(tx, OPERATOR, known, limit=_HISTORY_MAX + 1)

    view, notes, events = transact(work)
    if as_json:
        print_json(ticket_out(view, OPERATOR))
        return
    _print_ticket(view)
    print_notes(notes[:_NOTES_MAX], at=view.ticket.number)
    if len(notes) > _NOTES_MAX:
        echo(f"Showing the first {_NOTES_MAX} notes; see more: clearline ticket notes {number} --limit", err=True)
    print_table(*_history_table(events[:_HISTORY_MAX]))
    if len(events) > _HISTORY_MAX:
        echo(f"Showing the first {_HISTORY_MAX} events; see all: clearline ticket history {number}", err=True)


def _print_ticket(view: TicketView) -> None:
    ticket = view.ticket
    echo(f"{ticket_number(ticket.number)}  {ticket.title}\n")
    print_table(
        ("STATUS", "PRIORITY", "SEVERITY", "IMPACT", "ISSUE", "SERVICE"),
        [
            (
                ticket.status,
                ticket.priority,
                ticket.severity,
                ticket.impact,
                ticket.issue_type,
                ticket.service_id,
            )
        ],
    )
    print_table(
        ("COMPANY", "LABEL", "QUEUE", "ASSIGNEE", "ASKED", "TAGS", "MERGED INTO"),
        [
            (
                view.company.name,
                ticket.service_label,
                view.queue_name,
                view.assignee_name,
                ", ".join(filter(None, [ticket.asked_severity, ticket.asked_priority])) or None,
                " ".join(ticket.tags) or None,
                None if view.merged_into is None else ticket_number(view.merged_into),
            )
        ],
    )
    print_fault(ticket)
    if shown := progress_lines(ticket):
        echo("\n".join(shown) + "\n")
    if ticket.fields:
        print_table(("FIELD", "VALUE"), [(key, file_text(value)) for key, value in sorted(ticket.fields.items())])
    if view.cases:
        print_table(CASE_COLUMNS, [case_row(case) for case in view.cases])
    contact = ticket.contact
    echo(f"\n{contact.name}  {contact.phone}  {contact.email}\n\n{ticket.description}\n")


@ticket.command("history")
@click.argument("number", type=TICKET)
@limit_option
@json_option
def ticket_history(number: str, limit: int, *, as_json: bool) -> None:
    """List the events of a ticket, oldest first."""

    async def work(tx: Tx) -> list[Event]:
        return await tickets.history(tx, OPERATOR, access.parse_number(number), limit=limit + 1)

    events = within_limit(transact(work), limit, "events")
    if as_json:
        print_json([event_out(event) for event in events])
    else:
        print_table(*_history_table(events))


def _history_table(events: Sequence[Event]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    rows = [(event.at, summary(event), event.actor_name, version(event) or None) for event in events]
    return ("WHEN", "WHAT", "WHO", "VERSION"), [*rows]


@ticket.command("status")
@click.argument("number", type=TICKET)
@click.argument("status", type=_choice(Status))
@click.option("--reason", default="", help="Reason, for the history.")
@progress_options
@waiting_case_option
@json_option
def ticket_status(
    number: str, status: str, reason: str, waiting_case: str | None, *, as_json: bool, **options: Any
) -> None:
    """Move a ticket to another status."""
    given = taken(options)

    async def work(tx: Tx) -> tuple[StatusChanged, TicketView]:
        known = access.parse_number(number)
        facts = facts_of(given, None if waiting_case is None else await find_case(tx, known, waiting_case))
        _moved, change = await changes.move_ticket(
            tx, OPERATOR, known, Status(status), reason=reason, facts=facts, now=now()
        )
        return change, await tickets.get_ticket(tx, OPERATOR, known)

    change, moved = transact(work)
    show(ticket_out(moved, OPERATOR), f"{number} moved from {change.before} to {change.after}.", as_json=as_json)


@ticket.command("change")
@click.argument("number", type=TICKET)
@click.option("--title", help="New title.")
@click.option("--issue", "issue_type", metavar="TYPE", help="New issue type: its key or name.")
@click.option("--severity", type=_choice(Severity), help="New severity.")
@click.option("--impact", type=_choice(Impact), help="New impact.")
@click.option("--priority", type=_choice(Priority), help="New priority.")
@click.option("--queue", metavar="NAME", help="New queue; none removes the ticket from its queue.")
@fault_options
@click.option("--clear", "cleared", type=click.Choice(FACTS), multiple=True, help="Remove this fact; repeatable.")
@progress_options
@waiting_case_option
@field_option
@json_option
def ticket_change(
    number: str, queue: str | None, cleared: tuple[str, ...], fields: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    """Change values of a ticket. Options that are not given change nothing; an empty text removes a value."""
    facts, waiting_case = progress_values(taken(options)), options.pop("waiting_case")
    kinds = {"issue_type": str, "severity": Severity, "impact": Impact, "priority": Priority, "title": str}

    async def work(tx: Tx) -> tuple[TicketView, TicketView]:
        known = access.parse_number(number)
        given = {name: options[name] for name in kinds if options[name] is not None}
        values: dict[str, Any] = {name: kinds[name](value) for name, value in given.items()}
        if options["occurred_at"] is not None or "occurred_at" in cleared:
            values["occurred_at"] = options["occurred_at"]
        if options["issue_type"] is not None:
            [values["issue_type"]] = await catalogue.issue_keys(tx, [options["issue_type"]])
        if queue is not None:
            values["queue_id"] = None if queue == _NONE else (await queues.queue_named(tx, OPERATOR, queue)).id
        if fields:
            values["fields"] = field_values(fields)
        before = await changes.lock_ticket(tx, OPERATOR, known)
        values["fault"] = changed_fault(before.ticket.fault, options, cleared)
        after = await changes.change_ticket(tx, OPERATOR, known, values, now=now())
        if waiting_case is not None:
            case_id = await find_case(tx, known, waiting_case) if waiting_case else None
            waits_for = None if case_id is None else CaseRef(case_id, "")
            facts["waiting"] = {**facts.get("waiting", {}), "case": waits_for}
        if facts:
            after = await changes.change_facts(tx, OPERATOR, known, facts, now=now())
        return before, after

    before, after = (ticket_out(view, OPERATOR) for view in transact(work))
    show(after, change_text(number, before, after), as_json=as_json)


@ticket.command("tag")
@click.argument("number", type=TICKET)
@click.option("--add", multiple=True, metavar="TAG", help="Tag to add; repeat for several.")
@click.option("--remove", multiple=True, metavar="TAG", help="Tag to remove; repeat for several.")
@json_option
def ticket_tag(number: str, add: tuple[str, ...], remove: tuple[str, ...], *, as_json: bool) -> None:
    """Add tags to a ticket, and remove tags."""

    async def work(tx: Tx) -> TicketView:
        return await changes.tag(tx, OPERATOR, access.parse_number(number), add=add, remove=remove, now=now())

    tagged = transact(work)
    text = f"Tags of {number}: {' '.join(tagged.ticket.tags) or 'none'}"
    show(ticket_out(tagged, OPERATOR), text, as_json=as_json)


@ticket.command("assign")
@click.argument("number", type=TICKET)
@click.option("--to", metavar="EMAIL", help="Assign the ticket to this agent.")
@click.option("--nobody", is_flag=True, help="Unassign the ticket.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in AUTOMATIC]),
    help="Assign the ticket to the next agent of the queue's team.",
)
@json_option
def ticket_assign(number: str, to: str | None, mode: str | None, *, nobody: bool, as_json: bool) -> None:
    """Assign a ticket to an agent, to the next agent of its queue's team, or to nobody."""
    if [to is not None, mode is not None, nobody].count(True) != 1:
        raise click.UsageError("Give exactly one of --to, --mode and --nobody.")

    async def work(tx: Tx) -> TicketView:
        known = access.parse_number(number)
        if mode is not None:
            return await routing.assign_by_turns(tx, OPERATOR, known, Assignment(mode), now=now())
        person = None if to is None else await accounts.get_user(tx, OPERATOR, PROVIDER_ID, to)
        return await changes.assign(tx, OPERATOR, known, None if person is None else person.id, now=now())

    assigned = transact(work)
    text = f"{number} assigned to {assigned.assignee_name}." if assigned.assignee_name else f"{number} is unassigned."
    show(ticket_out(assigned, OPERATOR), text, as_json=as_json)
