"""A server with a desk in it, and a browser that is signed in."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.search import usecases as search
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Priority, Status, ticket_number
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW, new_tenant
from tests.builders.server import running_server
from tests.builders.sign_in.sessions import new_person_with_password
from tests.builders.tickets import raised
from tests.builders.web.browser import Site, chromium

SUBJECTS = (
    "Port flapping since 09:12 UTC, LACP member drops every 4 minutes",
    "0.3 % packet loss towards London, latency steady",
    "BGP session to route server 2 down after maintenance",
    "Please raise MTU to 9000 on VLAN 2113",
)
PRIORITIES = tuple(Priority)


@pytest.fixture(scope="module")
async def site(database: Database, database_url: str) -> AsyncIterator[Site]:
    agent = await new_person_with_password(database, Role.AGENT)
    tenant = await new_tenant(database, "Orchard Health")
    keys = []
    async with database.transaction() as tx:
        team = (await teams.add_team(tx, OPERATOR, "Transport", now=NOW)).team
        await teams.join_team(tx, OPERATOR, team.id, agent.id, now=NOW)
        queue = (await queues.add_queue(tx, OPERATOR, name="Transport", team_id=team.id, now=NOW)).queue
        for at in range(60):
            status = (Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.PENDING, Status.HELD, Status.RESOLVED)[at % 5]
            number = await raised(tx, tenant, SUBJECTS[at % 4], status=status)
            values = {
                "priority": PRIORITIES[at % 4],
                "queue_id": queue.id if at % 3 == 0 else None,
                "assignee_id": agent.id if at % 2 else None,
                "tags": ("optics",) if at % 4 == 0 else (),
            }
            await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
            keys.append((tenant.company.id, number))
        for text, visibility in (("Can you look at it?", Visibility.PUBLIC), ("Same as MI-27", Visibility.INTERNAL)):
            actor = tenant.actor if visibility is Visibility.PUBLIC else OPERATOR
            await notes.append_note(tx, actor, number, text, channel=Channel.CONSOLE, visibility=visibility, now=NOW)
        await search.index_tickets(tx, keys)
    with running_server("pages", CLEARLINE_DATABASE_URL=database_url, CLEARLINE_WORKERS="off") as server:
        yield Site(server.url, agent.email, ticket_number(number))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened
