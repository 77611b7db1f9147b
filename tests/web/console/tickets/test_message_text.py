"""The text of messages on the page of a ticket."""

from clearline.identity import OPERATOR
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW
from tests.builders.web.opened import Opened
from tests.web.messages.texts import HOSTILE

TEXT = "**Down**: `xe-0/0/1`\n\n*> 192.0.2.0/24   65001 i"
RENDERED = "<p><strong>Down</strong>: <code>xe-0/0/1</code></p>"
ROUTE = '<pre tabindex="0">*&gt; 192.0.2.0/24   65001 i</pre>'


async def test_a_message_of_the_console_is_rendered_and_stored_as_written(opened: Opened) -> None:
    await opened.send("messages", text=TEXT, visibility="public")
    html = (await opened.agent.get(opened.path)).text
    assert RENDERED in html
    assert ROUTE in html
    _ticket, [note] = await opened.stored()
    assert note.text == TEXT


async def test_the_channel_of_a_message_decides(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        for channel in Channel:
            await notes.append_note(
                tx, OPERATOR, opened.number, TEXT, channel=channel, visibility=Visibility.INTERNAL, now=NOW
            )
    html = (await opened.agent.get(opened.path)).text
    assert html.count(RENDERED) == len({Channel.CONSOLE, Channel.PORTAL, Channel.PHONE, Channel.API})
    assert html.count("<p>**Down**: `xe-0/0/1`</p>") == len({Channel.EMAIL, Channel.SYSTEM})
    assert html.count(ROUTE) == len(Channel)


async def test_a_message_that_waits_is_rendered(opened: Opened) -> None:
    await opened.agent.post(f"{opened.path}/messages", text=TEXT, visibility="public", once="k" * 32)
    assert RENDERED in (await opened.agent.get(opened.path)).text


async def test_hostile_marks_of_a_customer_do_nothing_on_the_page(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        for text in HOSTILE:
            if "\x00" not in text:  # it is refused
                await notes.append_note(tx, opened.tenant.actor, opened.number, text, channel=Channel.API, now=NOW)
    page = await opened.page()
    assert page.all("iframe") + page.all("img") == []
    assert [script for script in page.all("script") if not script.get("src")] == []
    assert [tag for tag, attributes in page.tags if any(name.startswith("on") for name in attributes)] == []
    for link in page.all("a"):
        assert (link["href"] or "").startswith(("/", "#", "http://", "https://", "mailto:"))
        assert not (link["href"] or "").startswith("//")
