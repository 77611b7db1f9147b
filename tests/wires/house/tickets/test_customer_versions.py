"""A customer's version, time and ETag of a ticket move with what it can see, and with nothing else.

Generated from the table of operations: each that changes a ticket is tried by the provider's people, in a form that
the customer sees and in one that it does not. Whatever it does, the customer's view and its version move together.
"""

import asyncio
import json
from typing import Any, NamedTuple

import httpx
import pytest

from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.queues.store import QueueDetails
from clearline.routing import usecases as routing
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import parse_ticket_number
from clearline.wires.house.routes import OPERATIONS
from tests.builders.house import ANY, API, TICKETS, done, new_ticket, order, stream_of
from tests.builders.people import NOW, Staff, Tenant, new_staff, new_tenant
from tests.builders.queues import new_queue, new_rule, routed, unique_name
from tests.patience import patient

Json = dict[str, Any]
OF_TICKET = TICKETS + "/{number}"
CC = "/v2/support-tickets"


class Case(NamedTuple):
    """A request of the provider's people about a ticket, and whether the customer sees what it does to that ticket.

    ``body`` is JSON, or the content of a file. Names in braces are replaced by the ids of the desk.
    """

    operation: str
    path: str
    body: Json | bytes | None
    is_visible: bool


CASES = (
    Case("changeTicket", "", {"title": "Port is down"}, True),
    Case("changeTicket", "", {"issue_type": "Others"}, True),
    Case("changeTicket", "", {"severity": "minor"}, True),
    Case("changeTicket", "", {"impact": "intermittent"}, True),
    Case("changeTicket", "", {"priority": "low"}, True),
    Case("changeTicket", "", {"contact": {"name": "Bo"}}, True),
    Case("changeTicket", "", {"asked": {"severity": "minor"}}, True),
    Case("changeTicket", "", {"external_ids": {"noc": "7"}}, True),
    Case("changeTicket", "", {"queue": "{queue}"}, False),
    Case("changeTicket", "", {"assignee": "{agent}"}, False),
    Case("changeTicket", "", {"tags": ["vip"]}, False),
    Case("changeTicket", "", {"queue": "{queue}", "assignee": "me", "tags": ["vip"]}, False),
    Case("changeTicket", "", {"tags": ["vip"], "priority": "low"}, True),
    Case("changeTicket", "", {"title": "Port down"}, False),
    Case("moveTicket", "/status", {"status": "in_progress"}, True),
    Case("moveTicket", "/status", {"status": "pending", "reason": "which port?"}, True),
    Case("tagTicket", "/tags", {"add": ["vip"]}, False),
    Case("addNote", "/notes", {"text": "for all"}, True),
    Case("addNote", "/notes", {"text": "for us", "visibility": "internal"}, False),
    Case("addAttachment", "/attachments?name=a.txt", b"for all", True),
    Case("addAttachment", "/attachments?name=b.txt&visibility=internal", b"for us", False),
    Case("deleteAttachment", "/attachments/{public file}", None, True),
    Case("deleteAttachment", "/attachments/{internal file}", None, False),
    Case("addLink", "/links", {"type": "causes", "ticket": "{other}"}, True),
    Case("addLink", "/links", {"type": "causes", "ticket": "{foreign}"}, False),
    Case("removeLink", "/links/{own link}", None, True),
    Case("removeLink", "/links/{foreign link}", None, False),
    Case("addCase", "/cases", {"party": "Fernhill", "number": "FH-1"}, False),
    Case("changeCase", "/cases/{case}", {"state": "resolved"}, False),
    Case("removeCase", "/cases/{case}", None, False),
    Case("addWatcher", "/watchers", {"user": "me"}, False),
    Case("addWatcher", "/watchers", {"user": "{user}"}, False),
    Case("removeWatcher", "/watchers/{agent}", None, False),
    Case("mergeTicket", "/merge", {"into": "{other}"}, True),
    Case("unmergeTicket", "/unmerge", {}, True),
    Case("splitTicket", "/split", {"title": "Second", "description": "Another fault"}, True),
    Case("splitTicket", "/split", {"title": "Second", "description": "x", "notes": ["{internal note}"]}, True),
    Case("assignTicket", "/assign", {"to": "me"}, False),
    Case("routeTicket", "/route", {}, False),
    Case("useMacro", "/macro", {"macro": "{internal macro}"}, False),
    Case("useMacro", "/macro", {"macro": "{public macro}"}, True),
    Case("previewRedaction", "/redactions/preview", {"target": "description", "text": "light"}, False),
    Case("addRedaction", "/redactions", {"target": "description", "text": "light", "reason": "x"}, True),
    Case(
        "addRedaction",
        "/redactions",
        {"target": "note", "id": "{internal note}", "text": "for us", "reason": "x"},
        False,
    ),
    Case("bulkTickets", "bulk", {"type": "assign", "to": "{agent}"}, False),
    Case("bulkTickets", "bulk", {"type": "tag", "add": ["vip"]}, False),
    Case("bulkTickets", "bulk", {"type": "note", "text": "for us", "visibility": "internal"}, False),
    Case("bulkTickets", "bulk", {"type": "note", "text": "for all"}, True),
    Case("bulkTickets", "bulk", {"type": "change", "queue": "{queue}"}, False),
    Case("bulkTickets", "bulk", {"type": "change", "priority": "low"}, True),
    Case("bulkTickets", "bulk", {"type": "status", "to": "in_progress"}, True),
)
FIRST = {
    "removeWatcher": Case("addWatcher", "/watchers", {"user": "me"}, False),
    "unmergeTicket": Case("mergeTicket", "/merge", {"into": "{other}"}, True),
}
"""What has to be done before an operation."""

