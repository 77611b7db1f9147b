"""Commands for the people of a ticket: its contacts, and who gets copies of its mail."""

import re
from collections.abc import Callable
from typing import TypeVar

import click

from clearline.cli.context import transact
from clearline.cli.output import json_option, print_json, print_table, show
from clearline.cli.parameters.numbers import TICKET
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address
from clearline.tickets import access
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import TicketView
from clearline.wires.house.tickets.mapping import ticket_out

Command = TypeVar("Command", bound=Callable[..., object])
_CC = "cc"
_CONTACT = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<email>[^<>]+)>)?\s*(?:,\s*(?P<phone>[^,<>]+))?")
_COPY = re.compile(r"(?:(?P<name>[^<>]*?)\s*<(?P<named>[^<>]+)>)|(?P<email>[^<>]+)")


def people_options(command: Command) -> Command:
    """Add the options of a new ticket's people to a command: other contacts, and who gets copies."""
    contact = click.option(
        "--other-contact", "other_contacts", multiple=True, metavar="TEXT",
        help='Another contact, "NAME <EMAIL>, PHONE; ROLE, ROLE", without the address or the phone; repeatable.',
    )  # fmt: skip
    copy = click.option(
        "--cc", "copies", multiple=True, metavar="EMAIL",
        help='Address that gets copies of the mail about the ticket, or "NAME <EMAIL>"; repeatable.',
    )  # fmt: skip
    return contact(copy(command))


def given_people(other_contacts: tuple[str, ...], copies: tuple[str, ...]) -> dict[str, list[Person]]:
    """Return the people that options of ``people_options`` name, by the lists of a ticket that are not empty."""
    people = {"contacts": [_contact(text) for text in other_contacts], "cc": [_copy(text) for text in copies]}
    return {name: listed for name, listed in people.items() if listed}


def _contact(text: str) -> Person:
    person, _semicolon, roles = text.rpartition(";")
    match = _CONTACT.fullmatch(person.strip())
    if match is None:
        hint = f'{text} is not "NAME <EMAIL>, PHONE; ROLE, ROLE"'
        raise click.BadParameter(hint, param_hint="--other-contact")
    named = tuple(_role(role.strip()) for role in roles.split(","))
    return Person(PersonKind.CONTACT, match["email"] or "", match["name"], match["phone"] or "", named)


def _role(text: str) -> ContactRole:
    try:
        return ContactRole(text)
    except ValueError:
        hint = f"{text or 'nothing'} is no role: must be one of {', '.join(ContactRole)}"
        raise click.BadParameter(hint, param_hint="--other-contact") from None


def _copy(text: str) -> Person:
    match = _COPY.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(f'{text} is no address and not "NAME <EMAIL>"', param_hint="--cc")
    return Person(PersonKind.CC, match["named"] or match["email"], match["name"] or "")


@click.command("people")
@click.argument("number", type=TICKET)
@json_option
def ticket_people(number: str, *, as_json: bool) -> None:
    """List the contacts of a ticket with their roles, and who gets copies of its mail."""
    view = transact(lambda tx: tickets.get_ticket(tx, OPERATOR, access.parse_number(number)))
    if as_json:
        print_json(ticket_out(view, OPERATOR))
        return
    contact, known = view.ticket.contact, view.people
    rows = [(ContactRole.REPORTER.value, contact.name, contact.email, contact.phone)]
    rows += [(", ".join(person.roles), person.name, person.email, person.phone) for person in known.contacts]
    rows += [(_CC, person.name, person.email, person.phone) for person in known.cc]
    rows += [("suggested", person.name, person.email, person.phone) for person in known.suggested]
    rows += [("left", person.name, person.email, person.phone) for person in known.left]
    print_table(("ROLES", "NAME", "EMAIL", "PHONE"), rows)


@click.command("add-person")
@click.argument("number", type=TICKET)
@click.option("--email", default="", metavar="EMAIL", help="E-mail address; a contact may have only a phone.")
@click.option("--name", default="", help="Name; contacts need one.")
@click.option("--phone", default="", help="Phone number, as free text.")
@click.option("--role", "roles", type=click.Choice([role.value for role in ContactRole]), multiple=True,
              help="Role of a contact; repeat for several.")  # fmt: skip
@click.option("--cc", is_flag=True, help="The address only gets copies of the mail about the ticket.")
@json_option
def ticket_add_person(
    number: str, email: str, name: str, phone: str, roles: tuple[str, ...], *, cc: bool, as_json: bool
) -> None:
    """Add a contact to a ticket, or one who gets copies; change it if the address is there already."""
    if cc == bool(roles):
        raise click.UsageError("Give either --cc or at least one --role.")
    kind = PersonKind.CC if cc else PersonKind.CONTACT
    person = Person(kind, email, name, "" if cc else phone, tuple(map(ContactRole, roles)))

    async def work(tx: Tx) -> TicketView:
        known = access.parse_number(number)
        await people.add_person(tx, OPERATOR, known, person, now=now())
        return await tickets.get_ticket(tx, OPERATOR, known)

    show(ticket_out(transact(work), OPERATOR), f"{email or name} added to {number}.", as_json=as_json)


@click.command("remove-person")
@click.argument("number", type=TICKET)
@click.argument("who", metavar="EMAIL")
@json_option
def ticket_remove_person(number: str, who: str, *, as_json: bool) -> None:
    """Remove a contact from a ticket, or one who gets copies, by the address or, without one, the name."""

    async def work(tx: Tx) -> TicketView:
        known = access.parse_number(number)
        view = await tickets.get_ticket(tx, OPERATOR, known)
        wanted = normalized_address(who)
        for person in view.people.all:
            if normalized_address(person.email or person.name) == wanted and person.kind is not PersonKind.LEFT:
                await people.remove_person(tx, OPERATOR, known, person.id, now=now())
                return await tickets.get_ticket(tx, OPERATOR, known)
        raise NotFound("contact", who)

    show(ticket_out(transact(work), OPERATOR), f"{who} removed from {number}.", as_json=as_json)
