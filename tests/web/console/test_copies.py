"""The Cc of a reply: who gets it is shown, and addresses are added and removed before it is sent."""

import pytest

from clearline.identity import OPERATOR
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import Notice, RuleRole
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from tests.builders.people import NOW
from tests.builders.web.opened import Opened, hidden, shown
from tests.builders.web.pages import Page

NOC, NIA = "noc@example.org", "nia@example.com"


async def copied(opened: Opened) -> list[str]:
    """Return the addresses that get copies."""
    async with opened.database.statement() as tx:
        return [person.email for person in (await tickets.get_ticket(tx, OPERATOR, opened.number)).people.cc]


async def change(opened: Opened, status: int = 303, **fields: str) -> str:
    """Press a button of Cc in the composer; return the page that the agent sees then."""
    sent = {"visibility": "public", "text": "Half a reply", **hidden(await opened.page()), **fields}
    answer = await opened.agent.post(f"{opened.path}/messages/cc", **sent)
    assert answer.status_code == status, answer.text
    return answer.text if status != 303 else (await opened.agent.get(answer.headers["location"])).text


def recipients(text: str) -> str:
    """Return who gets the reply, as the page says it."""
    return Page(text[text.index('id="recipients"') :].partition("</summary>")[0]).text.partition(">")[2].strip()


async def test_an_address_is_added_and_removed_and_the_draft_is_kept(opened: Opened) -> None:
    first = (await opened.agent.get(opened.path)).text
    assert recipients(first).endswith("· Add Cc")
    text = await change(opened, cc=f"{NOC}, {NIA};{NOC.upper()}")
    assert await copied(opened) == [NOC, NIA]
    assert recipients(text).endswith(f"· Cc {NOC}, {NIA}")
    assert shown(text) == "Half a reply"
    async with opened.database.statement() as tx:
        people_now = (await tickets.get_ticket(tx, OPERATOR, opened.number)).people
    text = await change(opened, person=str(people_now.cc[0].id), text="The whole reply")
    assert (await copied(opened), shown(text)) == ([NIA], "The whole reply")
    await change(opened, person=str(people_now.cc[0].id))
    assert await copied(opened) == [NIA]


def form_of(page: Page) -> dict[str, str]:
    """Return the hidden fields of the composer, with the drafts that it began with."""
    bases = [field for field in page.all("input") if (field.get("name") or "").startswith("base_")]
    return {**hidden(page), **{str(field["name"]): field["value"] or "" for field in bases}}


@pytest.mark.parametrize("button", ["person", "drop"])
async def test_an_address_that_is_typed_and_not_added_stays_when_something_is_removed(
    opened: Opened, button: str
) -> None:
    await change(opened, cc=NOC)
    await opened.agent.upload(f"{opened.path}/files", "trace.txt", b"hop 1")
    page = await opened.page()
    remove = next(each for each in page.all("button") if each.get("name") == button)
    sent = {
        **form_of(page), "visibility": "public", "text": "Half a reply", "cc": "nia@", "then": "pending",
        button: str(remove["value"]),
    }  # fmt: skip
    answer = await opened.agent.post(str(remove["formaction"]).partition("?")[0], **sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["hx-push-url"] == opened.path
    assert "\nnia@</textarea>" in answer.text
    assert shown(answer.text) == "Half a reply"
    again = Page(answer.text)
    left = {each.get("name") for each in again.all("button")} & {"person", "drop"}
    assert left == {"person", "drop"} - {button}
    await opened.send("messages", **form_of(again), visibility="public", text="The whole reply", cc=NIA)
    assert NIA in await copied(opened)
    assert shown((await opened.agent.get(opened.path)).text) == ""


async def test_what_is_no_address_is_refused_and_all_that_was_typed_stays(opened: Opened) -> None:
    text = await change(opened, 422, cc=f"{NOC} nobody")
    assert "Cc: " in Page(text).text
    assert shown(text) == "Half a reply"
    assert f"\n{NOC} nobody</textarea>" in text
    assert await copied(opened) == []


async def test_an_address_that_was_typed_and_not_added_gets_the_reply_too(opened: Opened) -> None:
    await opened.send("messages", text="We are on it", visibility="public", cc=NOC)
    assert await copied(opened) == [NOC]
    _ticket, notes = await opened.stored()
    assert notes[-1].text == "We are on it"
    refused = await opened.send("messages", 422, text="And again", visibility="public", cc="nobody")
    assert shown(refused.text) == "And again"
    assert "\nnobody</textarea>" in refused.text
    await opened.send("messages", text="For us", visibility="internal", cc=NIA)
    assert await copied(opened) == [NOC]


async def test_a_contact_stays_one_and_gets_no_copies(opened: Opened) -> None:
    nia = Person(PersonKind.CONTACT, NIA, "Nia Roy", roles=(ContactRole.TECHNICAL,))
    async with opened.database.transaction() as tx:
        await people.add_person(tx, OPERATOR, opened.number, nia, now=NOW)
    text = await change(opened, cc=NIA)
    assert await copied(opened) == []
    assert ", Nia Roy, " in recipients(text)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({RuleRole.CC: [Notice.RESOLVED]}, "no mail to Cc"),
        ({RuleRole.REPORTER: []}, "without mail to its contacts · Cc"),
        (None, "without mail to its contacts · no mail to Cc"),
    ],
    ids=["cc", "reporter", "off"],
)
async def test_the_rules_of_the_company_decide_who_gets_it(
    opened: Opened, rules: dict[RuleRole, list[Notice]] | None, words: str
) -> None:
    await change(opened, cc=NOC)
    async with opened.database.transaction() as tx:
        company = opened.tenant.company.id
        await preferences.change_contact_mail(tx, OPERATOR, company, mails=rules is not None, rules=rules, now=NOW)
    assert words in recipients((await opened.agent.get(opened.path)).text)
    async with opened.database.transaction() as tx:
        await preferences.change_contact_mail(tx, OPERATOR, company, mails=True, rules=dict.fromkeys(RuleRole), now=NOW)


async def test_a_page_that_stays_gets_what_others_changed(opened: Opened) -> None:
    page = await opened.page()
    async with opened.database.transaction() as tx:
        await people.add_copies(tx, OPERATOR, opened.number, [NOC], now=NOW)
    assert NOC not in page.text
    text = (await opened.agent.get(f"{opened.path}/live?seen=0&last=0")).text
    assert f"Cc {NOC}" in text
