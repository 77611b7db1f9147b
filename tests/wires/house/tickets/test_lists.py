from typing import Any

import httpx
import msgspec
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.wires.house.tickets import wire
from clearline.wires.house.wire import Page
from tests.builders.console_connect import move
from tests.builders.house import TICKETS, new_ticket, patch_ticket, pointers, problem
from tests.builders.people import Tenant, id_of, new_person
from tests.builders.queues import new_queue


class Listed:
    def __init__(self, names: dict[str, str], queries: dict[str, str]) -> None:
        self.names, self.queries = names, queries


@pytest.fixture(scope="module")
async def listed(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str], database: Database
) -> Listed:
    """Create tickets of two companies; return their numbers by name, and the ids that queries need."""
    async with database.transaction() as tx:
        queue, assignee = (await new_queue(tx)).queue.id, id_of(await new_person(tx))
    names = {}
    for name, whose in (("a", tenant), ("b", tenant), ("c", other_tenant), ("d", tenant), ("e", tenant)):
        names[name] = str(
            (await new_ticket(client, whose, service={"id": f"listed {name}", "type": "Non-Console Service"}))["number"]
        )
    await patch_ticket(client, agent, names["b"], {"queue": str(queue), "assignee": "me"})
    await patch_ticket(client, agent, names["c"], {"queue": str(queue), "assignee": str(assignee)})
    await move(database, names["d"], Status.REJECTED)
    await move(database, names["e"], Status.HELD)
    ids = {"queue": queue, "someone": assignee, "code": tenant.company.code, "other": other_tenant.company.id}
    return Listed(names, {name: str(value) for name, value in ids.items()})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "ecba"),
        ("sort=number", "abce"),
        ("state=finished", "d"),
        ("state=all", "edcba"),
        ("company={code}", "eba"),
        ("company={other}", "c"),
        ("company={code}&state=all&sort=number", "abde"),
        ("queue={queue}", "cb"),
        ("queue={queue}&company={code}", "b"),
        ("assignee=me", "b"),
        ("assignee={someone}", "c"),
        ("assignee=none", "ea"),
        ("assignee=none&company={code}&state=all", "eda"),
        ("status=held", "e"),
        ("status=rejected&company={code}", "d"),
        ("status=rejected&state=open&company={code}", ""),
        ("status=rejected&state=all&company={code}", "d"),
        ("service=listed a&company={code}", "a"),
        ("service=listed%20c&company={code}", ""),
    ],
)
async def test_the_staff_list_tickets_by_every_filter(
    client: httpx.AsyncClient, agent: dict[str, str], listed: Listed, query: str, names: str
) -> None:
    answer = await client.get(f"{TICKETS}?limit=200&{query.format(**listed.queries)}", headers=agent)
    assert answer.status_code == 200, answer.text
    page = msgspec.json.decode(answer.content, type=Page[wire.TicketSummary])
    known = {number: name for name, number in listed.names.items()}
    assert "".join(known[ticket.number] for ticket in page.data if ticket.number in known) == names
    if names == "b":
        [ticket] = [ticket for ticket in answer.json()["data"] if ticket["number"] == listed.names["b"]]
        read = (await client.get(f"{TICKETS}/{ticket['number']}", headers=agent)).json()
        assert ticket == {name: read[name] for name in wire.TicketSummary.__struct_fields__}
        assert set(read) - set(ticket) == set(wire.TicketOut.__struct_fields__) - set(ticket)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("queue={queue}", "forbidden"),
        ("assignee=me", "forbidden"),
        ("assignee=none", "forbidden"),
        ("company={other}", "invalid-parameter"),
        ("company=nobody", "invalid-parameter"),
    ],
)
async def test_a_customer_cannot_use_the_filters_of_the_staff(
    client: httpx.AsyncClient, tenant: Tenant, listed: Listed, query: str, refusal: str
) -> None:
    problem(await client.get(f"{TICKETS}?{query.format(**listed.queries)}", headers=tenant.headers), refusal)


async def test_a_customer_lists_its_own_tickets(
    client: httpx.AsyncClient, other_tenant: Tenant, listed: Listed
) -> None:
    for query in ("", f"?company={other_tenant.company.code}", "?state=all"):
        data: list[dict[str, Any]] = (await client.get(TICKETS + query, headers=other_tenant.headers)).json()["data"]
        assert [ticket["number"] for ticket in data if ticket["number"] in listed.names.values()] == [listed.names["c"]]
        assert {ticket["company"]["code"] for ticket in data} == {other_tenant.company.code}
        assert not {"queue", "assignee", "tags", "description"} & set(data[0])


@pytest.mark.parametrize("query", ["queue=x", "assignee=x", "company=nobody", "queue={id}x"])
async def test_a_filter_by_something_unknown_is_refused_by_its_name(
    client: httpx.AsyncClient, agent: dict[str, str], query: str
) -> None:
    answer = await client.get(f"{TICKETS}?{query}", headers=agent)
    assert pointers(answer, "invalid-parameter") == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("service=SVC-1", "company"), ("status=rejected", "status"), ("assignee=me&state=all", "state")],
)
async def test_a_combination_of_filters_without_an_index_is_refused(
    client: httpx.AsyncClient, agent: dict[str, str], query: str, parameter: str
) -> None:
    answer = await client.get(f"{TICKETS}?{query}", headers=agent)
    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [parameter]
