"""The forms of a ticket's details replace only what their page shows; a page that stays gets what changed."""

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page

PARTS = {"hx-request": "true"}
NO_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"


async def send_from_a_page_that_stays(opened: Opened, form: str, **fields: str) -> httpx.Response:
    data = {"csrf": opened.agent.token_of_form(), **fields}
    address = f"{opened.path}/{form}?seen=0&last=0&details=none"
    return await opened.agent.client.post(address, headers=opened.agent.headers | PARTS, data=data)


@pytest.mark.parametrize(
    ("form", "fields", "reason"),
    [
        ("status", {"status": "resolved", "shown": "pending"}, "the status to In progress meanwhile"),
        ("priority", {"priority": "critical", "shown": "high"}, "the priority to Medium meanwhile"),
        ("assignee", {"assignee": "me", "shown": NO_ID}, "the assignee to nobody meanwhile"),
        ("queue", {"queue": NO_ID, "shown": NO_ID.replace("5", "6")}, "the queue to no queue meanwhile"),
        ("tags", {"tags": "optics", "shown": "lacp"}, "the tags meanwhile, to none"),
    ],
)
async def test_a_value_that_somebody_changed_meanwhile_is_not_replaced(
    opened: Opened, form: str, fields: dict[str, str], reason: str
) -> None:
    before = await opened.ticket()
    answer = await opened.send(form, 409, **fields)
    assert reason in Page(answer.text).text
    answer = await send_from_a_page_that_stays(opened, form, **fields)
    assert answer.status_code == 409
    assert f"Not saved: somebody changed {reason}." in Page(answer.text).text
    assert await opened.ticket() == before


async def test_a_value_that_is_shown_is_replaced(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Optics {opened.number}", team_id=None, now=NOW)).queue
    me = opened.agent.user.id
    for form, fields in (
        ("status", {"status": "pending", "shown": "in_progress"}),
        ("priority", {"priority": "critical", "shown": "medium"}),
        ("assignee", {"assignee": "me", "shown": ""}),
        ("assignee", {"assignee": "", "shown": str(me)}),
        ("queue", {"queue": str(queue.id), "shown": ""}),
        ("tags", {"tags": "optics LACP", "shown": ""}),
        ("tags", {"tags": "lacp", "shown": "optics lacp"}),
    ):
        await opened.send(form, **fields)
    ticket = await opened.ticket()
    assert (ticket.status, ticket.priority, ticket.assignee_id) == (Status.PENDING, Priority.CRITICAL, None)
    assert (ticket.queue_id, ticket.tags) == (queue.id, ("lacp",))


async def test_two_who_choose_the_same_value_are_both_right(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        values = {"priority": Priority.CRITICAL, "tags": ("optics",)}
        await ticket_changes.change_ticket(tx, OPERATOR, opened.number, values, now=NOW)
    before = await opened.ticket()
    await opened.send("status", status="in_progress", shown="pending")
    await opened.send("priority", priority="critical", shown="medium")
    await opened.send("assignee", assignee="", shown=NO_ID)
    await opened.send("tags", tags="Optics", shown="")
    assert await opened.ticket() == before


async def test_the_own_waiting_message_with_a_status_is_no_change_of_somebody_else(opened: Opened) -> None:
    message = {"text": "What do you see?", "visibility": "public", "then": "pending", "once": new_key()}
    assert (await opened.agent.post(f"{opened.path}/messages", **message)).status_code == 303
    assert (await opened.ticket()).status is Status.IN_PROGRESS
    await opened.send("status", status="held", shown="in_progress")
    ticket, [note] = await opened.stored()
    assert (ticket.status, note.text) == (Status.HELD, "What do you see?")


async def test_a_page_that_stays_gets_only_what_changed(opened: Opened) -> None:
    answer = await send_from_a_page_that_stays(opened, "priority", priority="critical", shown="medium")
    page = Page(answer.text)
    assert (answer.status_code, page.all("main"), page.all("textarea")) == (200, [], [])
    assert [part["hx-target"] for part in page.all("hx-partial")] == [
        "#ticket .where", "#ticket .strip", "#timeline", "#ticket .details", "#recipients", "#copies",
    ]  # fmt: skip
    assert {"shown", "critical"} in [{field.get("name"), field.get("value")} for field in page.all("input")]


async def test_a_refused_form_of_a_page_that_stays_says_why(opened: Opened) -> None:
    for form, fields, status, reason in (
        ("priority", {"priority": "urgent"}, 422, "Priority must be one of low, medium, high, critical."),
        ("status", {"status": "closed"}, 409, "A ticket that is “In progress” cannot become “Closed”."),
        ("links", {"type": "related", "ticket": "42x"}, 422, "Ticket must be a ticket's number, like INC000000000042."),
    ):
        answer = await send_from_a_page_that_stays(opened, form, **fields)
        assert answer.status_code == status, answer.text
        assert reason in Page(answer.text).text
