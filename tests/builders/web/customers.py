"""A ticket in the browser of its customer."""

from typing import Any

import httpx

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Channel, Status, Ticket, ticket_number
from clearline.tickets.note_domain import Note, Visibility
from clearline.web.once import new_key
from tests.builders.people import NOW, Tenant
from tests.builders.web.pages import Page, Person


class PortalTicket:
    """A ticket in the browser of its customer."""

    def __init__(self, person: Person, database: Database, tenant: Tenant, number: int) -> None:
        self.person, self.database, self.tenant, self.number = person, database, tenant, number
        self.path = f"/portal/tickets/{ticket_number(number)}"

    async def page(self) -> Page:
        return await self.person.page(self.path)

    async def send(self, form: str, expected: int = 303, /, **fields: Any) -> httpx.Response:
        """Send a form of the page."""
        answer = await self.person.post(f"{self.path}/{form}", **{"once": new_key(), **fields})
        assert answer.status_code == expected, answer.text
        return answer

    async def move(self, *statuses: Status) -> None:
        """Change the status as the provider does."""
        async with self.database.transaction() as tx:
            for status in statuses:
                await ticket_changes.move_ticket(tx, OPERATOR, self.number, status, reason="", now=NOW)

    async def answer(self, text: str, visibility: Visibility = Visibility.PUBLIC, **values: Any) -> None:
        """Add a note as the provider does."""
        async with self.database.transaction() as tx:
            await notes.append_note(
                tx, OPERATOR, self.number, text, channel=Channel.CONSOLE, visibility=visibility, now=NOW, **values
            )

    async def stored(self) -> tuple[Ticket, list[Note]]:
        async with self.database.statement() as tx:
            both = await ticket_store.get_with_notes(tx, self.tenant.company.id, self.number, [*Visibility])
        assert both is not None
        return both[0], both[1]
