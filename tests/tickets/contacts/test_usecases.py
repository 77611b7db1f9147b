"""The people of a ticket besides its contact: who may set them, what is stored, and what happened."""

from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.errors import InvalidInput, NotFound, TicketFinished
from clearline.identity import OPERATOR, Actor, Role
from clearline.mail.format.headers import Address
from clearline.mail.people.sender_usecases import acting_user
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import CC_MAX, CONTACTS_MAX, ContactRole, People, Person, PersonKind
from clearline.tickets.contacts import store as people_store
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Status
from clearline.tickets.links import merge_usecases as merging
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import later_events, raised

TECHNICAL, ESCALATION = ContactRole.TECHNICAL, ContactRole.ESCALATION


def contact(name: str = "Nia Roy", email: str = "nia@example.com", *roles: ContactRole, phone: str = "") -> Person:
    return Person(PersonKind.CONTACT, email, name, phone, roles or (TECHNICAL,))


def copied(email: str = "noc@example.org", name: str = "") -> Person:
    return Person(PersonKind.CC, email, name)


async def people_of(tx: Tx, tenant: Tenant, number: int) -> People:
    return (await tickets.get_ticket(tx, tenant.actor, number)).people


def shown(known: People) -> list[tuple[str, str, str, list[str]]]:
    """Return what tests compare of the people of a ticket."""
    return [(person.kind.value, person.email, person.name, [*person.roles]) for person in known.all]


