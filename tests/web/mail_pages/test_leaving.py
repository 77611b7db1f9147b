"""The page on which somebody leaves a ticket, and the one-click requests of mail programs."""

from uuid import UUID

import httpx

from clearline.identity import OPERATOR
from clearline.mail.outbound.usecases import mail_settings
from clearline.mail.people.domain import leave_link
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Person, PersonKind
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised

ADDRESS = "cleo@people.example.org"
DESK = "https://desk.example.net"


async def link(database: Database, company_id: UUID, number: int, address: str = ADDRESS) -> str:
    async with database.transaction() as tx:
        settings = await mail_settings(tx, Settings(public_url=DESK))
    return leave_link(settings, company_id, number, address.upper()).removeprefix(DESK)


async def copied(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await people.add_person(tx, OPERATOR, number, Person(PersonKind.CC, ADDRESS, "Cleo"), now=NOW)
    return number


async def copies(database: Database, number: int) -> list[str]:
    async with database.transaction() as tx:
        return [person.email for person in (await tickets.get_ticket(tx, OPERATOR, number)).people.cc]


async def test_only_a_post_leaves_the_ticket_and_a_second_one_changes_nothing(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    number = await copied(database, tenant)
    path = await link(database, tenant.company.id, number)
    for method in ("GET", "HEAD"):
        assert (await client.request(method, path)).status_code == 200
    page = await client.get(path)
    assert f"from ticket {ticket_number(number)}?" in page.text
    assert f'<form method="post" action="{path}"><button' in page.text
    assert page.headers["x-robots-tag"] == "noindex"
    assert await copies(database, number) == [ADDRESS]
    for _ in range(2):
        answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "is not among the people" in answer.text
        assert "set-cookie" not in answer.headers
        assert await copies(database, number) == []
    async with database.transaction() as tx:
        events = await tickets.history(tx, tenant.actor, number)
    assert [event.type for event in events].count("ticket.cc_removed") == 1
    assert (events[-1].actor_name, events[-1].actor_id) == (ADDRESS, None)


async def test_a_link_leaves_its_own_ticket_and_no_other(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    number, second = await copied(database, tenant), await copied(database, tenant)
    await client.post(await link(database, tenant.company.id, number))
    assert (await copies(database, number), await copies(database, second)) == ([], [ADDRESS])
    answer = await client.post(await link(database, other_tenant.company.id, second))
    assert answer.status_code == 200, "it tells nothing about the tickets of others"
    answer = await client.post(await link(database, tenant.company.id, second, "another@people.example.org"))
    assert "is not among the people" in answer.text
    assert await copies(database, second) == [ADDRESS]


async def test_a_forged_link_does_nothing(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    number = await copied(database, tenant)
    path = await link(database, tenant.company.id, number)
    for forged in (path[:-1] + ("A" if path[-1] != "A" else "B"), "/leave/x", path.replace("/leave/", "/unsubscribe/")):
        for method in ("GET", "POST"):
            answer = await client.request(method, forged)
            assert answer.status_code == 404
            assert "not valid" in answer.text
    assert await copies(database, number) == [ADDRESS]
