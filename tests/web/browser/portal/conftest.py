"""A server with customers in it whose people use the portal."""

from collections.abc import AsyncIterator

import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.search import index_usecases
from clearline.sign_in import password_usecases as passwords
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import watcher_usecases as watching
from tests.builders.people import NOW, new_person, new_tenant
from tests.builders.server import running_server
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.tickets import raised
from tests.builders.web.browser import Portal
from tests.builders.web.pages import token_of

SUBJECTS = (
    "Port flapping since 09:12 UTC, LACP member drops every 4 minutes",
    "0.3 % packet loss towards London, latency steady",
    "BGP session to route server 2 down after maintenance",
    "CRC errors rising on uplink, Rx -14.6 dBm",
    "Cloud router advertises only 14 of 22 prefixes",
)
STATUSES = (Status.IN_PROGRESS, Status.ACKNOWLEDGED, Status.PENDING, Status.HELD, Status.RESOLVED)
TEXT = """Thanks for the counters. We see low receive power on our side since 09:10 UTC.

    xe-0/1/3  input errors 18 422  crc 18 422

Our field engineer is at the site: https://status.example.com/1"""


@pytest.fixture(scope="module")
async def portal(database: Database, database_url: str) -> AsyncIterator[Portal]:
    """Serve a desk with a customer whose person has a password in two companies, and whose admin has one in one."""
    tenant, other = await new_tenant(database, "Kestrel CDN"), await new_tenant(database, "Orchard Health")
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, SUBJECTS[at % 5], status=STATUSES[at % 5]) for at in range(30)]
        number = await raised(tx, tenant, SUBJECTS[0], status=Status.IN_PROGRESS)
        await raised(tx, tenant, "LOA missing for cross-connect", status=Status.CLOSED)
        await notes.append_note(tx, OPERATOR, number, TEXT, channel=Channel.CONSOLE, now=NOW)
        await notes.append_note(tx, tenant.actor, number, "Thank you.", channel=Channel.PORTAL, now=NOW)
        colleague = await new_person(tx, "Marek Nowak", company=tenant.company.code, role=tenant.user.role)
        admin = await new_person(tx, "Ines Duarte", Role.CUSTOMER_ADMIN, company=tenant.company.code)
        assert colleague.user is not None
        assert admin.user is not None
        await watching.watch(tx, tenant.actor, number, colleague.user.id, now=NOW)
        await tx.write("update app_user set email = $2 where id = $1", other.user.id, tenant.user.email)
        await index_usecases.index_tickets(tx, [(tenant.company.id, each) for each in (*numbers, number)])
    for company, user in ((tenant, tenant.user), (other, other.user), (tenant, admin.user)):
        await passwords.set_password(database, OPERATOR, company.company.id, user.id, PASSWORD, now=NOW)
    with running_server("portal", CLEARLINE_DATABASE_URL=database_url, CLEARLINE_WORKERS="off") as server:
        yield Portal(server.url, tenant, number, admin.user)
        assert "Traceback" not in server.err, server.err


@pytest.fixture
async def cookies(database: Database, portal: Portal) -> dict[str, str]:
    return {"clearline-session": await token_of(database, portal.tenant.user)}
