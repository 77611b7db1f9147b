"""The drafts of a ticket's page: kept until they are sent, for their writer alone."""

import re

import httpx
import pytest

from clearline.drafts import store as draft_store
from clearline.drafts.domain import DRAFTS_MAX
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.opened import Opened, composer_of, shown
from tests.builders.web.pages import Page, person


def fields_of(page: Page) -> dict[str, str]:
    """Return the hidden fields of the composer."""
    names = {"once", "seen", "base_public", "base_internal"}
    return {name: field["value"] or "" for field in page.all("input") if (name := field.get("name") or "") in names}


async def save(opened: Opened, status: int = 200, /, **fields: str) -> Page:
    """Save a draft as the page does; return the answer."""
    fields = {"visibility": "public", "then": "", "once": new_key(), **fields}
    answer = await opened.agent.post(f"{opened.path}/draft", **fields)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def test_a_draft_stands_in_the_composer_of_the_next_page(opened: Opened) -> None:
    answer = await save(opened, text="\nWe <look>\n", then="pending")
    assert re.search(r"Draft saved \d\d:\d\d UTC\b", answer.text)
    text = (await opened.agent.get(opened.path)).text
    page = Page(text)
    assert "Draft saved" in page.text
    assert shown(text) == "\nWe &lt;look&gt;\n"
    assert [option["value"] for option in page.all("option") if "selected" in option] == ["pending"]
    assert fields_of(page)["base_public"]
    assert not fields_of(page)["base_internal"]


async def test_the_newest_kind_of_message_is_shown_and_the_other_is_kept(opened: Opened) -> None:
    await save(opened, text="To the customer")
    await save(opened, text="Among us", visibility="internal")
    text = (await opened.agent.get(opened.path)).text
    page = Page(text)
    assert shown(text) == "Among us"
    [checked] = [box["value"] for box in page.all("input") if box.get("name") == "visibility" and "checked" in box]
    assert checked == "internal"
    assert "To the customer" in page.text
    assert "Another draft" not in page.text


async def test_the_words_of_two_devices_are_both_offered_until_they_are_discarded(opened: Opened) -> None:
    await save(opened, text="We look")
    laptop, phone = fields_of(await opened.page()), fields_of(await opened.page())
    await save(opened, **laptop, text="We look at port 7")
    answer = await save(opened, **phone, text="We look at port 8")
    assert "Another draft of a reply" in answer.text
    assert "We look at port 7" in answer.text
    page = await opened.page()
    assert "Another draft of a reply" in page.text
    assert await composer_of(opened) == "We look at port 8"
    [link] = page.links(f"{opened.path}?draft=")
    assert await composer_of(opened, link.removeprefix(opened.path)) == "We look at port 7"
    await opened.send("draft/discard", visibility="public", writer=laptop["once"])
    assert "Another draft" not in (await opened.page()).text


async def test_a_draft_that_goes_on_elsewhere_replaces_the_first(opened: Opened) -> None:
    await save(opened, text="We look")
    answer = await save(opened, **fields_of(await opened.page()), text="We look at it")
    assert "Another draft" not in answer.text
    assert "Another draft" not in (await opened.page()).text
    assert await composer_of(opened) == "We look at it"


async def test_sending_clears_the_draft_of_that_kind_alone(opened: Opened) -> None:
    await save(opened, text="Among us", visibility="internal")
    await save(opened, text="We look")
    fields = fields_of(await opened.page())
    await save(opened, **fields, text="We look at it")
    await opened.send("messages", **fields, text="We look at it.", visibility="public")
    assert await composer_of(opened) == "Among us"


async def test_a_draft_that_arrives_after_its_message_was_sent_is_not_stored(opened: Opened) -> None:
    fields = fields_of(await opened.page())
    await opened.send("messages", **fields, text="We look", visibility="public")
    await save(opened, 410, **fields, text="We look")
    await save(opened, 410, text="We look", was=fields["once"])
    assert await composer_of(opened) == ""


async def test_a_message_that_was_held_back_keeps_its_draft_and_replaces_it_once_sent(opened: Opened) -> None:
    fields = fields_of(await opened.page())
    await save(opened, **fields, text="We look")
    async with opened.database.transaction() as tx:
        await notes.append_note(tx, opened.tenant.actor, opened.number, "It works", channel=Channel.EMAIL, now=NOW)
    answer = await opened.send("messages", 409, **fields, text="We look at it", visibility="public")
    assert shown(answer.text) == "We look at it"
    assert "Another draft" not in Page(answer.text).text
    await opened.send("messages", **fields_of(Page(answer.text)), text="Good", visibility="public")
    assert await composer_of(opened) == ""
    assert "Another draft" not in (await opened.page()).text


async def test_the_draft_of_a_finished_ticket_can_still_be_read(opened: Opened) -> None:
    await save(opened, text="Not sent in time")
    async with opened.database.transaction() as tx:
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, opened.number, status, reason="", now=NOW)
    page = await opened.page()
    assert "Not sent in time" in page.text
    assert page.links(f"{opened.path}?draft=") == []


async def test_nobody_else_sees_a_draft(opened: Opened, client: httpx.AsyncClient, database: Database) -> None:
    await save(opened, text="Not finished yet")
    colleague = await person(client, database, name="Mara Lind")
    assert "Not finished yet" not in (await colleague.get(opened.path)).text
    assert "Not finished yet" not in (await colleague.get(f"{opened.path}/history")).text


async def test_what_cannot_be_kept_is_refused(opened: Opened, database: Database) -> None:
    await save(opened, 422, text="x" * 16_001)
    await save(opened, 422, text="We", visibility="secret")
    await save(opened, 422, text="We", then="nothing")
    await save(opened, 422, text="We", once="")
    user = opened.agent.user
    async with database.transaction() as tx:
        await tx.write(
            """insert into draft (company_id, user_id, ticket_number, visibility, writer, text, saved_at)
               select $1, $2, 1, 'public', 'w' || w, 'Text ' || w, $3 from generate_series(1, $4::int) w""",
            user.company_id, user.id, NOW, DRAFTS_MAX,
        )  # fmt: skip
    await save(opened, 409, text="We")
    async with database.transaction() as tx:
        assert await draft_store.of_ticket(tx, user, opened.number) == []
        await tx.write("delete from draft where user_id = $1", user.id)


@pytest.mark.parametrize(
    "base",
    ["a\0b 2026-11-29T08:00:00+00:00", "a 0001-01-01T00:00:00+14:00", "a 9999-12-31T23:59:59-14:00", "a 2026-11-29"],
)
async def test_fields_that_no_page_of_ours_has_lose_no_draft(opened: Opened, base: str) -> None:
    await save(opened, text="We look", base_public=base)
    assert await composer_of(opened) == "We look"
    await save(opened, 422, text="We look", once="a\0b")
    answer = await opened.agent.post(f"{opened.path}/draft/discard", visibility="public", writer="a\0b")
    assert answer.status_code == 422
