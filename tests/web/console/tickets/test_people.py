"""The people of a ticket on its page: added, removed, and those in Cc of a mail."""

from typing import Any

from clearline.identity import OPERATOR
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Person, PersonKind
from clearline.tickets.contacts import store as people_store
from clearline.tickets.contacts import usecases as people
from tests.builders.people import NOW
from tests.builders.web.opened import HOSTILE, Opened
from tests.builders.web.pages import Page

TECHNICIAN: dict[str, Any] = {
    "role": "technical",
    "email": "nia@example.com",
    "name": "Nia Roy",
    "phone": "+1-555-0142",
}


async def shown(opened: Opened) -> list[tuple[str, str, str, list[str]]]:
    async with opened.database.transaction() as tx:
        view = await tickets.get_ticket(tx, OPERATOR, opened.number)
    return [(person.kind.value, person.email, person.name, [*person.roles]) for person in view.people.all]


async def test_contacts_and_copies_are_added_shown_and_removed(opened: Opened) -> None:
    await opened.send("people", **TECHNICIAN)
    await opened.send("people", role="cc", email="noc@example.org", name="", phone="")
    assert await shown(opened) == [
        ("contact", "nia@example.com", "Nia Roy", ["technical"]),
        ("cc", "noc@example.org", "", []),
    ]
    page = await opened.page()
    for text in ("Nia Roy", "Technical contact", "+1-555-0142", "noc@example.org", "Reporter"):
        assert text in page.text
    assert "added the contact Nia Roy" in page.text
    buttons = {button.get("aria-label"): button.get("value") for button in page.all("button")}
    await opened.send("people/remove", person=buttons["Remove Nia Roy"] or "")
    await opened.send("people/remove", person=buttons["Remove noc@example.org"] or "")
    assert await shown(opened) == []


async def test_a_contact_has_several_roles(opened: Opened) -> None:
    await opened.send("people", **TECHNICIAN | {"role": ["site_access", "technical"]})
    assert await shown(opened) == [("contact", "nia@example.com", "Nia Roy", ["technical", "site_access"])]
    assert "Technical contact, Site access" in (await opened.page()).text


async def test_who_was_in_cc_of_a_mail_is_copied_or_dismissed(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        suggested = [Person(PersonKind.SUGGESTED, f"{name}@example.org", name) for name in ("bo", "cy")]
        await people_store.suggest(tx, opened.tenant.company.id, opened.number, suggested, most=20, now=NOW)
    page = await opened.page()
    assert "In Cc of a mail" in page.text
    buttons = {button.get("aria-label"): button.get("value") for button in page.all("button")}
    await opened.send("people", role=buttons["Send copies to bo@example.org"] or "", email="bo@example.org", name="bo")
    await opened.send("people/remove", person=buttons["Do not send copies to cy@example.org"] or "")
    assert await shown(opened) == [("cc", "bo@example.org", "bo", [])]


async def test_a_person_that_breaks_a_rule_is_refused_on_the_page(opened: Opened) -> None:
    wrong: list[dict[str, Any]] = [
        {"email": "nobody"}, {"role": "boss"}, {"role": ["cc", "technical"]}, {"role": []}, {"email": "", "phone": ""},
    ]  # fmt: skip
    for fields in wrong:
        page = Page((await opened.send("people", 422, **TECHNICIAN | fields)).text)
        assert page.all("main")
    await opened.send("people/remove", 404, person="x")
    await opened.send("people/remove", 404, person="999999")
    assert await shown(opened) == []


async def test_names_of_people_cannot_inject_markup(opened: Opened) -> None:
    await opened.send("people", **TECHNICIAN | {"name": HOSTILE})
    assert HOSTILE in (await opened.page()).text, "as text"


async def test_who_left_is_shown_to_agents(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        await people.add_person(tx, OPERATOR, opened.number, Person(PersonKind.CC, "noc@example.org"), now=NOW)
        view = await tickets.get_ticket(tx, OPERATOR, opened.number)
        await people.leave(tx, OPERATOR, view.ticket, "noc@example.org", now=NOW)
    assert "noc@example.org left this ticket" in (await opened.page()).text
