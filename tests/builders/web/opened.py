"""A ticket in the browser of an agent."""

import asyncio
from typing import Any

import httpx

from clearline.event_stream.usecases import parse_cursor
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Channel, Ticket, ticket_number
from clearline.tickets.note_domain import Note, Visibility
from clearline.web.once import new_key
from tests.builders.people import NOW, Tenant
from tests.builders.web.messages import send_due
from tests.builders.web.pages import Page, Person
from tests.patience import patient

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7 * 7 }}"
"""What must not become markup in any page."""


class Opened:
    """A ticket in the browser of an agent."""

    def __init__(self, agent: Person, database: Database, tenant: Tenant, number: int) -> None:
        self.agent, self.database, self.tenant, self.number = agent, database, tenant, number
        self.path = f"/console/tickets/{ticket_number(number)}"

    async def page(self) -> Page:
        return await self.agent.page(self.path)

    async def send(self, form: str, expected: int = 303, /, **fields: Any) -> httpx.Response:
        """Send a form of the page; a message or macro is sent on, as when nobody takes it back."""
        answer = await self.agent.post(f"{self.path}/{form}", **{"once": new_key(), **fields})
        assert answer.status_code == expected, answer.text
        if expected == 303:
            assert answer.headers["location"] == self.path
            if form == "messages" or form.startswith("macros/"):
                await send_due(self.database)
        return answer

    async def stored(self) -> tuple[Ticket, list[Note]]:
        async with self.database.statement() as tx:
            both = await ticket_store.get_with_notes(
                tx, self.tenant.company.id, self.number, [Visibility.PUBLIC, Visibility.INTERNAL]
            )
        assert both is not None
        return both[0], both[1]

    async def ticket(self) -> Ticket:
        return (await self.stored())[0]

    async def note(self, tx: Tx, text: str, **values: Any) -> None:
        await notes.append_note(tx, self.tenant.actor, self.number, text, channel=Channel.EMAIL, now=NOW, **values)


async def cursor_of(opened: Opened) -> str:
    """Return the cursor that a page of the agent has now."""
    [body] = (await opened.page()).all("body")
    return body["data-cursor"] or ""


async def calm_cursor_of(opened: Opened) -> str:
    """Return the cursor of a page once every event up to now can be read: other transactions may still be running."""
    async with opened.database.statement() as tx:
        last = await tx.fetchval("select max(id) from event")
    async with asyncio.timeout(patient(10)):
        while True:
            cursor = await cursor_of(opened)
            if (parsed := parse_cursor(cursor)) is not None and parsed.offset.id >= last:
                return cursor
            await asyncio.sleep(0.02)


def hidden(page: Page) -> dict[str, str]:
    """Return the hidden fields of the composer."""
    return {
        name: field["value"] or ""
        for field in page.all("input")
        if (name := field.get("name")) and field.get("type") == "hidden" and name in {"once", "seen", "waiting"}
    }


def files_of(page: Page) -> list[str]:
    """Return the ids of the files in the composer."""
    return [field["value"] or "" for field in page.all("input") if field.get("name") == "file"]


def shown(text: str) -> str:
    """Return the words that stand in the composer of a page."""
    start = text.index('<textarea name="text"')
    return text[text.index(">", start) + 1 : text.index("</textarea>", start)].removeprefix("\n")


async def composer_of(opened: Opened, query: str = "") -> str:
    """Return the words that stand in the composer when the page is opened."""
    return shown((await opened.agent.get(opened.path + query)).text)
