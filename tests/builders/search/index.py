"""Documents for the search index, the consumer that fills it, and what a search finds."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.events import offset_store
from clearline.identity import OPERATOR, Company
from clearline.platform.database.transactions import Database
from clearline.search import index_store
from clearline.search import usecases as search
from clearline.search import worker as indexing
from clearline.search.document import Document
from clearline.search.index_usecases import CONSUMER
from clearline.tickets.contact import NOBODY, Contact
from clearline.tickets.domain import Channel, Status, Ticket, TicketView
from tests.patience import patient

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPANY = Company(UUID(int=7), "Birch Telecom", "BIR001")


def a_document(**more: Any) -> Document:
    ticket = Ticket(
        COMPANY.id,
        1234,
        more.get("title", "Port is slow"),
        more.get("description", "Since 08:00"),
        IssueType.SLOW_RESPONSE,
        ServiceType.PORT,
        "NET-AMS-0012",
        "Amsterdam 12",
        Severity.MODERATE,
        Impact.DEGRADED,
        Priority.MEDIUM,
        Status.HELD,
        Contact("Ada Okoro", "+1-555-0199", "ada.okoro@birch.example.com"),
        Channel.API,
        AT,
        AT,
        AT,
        None,
        1,
        tags=more.get("tags", ()),
        external_ids={"snow": "CHG0030001"},
        fields=more.get("fields", {}),
    )
    return Document(
        TicketView(ticket, COMPANY),
        more.get("public_notes", []),
        more.get("internal_notes", []),
        more.get("public_files", []),
        more.get("internal_files", []),
        more.get("watchers", []),
        more.get("customer_updated_at", AT),
        people=more.get("people", NOBODY),
    )


async def follow(database: Database) -> None:
    """Have everything indexed that was stored before, by this process or by another.

    A run that does nothing proves nothing: a worker of a server may have the events, and an open transaction may hold
    them up.
    """
    async with asyncio.timeout(patient(20)):
        while True:
            for job in indexing.jobs(database):
                while await job.run():
                    pass
            async with database.transaction() as tx:
                behind, _since = await offset_store.lag(tx, CONSUMER, limit=1)
                if not behind and await index_store.next_backlog(tx) is None:
                    return
            await asyncio.sleep(0.02)


async def wait_found(database: Database, query: str, count: int) -> None:
    """Wait until so many tickets are found, in a process whose workers index them too."""
    async with asyncio.timeout(patient(20)):
        while len(await numbers_found(database, query)) != count:
            await follow(database)
            await asyncio.sleep(0.05)


async def numbers_found(database: Database, query: str) -> list[int]:
    async with database.transaction() as tx:
        return [view.ticket.number for view in (await search.find_tickets(tx, OPERATOR, query, limit=200)).tickets]