SEES_NO_TICKET = {"createTicket", "importTickets"}
"""Operations that make tickets, and change none."""


def named(case: Case) -> str:
    members = ",".join(case.body) if isinstance(case.body, dict) else ""
    return f"{case.operation}-{members}-{'visible' if case.is_visible else 'internal'}"


class Desk(NamedTuple):
    """The tickets of a customer and of another, what belongs to them, and their clients."""

    client: httpx.AsyncClient
    database: Database
    agent: Staff
    admin: Staff
    customer: Tenant
    foreigner: Tenant
    ids: dict[str, str]

    def filled(self, text: str) -> str:
        for name, value in self.ids.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    async def perform(self, case: Case) -> Json:
        """Send the request of a case as the agent; return when routing has seen it."""
        answered = await self.send(case)
        await routed(self.database)
        return answered

    async def send(self, case: Case) -> Json:
        """Send the request of a case as the agent; as the admin, who alone may redact."""
        [operation] = [operation for operation in OPERATIONS if operation.name == case.operation]
        headers = (self.admin if "Redaction" in case.operation else self.agent).headers | ANY
        path = f"{TICKETS}/{self.ids['number']}{self.filled(case.path)}"
        content = case.body if isinstance(case.body, bytes) else b""
        if isinstance(case.body, dict):
            body = json.loads(self.filled(json.dumps(case.body)))
            if case.operation == "bulkTickets":
                path, body = f"{API}/bulk", {"tickets": [self.ids["number"]], "action": body}
            content = json.dumps(body).encode()
            headers = headers | {"content-type": "application/json"}
        elif case.body is not None:
            headers = headers | {"content-type": "text/plain"}
        answer = await self.client.request(operation.method, path, headers=headers, content=content)
        assert answer.is_success, answer.text
        answered: Json = answer.json() if answer.content else {}
        if case.operation == "bulkTickets":
            await done(self.client, self.agent.headers, answered)
        return answered


async def file_of(desk: Desk, visibility: str) -> str:
    path = f"/attachments?name={visibility}.txt&visibility={visibility}"
    return str((await desk.send(Case("addAttachment", path, visibility.encode(), True)))["id"])


async def macro_of(desk: Desk, admin: Staff, visibility: str, **values: object) -> str:
    body = {"name": unique_name(visibility), "text": "Hello", "visibility": visibility, **values}
    answer = await desk.client.post(f"{API}/macros", headers=admin.headers, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
async def queue(database: Database) -> QueueDetails:
    async with database.transaction() as tx:
        return await new_queue(tx)


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database, queue: QueueDetails) -> Desk:
    """Return a desk whose tickets are routed, so that no worker changes one in between."""
    agent, admin = await new_staff(database), await new_staff(database, Role.ADMIN)
    customer, foreigner = await new_tenant(database), await new_tenant(database)
    ids = {
        "number": (await new_ticket(client, customer))["number"],
        "other": (await new_ticket(client, customer))["number"],
        "foreign": (await new_ticket(client, foreigner))["number"],
        "agent": str(agent.user.id), "user": str(customer.user.id), "queue": str(queue.queue.id),
    }  # fmt: skip
    opened = Desk(client, database, agent, admin, customer, foreigner, ids)
    internal = {"text": "for us", "visibility": "internal"}
    ids["internal note"] = (await opened.send(Case("addNote", "/notes", internal, False)))["id"]
    ids["public file"], ids["internal file"] = await file_of(opened, "public"), await file_of(opened, "internal")
    ids["case"] = (await opened.send(Case("addCase", "/cases", {"party": "Lumenor"}, False)))["id"]
    ids["internal macro"] = await macro_of(opened, admin, "internal", add_tags=["vip"], queue_id=ids["queue"])
    ids["public macro"] = await macro_of(opened, admin, "public")
    for name, ticket in (("own link", "{other}"), ("foreign link", "{foreign}")):
        link = Case("addLink", "/links", {"type": "related", "ticket": ticket}, True)
        ids[name] = (await opened.send(link))["id"]
    await routed(database)
    return opened


