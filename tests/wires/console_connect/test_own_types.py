"""The provider's own types on Console Connect: it reads and writes its published words only."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES, SERVICE_TYPES
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.console_connect import TICKETS, order, symptoms
from tests.builders.house import new_ticket
from tests.builders.people import NOW, Tenant
from tests.patience import patient

WAVELENGTH, FAX = "Wavelength", "Fax line"
"""One is shown as a connection, the other as a Non-Console Service."""
SERVICES = f"{TICKETS}/services"


@pytest.fixture(scope="module", autouse=True)
async def _own_types(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        word: dict[str, Any] = {"name": WAVELENGTH, "console_connect": ServiceType.CONNECTION}
        await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, word, now=NOW)
        await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": FAX}, now=NOW)
        cut = {"name": "Fibre cut", "console_connect": IssueType.CIRCUIT_DOWN}
        await entries.add_entry(tx, OPERATOR, ISSUE_TYPES, cut, now=NOW)
        for service_id, kind in (("WL-1", WAVELENGTH), ("FAX-1", FAX)):
            await inventory.add_service(tx, OPERATOR, tenant.company.id, service_id, kind, f"{kind} 1", now=NOW)


async def read(client: httpx.AsyncClient, tenant: Tenant, number: str) -> Any:
    answer = await client.get(f"{TICKETS}/{number}", headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    listed = await client.get(f"{TICKETS}?status=open&pageSize=200", headers=tenant.headers)
    assert answer.json() in listed.json()
    return answer.json()


async def test_a_ticket_of_own_types_reads_as_their_words(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for service_id, kind, expected in (
        ("WL-1", WAVELENGTH, symptoms("Circuit Down", "Connection (L2)")),
        ("FAX-1", FAX, symptoms("Circuit Down", "Non-Console Service", "Non-Console")),
    ):
        ticket = await new_ticket(client, tenant, issue_type="Fibre cut", service={"id": service_id, "type": kind})
        assert (await read(client, tenant, ticket["number"]))["notes"] == expected


async def test_services_are_listed_with_their_words(client: httpx.AsyncClient, tenant: Tenant) -> None:
    services = (await client.get(SERVICES, headers=tenant.headers)).json()
    assert {"type": "Connection (L2)", "value": "WL-1", "label": "Wavelength 1"} in services
    assert {each["type"] for each in services} <= set(ServiceType) - {ServiceType.NON_CONSOLE}
    document = (await client.get("/openapi.json", headers=tenant.headers)).json()
    text = str(document["components"]["schemas"]["ServiceIn"])
    assert "WL-1" in text
    assert "Wavelength" not in text


@pytest.mark.parametrize(
    ("service_id", "word", "stored"), [("WL-1", "Connection (L2)", WAVELENGTH), ("FAX-1", "Non-Console Service", FAX)]
)
async def test_a_ticket_about_an_own_service_gets_its_type(
    client: httpx.AsyncClient, tenant: Tenant, service_id: str, word: str, stored: str
) -> None:
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(service={"id": service_id, "type": word}))
    assert answer.status_code == 200, answer.text
    house = await client.get(f"/api/v1/tickets/{answer.json()['id']}", headers=tenant.headers)
    assert house.json()["service"] == {"id": service_id, "type": stored, "label": f"{stored} 1"}


@pytest.mark.parametrize("member", ["issueType", "type"])
async def test_own_words_are_not_accepted(client: httpx.AsyncClient, tenant: Tenant, member: str) -> None:
    own = {"issueType": "Fibre cut"} if member == "issueType" else {"service": {"id": "WL-1", "type": WAVELENGTH}}
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**own))
    assert answer.status_code == 400
    assert member in answer.json()["error"]["message"]


async def test_a_service_of_another_word_is_refused_by_that_word(client: httpx.AsyncClient, tenant: Tenant) -> None:
    body = order(service={"id": "WL-1", "type": "Port"})
    answer = await client.post(TICKETS, headers=tenant.headers, json=body)
    assert answer.status_code == 400
    assert "must be Connection (L2), the type of service WL-1" in answer.json()["error"]["message"]
    several = await client.post(TICKETS, headers=tenant.headers, json=body | {"name": ""})
    assert "must be Connection (L2), the type of service WL-1" in several.json()["error"]["message"]
    anything = await client.post(
        TICKETS, headers=tenant.headers, json=order(service={"id": "WL-1", "type": "Non-Console Service"})
    )
    assert anything.status_code == 200


async def test_a_renamed_or_retired_published_type_keeps_its_word(
    client: httpx.AsyncClient, tenant: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        issue = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, IssueType.CIRCUIT_DOWN)
        service = await entries.entry_called(tx, OPERATOR, SERVICE_TYPES, ServiceType.PORT)
        values = {"name": uuid4().hex, "is_active": False}
        await entries.change_entry(tx, OPERATOR, ISSUE_TYPES, issue.id, values, now=NOW)
        await entries.change_entry(tx, OPERATOR, SERVICE_TYPES, service.id, values, now=NOW)
    answer = await client.post(TICKETS, headers=tenant.headers, json=order())
    assert answer.status_code == 200, answer.text
    assert answer.json()["notes"] == symptoms("Circuit Down", "Port")


async def knows(client: httpx.AsyncClient, tenant: Tenant, name: str) -> bool:
    answer = await client.get("/api/v1/issue-types", headers=tenant.headers, params={"limit": 200})
    return name in {each["name"] for each in answer.json()["data"]}


async def test_every_process_knows_a_new_type_at_once(database_url: str, tenant: Tenant, database: Database) -> None:
    settings = Settings(database_url=database_url, rate_limit=0, access_log=False, workers=False)
    async with serving(settings) as first, serving(settings) as second:
        for client in (first, second):
            assert (await client.get(SERVICES, headers=tenant.headers)).status_code == 200
        async with database.transaction() as tx:
            name = f"New {uuid4().hex}"
            word = {"name": name, "console_connect": IssueType.UNSTABLE}
            await entries.add_entry(tx, OPERATOR, ISSUE_TYPES, word, now=NOW)
        for client in (first, second):
            async with asyncio.timeout(patient(5)):
                while not await knows(client, tenant, name):  # noqa: ASYNC110 - the notification is no event of ours
                    await asyncio.sleep(0.01)
            ticket = await new_ticket(
                client, tenant, issue_type=name, service={"id": "X", "type": "Non-Console Service"}
            )
            notes = (await read(client, tenant, ticket["number"]))["notes"]
            assert notes == symptoms("Unstable", "Non-Console Service", "Non-Console")
