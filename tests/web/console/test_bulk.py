"""Change the tickets that are selected in a list."""

import httpx

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, ticket_number
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, person


async def test_selected_tickets_are_changed_and_what_is_refused_is_named(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    agent = await person(client, database)
    async with database.transaction() as tx:
        new = await raised(tx, tenant)
        finished = await raised(tx, tenant, status=Status.CLOSED)
    data = {"csrf": agent.token_of_form(), "ticket": [ticket_number(new), ticket_number(finished), "INC999999999999"]}
    answer = await client.post(
        "/console/bulk?list=open&sort=number", headers=agent.headers, data={**data, "priority": "critical"}
    )
    assert answer.status_code == 200
    assert answer.headers["hx-push-url"] == "/console/open?sort=number"
    page = Page(answer.text)
    assert "1 ticket changed." in page.text
    assert f"{ticket_number(finished)}: A ticket that is closed takes nothing more." in page.text
    assert "INC999999999999: Ticket INC999999999999 does not exist." in page.text
    async with database.transaction() as tx:
        view = await tickets.get_ticket(tx, OPERATOR, new)
    assert view.ticket.priority is Priority.CRITICAL


async def test_status_queue_and_assignee_can_be_set(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    agent = await person(client, database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    for fields in ({"status": "in_progress"}, {"queue": ""}, {"assignee": str(agent.user.id)}):
        answer = await agent.post("/console/bulk?list=open", ticket=ticket_number(number), **fields)
        assert answer.status_code == 200, answer.text
    async with database.transaction() as tx:
        ticket = (await tickets.get_ticket(tx, OPERATOR, number)).ticket
    assert (ticket.status, ticket.queue_id, ticket.assignee_id) == (Status.IN_PROGRESS, None, agent.user.id)


async def test_a_selection_has_1_to_200_tickets_and_one_action(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database)
    many = [ticket_number(number) for number in range(1, 202)]
    for chosen, fields in ((many, {"priority": "low"}), ([], {"priority": "low"}), (many[:1], {"priority": "no"})):
        data = {"csrf": agent.token_of_form(), "ticket": chosen, **fields}
        answer = await client.post("/console/bulk?list=open", headers=agent.headers, data=data)
        assert answer.status_code == 422, answer.text
    nothing = await agent.post("/console/bulk?list=open", ticket=many[0])
    assert nothing.status_code == 404