class View(NamedTuple):
    """A ticket as somebody sees it: what it shows besides the version and the time, then these and the ETag."""

    content: Json
    version: int
    updated_at: str
    etag: str


async def seen(client: httpx.AsyncClient, headers: dict[str, str], number: str) -> View:
    """Return all that somebody sees of a ticket, after checking that every list shows the same version."""
    path = f"{TICKETS}/{number}"

    async def get(address: str) -> Json:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    answer = await client.get(path, headers=headers)
    ticket: Json = answer.json()
    whole = await get(f"{path}?expand=notes,attachments,links")
    links = [(link["id"], link["type"], link["ticket"]["number"]) for link in whole.pop("links")["data"]]
    history = (await get(f"{path}/history"))["data"]
    stream = await stream_of(client, headers, number, len(history))
    listed = await get(f"{TICKETS}?state=all&limit=200")
    [entry] = [item for item in listed["data"] if item["number"] == number]
    export = await client.get(f"{API}/exports/tickets?format=ndjson&state=all", headers=headers)
    [line] = [row for row in map(json.loads, export.text.splitlines()) if row["number"] == number]
    moved = ("version", "updated_at")
    assert [entry[name] for name in moved] == [ticket[name] for name in moved] == [whole[name] for name in moved]
    assert [line[name] for name in moved] == [ticket[name] for name in moved]
    versions = [event["version"] for event in history]
    assert versions == [event["version"] for event in stream] == sorted(versions)
    assert versions[-1] <= ticket["version"]
    content = {name: value for name, value in whole.items() if name not in moved}
    return View(
        {"ticket": content, "links": links, "history": len(history)},
        ticket["version"],
        ticket["updated_at"],
        answer.headers["etag"],
    )


