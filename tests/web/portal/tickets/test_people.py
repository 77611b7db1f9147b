"""The people of a ticket in the portal: shown to its customer, added and removed."""

from typing import Any

from clearline.identity import OPERATOR
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Person, PersonKind
from clearline.tickets.contacts import store as people_store
from clearline.tickets.contacts import usecases as people
from tests.builders.people import NOW
from tests.builders.web.customers import PortalTicket
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page

TECHNICIAN: dict[str, Any] = {
    "role": "technical",
    "email": "nia@example.com",
    "name": "Nia Roy",
    "phone": "+1-555-0142",
}


async def addresses(opened: PortalTicket) -> list[str]:
    async with opened.database.transaction() as tx:
        known = (await tickets.get_ticket(tx, OPERATOR, opened.number)).people
    return [person.email for person in (*known.contacts, *known.cc)]


async def test_a_customer_adds_and_removes_people(opened: PortalTicket) -> None:
    await opened.send("people", **TECHNICIAN)
    await opened.send("people", role="cc", email="noc@example.org", name="", phone="")
    assert await addresses(opened) == ["nia@example.com", "noc@example.org"]
    page = await opened.page()
    for text in ("Nia Roy", "Technical contact", "noc@example.org", "Reporter"):
        assert text in page.text
    buttons = {button.get("aria-label"): button.get("value") for button in page.all("button")}
    await opened.send("people/remove", person=buttons["Remove Nia Roy"] or "")
    assert await addresses(opened) == ["noc@example.org"]


async def test_a_contact_has_several_roles_also_when_it_was_refused_first(opened: PortalTicket) -> None:
    roles = ["on_duty", "escalation"]
    refused = Page((await opened.send("people", 422, **TECHNICIAN | {"role": roles, "email": "nia@"})).text)
    boxes = {each.get("value") for each in refused.all("input") if each.get("name") == "role" and "checked" in each}
    assert boxes == {*roles}
    await opened.send("people", **TECHNICIAN | {"role": roles})
    assert "Escalation, On duty" in (await opened.page()).text


async def test_a_refused_person_stays_in_the_form(opened: PortalTicket) -> None:
    answer = await opened.send("people", 422, **TECHNICIAN | {"email": HOSTILE})
    assert "Nia Roy" in answer.text
    assert HOSTILE not in answer.text
    assert await addresses(opened) == []


async def test_suggestions_are_not_shown_and_who_left_cannot_be_added(opened: PortalTicket) -> None:
    async with opened.database.transaction() as tx:
        suggested = [Person(PersonKind.SUGGESTED, "zq8hint@example.org")]
        await people_store.suggest(tx, opened.tenant.company.id, opened.number, suggested, most=20, now=NOW)
        await people.add_person(tx, OPERATOR, opened.number, Person(PersonKind.CC, "gone@example.org"), now=NOW)
        ticket = (await tickets.get_ticket(tx, OPERATOR, opened.number)).ticket
        await people.leave(tx, OPERATOR, ticket, "gone@example.org", now=NOW)
    assert "zq8hint" not in (await opened.page()).text
    answer = await opened.send("people", 422, role="cc", email="gone@example.org", name="", phone="")
    assert "Left this ticket by the link" in answer.text
