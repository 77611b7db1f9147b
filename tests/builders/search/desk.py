"""A desk with tickets that tests of the search find."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role, User
from clearline.platform.database.transactions import Database
from clearline.search import usecases as search
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW, Tenant
from tests.builders.search.index import follow

CONTACT = Contact("Ada Okoro", "+1-555-0199", "ada.okoro@birch.example.com")
QUEUE = UUID(int=77)


@dataclass
class SearchDesk:
    """A desk with a few tickets of two companies, each by the name that the tests know it by."""

    database: Database
    tenant: Tenant
    other_tenant: Tenant
    agent: Actor
    viewer: Actor
    numbers: dict[str, int] = field(default_factory=dict)

    async def raise_ticket(self, name: str, title: str, description: str = "Text", **options: Any) -> int:
        tenant: Tenant = options.pop("tenant", self.tenant)
        internal, public, status = options.pop("internal", ()), options.pop("public", ()), options.pop("status", None)
        kind = options.pop("service_type", ServiceType.NON_CONSOLE)
        service_id = options.pop("service_id", "Own")
        new = NewTicket(
            title,
            description,
            options.pop("issue_type", IssueType.OTHERS),
            kind,
            service_id,
            options.pop("contact", CONTACT),
            Channel.API,
            **options,
        )
        async with self.database.transaction() as tx:
            number = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket.number
            for text in public:
                await notes.add_note(tx, OPERATOR, number, text, channel=Channel.CONSOLE, now=NOW)
            for text in internal:
                await notes.add_note(
                    tx, OPERATOR, number, text, channel=Channel.CONSOLE, visibility=Visibility.INTERNAL, now=NOW
                )
            if status is not None:
                await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)
        self.numbers[name] = number
        return number

    async def follow(self) -> None:
        """Do what the worker does, until there is nothing left to do."""
        await follow(self.database)

    async def find(self, actor: Actor, query: str, **options: Any) -> search.SearchResult:
        async with self.database.transaction() as tx:
            return await search.find_tickets(tx, actor, query, limit=options.pop("limit", 200), **options)

    async def names(self, actor: Actor, query: str) -> list[str]:
        """The names of the tickets that a query finds, in their order."""
        known = {number: name for name, number in self.numbers.items()}
        return [known.get(item.ticket.number, "?") for item in (await self.find(actor, query)).tickets]


async def execute(desk: SearchDesk, statement: str, *values: object) -> None:
    async with desk.database.transaction() as tx:
        await tx.write(statement, *values)


def staff_actor(role: Role) -> Actor:
    user = User(PROVIDER_ID, uuid4(), f"Mara {role}", f"{role}@desk.example.net", "", role)
    return Actor(role, user.name, Company(PROVIDER_ID, "Provider", "PROVIDER"), user, scopes=ROLE_SCOPES[role])
