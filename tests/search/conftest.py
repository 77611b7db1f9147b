"""The desk with tickets for the tests of the search."""

from uuid import uuid4

import pytest

from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from tests.builders.people import NOW, Tenant
from tests.builders.search.desk import QUEUE, SearchDesk, execute, staff_actor


@pytest.fixture(scope="module")
async def desk(database: Database, tenant: Tenant, other_tenant: Tenant) -> SearchDesk:
    search_desk = SearchDesk(database, tenant, other_tenant, staff_actor(Role.AGENT), staff_actor(Role.VIEWER))
    agent = search_desk.agent.user
    assert agent is not None
    await execute(
        search_desk,
        """insert into app_user (company_id, id, name, email, phone, role, created_at)
           values ($1, $2, $3, $4, '', $5, $6)""",
        PROVIDER_ID, agent.id, agent.name, agent.email, "agent", NOW,
    )  # fmt: skip
    await execute(
        search_desk,
        "insert into queue (id, name, assignment, created_at) values ($1, 'Fibre North', 'manual', $2)",
        QUEUE,
        NOW,
    )
    await search_desk.raise_ticket(
        "port", "Port is flapping", "Router at 203.0.113.7 in 198.51.100.0/28 and 2001:DB8::1, MAC 00:1B:21:AB:CD:EF",
        service_type=ServiceType.PORT, service_id="SVC-1", issue_type=IssueType.CIRCUIT_FLAPPING,
        external_ids={"snow": "CHG0030001"}, public=("We replace the optics",), internal=("The vendor bungled it",),
    )  # fmt: skip
    await search_desk.raise_ticket(
        "held", "Circuit NET-AMS-0012 down", "Loss of light towards München", public=("Waiting for the optics vendor",),
        service_id="NET-AMS-0012", issue_type=IssueType.CIRCUIT_DOWN, status=Status.HELD,
    )  # fmt: skip
    await search_desk.raise_ticket("closed", "Old trouble", "Loss on AS64496 VLAN 100", status=Status.CANCELLED)
    await search_desk.raise_ticket("cjk", "東京都のポート障害", "xe-0/0/1 flaps")
    await search_desk.raise_ticket("thai", "วงจรขัดข้องที่กรุงเทพ", "ສາຍໄຟເບີຂາດ", public=("ខ្សែ\u200bកាប\u200bដាច់",))
    await search_desk.raise_ticket("burmese", "ဖိုင်ဘာကြိုးပြတ်", "Port xe-0/0/2")
    await search_desk.raise_ticket("foreign", "Port is flapping too", "optics 203.0.113.7", tenant=other_tenant)
    await search_desk.raise_ticket("worked", "Slow line", "Slow")
    await execute(
        search_desk,
        """update ticket set tags = '{night-shift}', queue_id = $2, assignee_id = $3, severity = 'extensive'
            where number = $1""",
        search_desk.numbers["worked"], QUEUE, agent.id,
    )  # fmt: skip
    await execute(
        search_desk,
        "insert into ticket_watcher values ($1, $2, $3, $4, $5)",
        tenant.company.id, search_desk.numbers["worked"], PROVIDER_ID, agent.id, NOW,
    )  # fmt: skip
    for name, visibility in (("trace-public.pcap", "public"), ("margin-internal.xlsx", "internal")):
        await execute(
            search_desk,
            """insert into attachment (company_id, ticket_number, id, name, media_type, size, sha256, visibility,
                   source, author, created_at) values ($1, $2, $3, $4, 'text/plain', 1, $5, $6, 'seller', 'NOC', $7)""",
            tenant.company.id, search_desk.numbers["port"], uuid4(), name, b"x" * 32, visibility, NOW,
        )  # fmt: skip
    await search_desk.follow()
    return search_desk
