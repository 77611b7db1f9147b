"""A server with a desk in it, and a browser that is signed in."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.search import index_usecases
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.workspace import macro_usecases as macros
from tests.builders.mail.inbound_rig import SUPPORT, a_mail, new_inbound_rig
from tests.builders.people import NOW, new_tenant
from tests.builders.server import running_server
from tests.builders.sign_in.openid.desk import add_provider
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.tickets import raised
from tests.builders.web.browser import Site, chromium, context

SUBJECTS = (
    "Port flapping since 09:12 UTC, LACP member drops every 4 minutes",
    "0.3 % packet loss towards London, latency steady",
    "BGP session to route server 2 down after maintenance",
    "Please raise MTU to 9000 on VLAN 2113",
)
PRIORITIES = tuple(Priority)
MARKED = (
    "**Cause**: see [the graph](https://example.com/graph) and `xe-0/0/1`.\n\n- cleaned\n- measured\n\n"
    "> Is it fixed?\n\n1. wait\n2. check\n\n```\n*> 198.51.100.0/24 " + "65001 " * 60 + "\n```\n\n"
    "| interface | errors | " + "column | " * 12 + "\n|---|---|" + "---|" * 12 + "\n| xe-0/0/1 | 0 |\n"
)
"""A text with everything that is rendered, and a line and a table that are wider than any window."""


@pytest.fixture(scope="module")
async def site(
    request: pytest.FixtureRequest, database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Serve a desk. Messages are sent at once, unless the module of the test has ``UNDO_SECONDS``."""
    agent = await new_person_with_password(database, Role.AGENT)
    tenant = await new_tenant(database, "Orchard Health")
    await add_provider(database, "https://id.example.com")
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
        for text, visibility in (
            (MARKED, Visibility.INTERNAL),
            ("Can you look at it?", Visibility.PUBLIC),
            ("Same as MI-27", Visibility.INTERNAL),
        ):
            actor = tenant.actor if visibility is Visibility.PUBLIC else OPERATOR
            await notes.append_note(tx, actor, number, text, channel=Channel.CONSOLE, visibility=visibility, now=NOW)
        macro = {"name": "Ask for levels", "text": "Please send us the levels.", "add_tags": ("levels",)}
        await macros.add_macro(tx, OPERATOR, macro, now=NOW)
        ticket = (await tickets.get_ticket(tx, OPERATOR, number)).ticket
    rig = await new_inbound_rig(database, tmp_path_factory.mktemp("blobs"))
    sent = await rig.send_mail(ticket, tenant.user.email, "Which port is it?\n\nWe see errors on two of them.")
    text = "Port 7.\n\nOn Monday Ben Ito wrote:\n> Which port is it?\n> We see errors on two of them."
    await rig.receive(a_mail(tenant.user.email, SUPPORT, text, head=f"In-Reply-To: {sent}\r\n"))
    async with database.transaction() as tx:
        await index_usecases.index_tickets(tx, keys)
    settings = {"CLEARLINE_WORKERS": "off", "CLEARLINE_UNDO_SECONDS": getattr(request.module, "UNDO_SECONDS", "0")}
    with running_server("pages", CLEARLINE_DATABASE_URL=database_url, **settings) as server:
        yield Site(server.url, agent.email, ticket_number(number))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
async def session(browser: Browser, site: Site) -> dict[str, str]:
    """Sign in through the page; return the cookies."""
    opened = await context(browser, "desktop", {}, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/open")
    await page.get_by_label("E-mail address").fill(site.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="All open")).to_be_visible()
    cookies = {cookie["name"]: cookie["value"] for cookie in await opened.cookies()}
    await opened.close()
    return cookies


@pytest.fixture(autouse=True)
async def no_drafts(database: Database) -> None:
    """Delete the drafts of earlier tests: a page may be closed before it saves that its text was cleared."""
    async with database.transaction() as tx:
        await tx.write("delete from draft")


@pytest.fixture
async def desktop(browser: Browser, site: Site, session: dict[str, str]) -> AsyncIterator[Page]:
    """Yield a page whose script errors and broken policies fail the test."""
    opened = await context(browser, "desktop", session, site.url)
    page = await opened.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    await opened.close()
    assert problems == []
