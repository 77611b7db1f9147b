"""What the tests of the store write, in one place."""

import asyncpg

from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, IssueType, NewTicket
from tests.conftest import NOW, Tenant

CONTACT = Contact("Ada Okoro", "+1-555-0199", "ada@example.com")


def a_new_ticket(title: str = "Port is slow") -> NewTicket:
    return NewTicket(
        title, "Slow since 08:00 UTC", IssueType.SLOW_RESPONSE, ServiceType.PORT, "SVC-1", CONTACT, Channel.API
    )


async def raised(tx: Tx, tenant: Tenant, title: str = "Port is slow") -> int:
    """The number of a ticket just raised."""
    return (await tickets.create_ticket(tx, tenant.actor, a_new_ticket(title), now=NOW)).ticket.number


async def administer(url: str, statement: str) -> None:
    """Run a statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


class Undone(Exception):
    """What a test rolls a transaction back with."""


def undo() -> None:
    raise Undone