async def test_a_customer_sets_contacts_and_copies_and_each_change_is_an_event(
    database: Database, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        first = [contact(), contact("Door", "", ContactRole.SITE_ACCESS, phone="+1-555-0100")]
        await people.set_people(tx, tenant.actor, number, contacts=first, cc=[copied(name="Noc")], now=NOW)
        before = (await tickets.get_ticket(tx, tenant.actor, number)).ticket.version
        changed = [contact("Nia Roy", "NIA@example.com", TECHNICAL, ESCALATION)]
        await people.set_people(tx, tenant.actor, number, contacts=changed, now=NOW)
        await people.set_people(tx, tenant.actor, number, contacts=changed, cc=[copied(name="Noc")], now=NOW)
        view = await tickets.get_ticket(tx, tenant.actor, number)
        assert shown(view.people) == [
            ("contact", "NIA@example.com", "Nia Roy", ["technical", "escalation"]),
            ("cc", "noc@example.org", "Noc", []),
        ]
        assert view.ticket.version == before + 1, "the last call changes nothing"
        events = await later_events(tx, number)
    assert events == [
        ("ticket.contact_added", {"name": "Nia Roy", "email": "nia@example.com", "roles": ["technical"]}),
        ("ticket.contact_added", {"name": "Door", "email": "", "roles": ["site_access"]}),
        ("ticket.cc_added", {"name": "Noc", "email": "noc@example.org"}),
        ("ticket.contact_removed", {"name": "Door", "email": "", "roles": ["site_access"]}),
        (
            "ticket.contact_changed",
            {
                "name": "Nia Roy",
                "email": "NIA@example.com",
                "changes": [
                    {"field": "email", "before": "nia@example.com", "after": "NIA@example.com"},
                    {"field": "roles", "before": ["technical"], "after": ["technical", "escalation"]},
                ],
            },
        ),
    ]


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no role": ({"contacts": [Person(PersonKind.CONTACT, "a@example.com", "A")]}, ["contacts.0.roles"]),
    "no name": ({"contacts": [contact("")]}, ["contacts.0.name"]),
    "neither address nor phone": ({"contacts": [contact(email="")]}, ["contacts.0.email"]),
    "no address": ({"contacts": [contact(email="nia")]}, ["contacts.0.email"]),
    "the same address twice": ({"contacts": [contact(), contact(email="NIA@example.com")]}, ["contacts.1.email"]),
    "contact and copy": ({"contacts": [contact()], "cc": [copied("nia@EXAMPLE.com")]}, ["cc.0.email"]),
    "a copy to the contact": ({"cc": [copied("ADA@example.com")]}, ["cc.0.email"]),
    "too many contacts": (
        {"contacts": [contact(email=f"c{place}@example.com") for place in range(CONTACTS_MAX)]}, ["contacts"],
    ),
    "too many copies": ({"cc": [copied(f"c{place}@example.com") for place in range(CC_MAX + 1)]}, ["cc"]),
    "an unknown user": ({"contacts": [Person(PersonKind.CONTACT, "", roles=(TECHNICAL,),
                                             user_id="5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42")]}, ["contacts.0.user_id"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_people_that_break_a_rule_are_refused(database: Database, tenant: Tenant, case: str) -> None:
    values, fields = REFUSED[case]
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        with pytest.raises(InvalidInput) as refused:
            await people.set_people(tx, tenant.actor, number, **values, now=NOW)
    assert [violation.field for violation in refused.value.violations] == fields


async def test_a_user_of_the_company_is_named_by_id_and_one_of_another_company_is_not(
    database: Database, tenant: Tenant
) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        code, email = tenant.company.code, f"{uuid4().hex[:8]}@example.com"
        user = await accounts.add_user(tx, OPERATOR, code, name="Bo Lund", email=email, phone="+1-555-0110", now=NOW)
        named = Person(PersonKind.CONTACT, "", roles=(TECHNICAL,), user_id=str(user.id))
        await people.set_people(tx, tenant.actor, number, contacts=[named], now=NOW)
        [person] = (await people_of(tx, tenant, number)).contacts
        assert (person.name, person.email, person.phone, person.user_id) == (
            "Bo Lund",
            email,
            "+1-555-0110",
            str(user.id),
        )
        stranger = Person(PersonKind.CONTACT, "", roles=(TECHNICAL,), user_id=str(other.user.id))
        with pytest.raises(InvalidInput):
            await people.set_people(tx, tenant.actor, number, contacts=[stranger], now=NOW)
        await people.set_people(tx, tenant.actor, number, contacts=[], cc=[copied(other.user.email)], now=NOW)
        [person] = (await people_of(tx, tenant, number)).cc
        assert (person.email, person.user_id, person.name) == (other.user.email, None, ""), "a mere address"


async def test_another_company_neither_sees_nor_sets_the_people_of_a_ticket(database: Database, tenant: Tenant) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await people.add_person(tx, tenant.actor, number, copied(), now=NOW)
        [person] = (await people_of(tx, tenant, number)).cc
        for attempt in (
            people.set_people(tx, other.actor, number, contacts=[], cc=[], now=NOW),
            people.add_person(tx, other.actor, number, contact(), now=NOW),
            people.remove_person(tx, other.actor, number, person.id, now=NOW),
        ):
            with pytest.raises(NotFound):
                await attempt
        mine = await raised(tx, other)
        with pytest.raises(NotFound):
            await people.remove_person(tx, other.actor, mine, person.id, now=NOW)
        assert shown(await people_of(tx, tenant, number)) == [("cc", "noc@example.org", "", [])]


async def test_who_left_is_added_again_by_the_provider_only(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await people.set_people(tx, tenant.actor, number, contacts=[contact()], cc=[copied()], now=NOW)
        view = await tickets.get_ticket(tx, tenant.actor, number)
        assert await people.leave(tx, Actor(Role.CUSTOMER, "noc@example.org"), view.ticket, "NOC@example.org", now=NOW)
        assert not await people.leave(tx, OPERATOR, view.ticket, "noc@example.org", now=NOW), "once"
        assert not await people.leave(tx, OPERATOR, view.ticket, "ada@example.com", now=NOW), "the contact stays"
        assert (await later_events(tx, number))[-1] == (
            "ticket.cc_removed", {"name": "", "email": "noc@example.org"},
        )  # fmt: skip
        for values in ({"cc": [copied()]}, {"contacts": [contact(), contact("Noc", "noc@example.org")]}):
            with pytest.raises(InvalidInput):
                await people.set_people(tx, tenant.actor, number, **values, now=NOW)
        assert await acting_user(tx, Address("", "noc@example.org"), view.ticket) is None
        await people.add_person(tx, OPERATOR, number, copied(), now=NOW)
        assert shown(await people_of(tx, tenant, number))[1:] == [("cc", "noc@example.org", "", [])]


async def test_a_finished_ticket_keeps_its_people_but_can_be_left(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await people.add_person(tx, tenant.actor, number, copied(), now=NOW)
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.REJECTED, reason="", now=NOW)
        with pytest.raises(TicketFinished):
            await people.set_people(tx, tenant.actor, number, cc=[], now=NOW)
        view = await tickets.get_ticket(tx, tenant.actor, number)
        assert await people.leave(tx, OPERATOR, view.ticket, "noc@example.org", now=NOW)


async def test_a_merge_takes_the_people_along_without_a_double(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        source, target = await raised(tx, tenant), await raised(tx, tenant)
        both = [copied(), copied("left@example.org"), copied("new@example.org")]
        await people.set_people(tx, tenant.actor, source, contacts=[contact()], cc=both, now=NOW)
        there = [copied("NOC@example.org"), copied("left@example.org")]
        await people.set_people(tx, tenant.actor, target, cc=there, now=NOW)
        view = await tickets.get_ticket(tx, tenant.actor, target)
        await people.leave(tx, OPERATOR, view.ticket, "left@example.org", now=NOW)
        await merging.merge_ticket(tx, OPERATOR, source, target, now=NOW)
        assert shown(await people_of(tx, tenant, target)) == [
            ("contact", "nia@example.com", "Nia Roy", ["technical"]),
            ("cc", "NOC@example.org", "", []),
            ("cc", "new@example.org", "", []),
            ("left", "left@example.org", "", []),
        ]
        assert (await people_store.find(tx, tenant.company.id, target, "new@example.org")) is not None