async def console_connect(client: httpx.AsyncClient, headers: dict[str, str], number: str) -> tuple[Json, str]:
    answer = await client.get(f"{CC}/{number}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["etag"]


def check(before: View, after: View) -> bool:
    """Check that content, version, time and ETag moved together; return whether they did."""
    moved = after.content != before.content
    assert (after.version > before.version) is moved
    assert (after.updated_at > before.updated_at) is moved
    assert (after.etag != before.etag) is moved
    return moved


def test_every_operation_on_a_ticket_has_a_case() -> None:
    changing = {operation.name for operation in OPERATIONS if operation.method != "GET" and OF_TICKET in operation.path}
    assert changing | {"bulkTickets"} == {case.operation for case in CASES}
    assert not SEES_NO_TICKET & changing


@pytest.mark.parametrize("case", CASES, ids=named)
async def test_a_version_moves_with_what_its_reader_sees_of_an_operation(desk: Desk, case: Case) -> None:
    """A customer's version does; those of the provider's people, who see everything, count every change."""
    if (first := FIRST.get(case.operation)) is not None:
        await desk.perform(first)
    views = [
        (desk.agent.headers, desk.ids["number"]),
        (desk.customer.headers, desk.ids["number"]),
        (desk.customer.headers, desk.ids["other"]),
        (desk.foreigner.headers, desk.ids["foreign"]),
    ]
    before = [await seen(desk.client, headers, number) for headers, number in views]
    on_console_connect = await console_connect(desk.client, desk.customer.headers, desk.ids["number"])
    await desk.perform(case)
    after = [await seen(desk.client, headers, number) for headers, number in views]
    moved = [check(*pair) for pair in zip(before[1:], after[1:], strict=True)]
    assert moved[0] is case.is_visible
    if not case.is_visible:
        assert not any(moved)
        assert await console_connect(desk.client, desk.customer.headers, desk.ids["number"]) == on_console_connect
    if case.operation != "routeTicket":  # without a rule it does nothing; new tickets have a test of their own
        is_change = "Watcher" not in case.operation and "preview" not in case.operation
        is_change = is_change and case.body != {"title": "Port down"}
        of_staff = after[0].version > before[0].version, after[0].etag != before[0].etag
        assert of_staff == (is_change, is_change)


@pytest.mark.parametrize("case", [case for case in CASES if not case.is_visible], ids=named)
async def test_what_a_customer_read_before_an_internal_change_is_good_for_if_match(desk: Desk, case: Case) -> None:
    if (first := FIRST.get(case.operation)) is not None:
        await desk.perform(first)
    path = f"{TICKETS}/{desk.ids['number']}"
    tag = (await desk.client.get(path, headers=desk.customer.headers)).headers["etag"]
    await desk.perform(case)
    headers = desk.customer.headers | {"If-Match": tag}
    cached = await desk.client.get(path, headers=desk.customer.headers | {"If-None-Match": tag})
    assert cached.status_code == 304
    answer = await desk.client.patch(path, headers=headers, json={"external_ids": {"own": "1"}})
    assert answer.status_code == 200, answer.text
    again = await desk.client.patch(path, headers=headers, json={"external_ids": {"own": "2"}})
    assert again.status_code == 412


async def test_an_internal_change_waits_for_the_next_visible_one(desk: Desk) -> None:
    number = desk.ids["number"]
    first = await seen(desk.client, desk.customer.headers, number)
    for _ in range(3):
        await desk.perform(Case("addNote", "/notes", {"text": "for us", "visibility": "internal"}, False))
    await desk.perform(Case("addNote", "/notes", {"text": "for all"}, True))
    second = await seen(desk.client, desk.customer.headers, number)
    assert second.version == first.version + 1
    staff = await seen(desk.client, desk.agent.headers, number)
    assert (staff.updated_at, staff.version) == (second.updated_at, second.version + 7)


async def test_a_list_by_the_last_change_goes_by_what_the_reader_sees(desk: Desk) -> None:
    number = desk.ids["number"]

    async def changed_since(headers: dict[str, str], at: str) -> list[str]:
        query = {"updated_since": at, "company": desk.customer.company.code}
        answer = await desk.client.get(TICKETS, headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        return [ticket["number"] for ticket in answer.json()["data"]]

    await desk.perform(Case("addNote", "/notes", {"text": "for us", "visibility": "internal"}, False))
    now = (await seen(desk.client, desk.agent.headers, number)).updated_at
    assert await changed_since(desk.agent.headers, now) == [number]
    assert await changed_since(desk.customer.headers, now) == []
    await desk.perform(Case("addNote", "/notes", {"text": "for all"}, True))
    assert await changed_since(desk.customer.headers, now) == [number]


async def test_routing_and_automatic_assignment_move_nothing_for_the_customer(
    client: httpx.AsyncClient, database: Database
) -> None:
    customer, admin = await new_tenant(database), await new_staff(database, Role.ADMIN)
    number = (await client.post(TICKETS, headers=customer.headers, json=order())).json()["number"]
    await routed(database)
    before = await seen(client, customer.headers, number)
    async with database.transaction() as tx:
        queue = await new_queue(tx)
        await new_rule(tx, queue, company_ids=(customer.company.id,))
        await routing.route_new_ticket(tx, parse_ticket_number(number) or 0, now=NOW)
        view = await ticket_changes.lock_ticket(tx, OPERATOR, parse_ticket_number(number) or 0)
    await routed(database)
    assert view.queue_name == queue.queue.name
    assert not check(before, await seen(client, customer.headers, number))
    assert (await seen(client, admin.headers, number)).version == before.version + 1


async def test_an_agent_who_leaves_moves_nothing_for_the_customers_of_its_tickets(
    desk: Desk, database: Database
) -> None:
    admin = await new_staff(database, Role.ADMIN)
    await desk.perform(Case("assignTicket", "/assign", {"to": "me"}, False))
    before = await seen(desk.client, desk.customer.headers, desk.ids["number"])
    answer = await desk.client.patch(
        f"{API}/companies/{PROVIDER_ID}/users/{desk.agent.user.id}",
        headers=admin.headers | ANY,
        json={"is_active": False},
    )
    assert answer.status_code == 200, answer.text
    await routed(database)
    assert not check(before, await seen(desk.client, desk.customer.headers, desk.ids["number"]))
    staff = await desk.client.get(f"{TICKETS}/{desk.ids['number']}", headers=admin.headers)
    assert staff.json()["assignee"] is None


async def test_the_search_shows_the_version_that_the_ticket_shows(desk: Desk) -> None:
    await desk.perform(Case("tagTicket", "/tags", {"add": ["vip"]}, False))
    for headers in (desk.customer.headers, desk.agent.headers):
        ticket = (await desk.client.get(f"{TICKETS}/{desk.ids['number']}", headers=headers)).json()
        async with asyncio.timeout(patient(20)):
            while not (  # noqa: ASYNC110 - nothing signals it
                hits := (await desk.client.get(f"{API}/search?q={desk.ids['number']}", headers=headers)).json()["data"]
            ):
                await asyncio.sleep(0.05)
        assert [(hit["version"], hit["updated_at"]) for hit in hits] == [(ticket["version"], ticket["updated_at"])]
