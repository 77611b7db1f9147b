"""Fragments of a list: rows that changed, tickets that are new to it, and the badges of the views."""

from typing import Any

import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from tests.builders.people import NOW
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE, Opened
from tests.builders.web.pages import Page

ROWS = "/console/live/rows"


async def rows(opened: Opened, **query: str) -> Page:
    """Return the fragment of a list."""
    answer = await opened.agent.client.get(ROWS, params={"list": "open", **query}, headers=opened.agent.headers)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 15_000
    return Page(answer.text)


def news(page: Page) -> str:
    """Return the numbers of the tickets that are new to the list."""
    return next((link["data-new"] or "" for link in page.all("a") if "data-new" in link), "")


def targets(page: Page) -> list[str]:
    return [part["hx-target"] or "" for part in page.all("hx-partial")]


async def changed(opened: Opened, **values: Any) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, opened.number, values, now=NOW)


async def another(opened: Opened, title: str = "Another", **values: Any) -> int:
    async with opened.database.transaction() as tx:
        number = await raised(tx, opened.tenant, title)
        if values:
            await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
    return number


async def test_rows_that_changed_come_as_the_list_shows_them(opened: Opened) -> None:
    await changed(opened, priority=Priority.CRITICAL, title=HOSTILE)
    name = ticket_number(opened.number)
    page = await rows(opened, shown=name, sort="number", q="")
    assert targets(page) == [f"#{name}", "#news"]
    assert "Critical" in page.text
    assert HOSTILE in page.text
    assert [row["class"] for row in page.all("tr")] == ["row"]
    assert page.links("/console/tickets/") == [f"/console/tickets/{name}?list=open&sort=number"]
    assert news(page) == ""


@pytest.mark.parametrize(
    ("view", "q", "values", "is_left"),
    [
        ("unassigned", "", {"assignee_id": "me"}, True),
        ("mine", "", {"assignee_id": "me"}, False),
        ("mine", "priority:low", {"assignee_id": "me"}, True),
        ("open", "", {"assignee_id": "me"}, False),
        ("open", "tag:optics", {"tags": ("fibre",)}, True),
        ("open", "tag:optics", {"tags": ("optics",)}, False),
        ("open", "status:pending", {}, True),
        ("waiting", "", {}, True),
        ("open", "slow", {"title": "Quick"}, False),
        ("open", "-tag:optics", {"tags": ("optics",)}, False),
        ("open", "status:nothing", {}, False),
    ],
)
async def test_a_ticket_that_left_the_list_is_marked_where_that_is_known(
    opened: Opened, view: str, q: str, values: dict[str, Any], *, is_left: bool
) -> None:
    me = opened.agent.user.id
    await changed(opened, **{name: me if value == "me" else value for name, value in values.items()})
    page = await rows(opened, list=view, q=q, shown=ticket_number(opened.number))
    assert [row["class"] for row in page.all("tr")] == ["row left" if is_left else "row"]
    assert ("no longer in this list" in page.text) is is_left


async def test_lists_of_queues_and_saved_views_know_their_tickets(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Live {opened.number}", now=NOW)).queue
    name, view = ticket_number(opened.number), f"queues/{queue.id}"
    assert [row["class"] for row in (await rows(opened, list=view, shown=name)).all("tr")] == ["row left"]
    await changed(opened, queue_id=queue.id)
    assert [row["class"] for row in (await rows(opened, list=view, shown=name)).all("tr")] == ["row"]
    saved = {"name": f"Low {opened.number}", "query": "priority:low"}
    answer = await opened.agent.post("/console/views?list=open&q=priority:low", **saved)
    view = answer.headers["location"].removeprefix("/console/")
    await changed(opened, priority=Priority.HIGH)
    assert [row["class"] for row in (await rows(opened, list=view, shown=name)).all("tr")] == ["row left"]


async def test_new_tickets_are_counted_and_not_shown(opened: Opened) -> None:
    first, second = await another(opened), await another(opened)
    both = f"{ticket_number(first)},{ticket_number(second)}"
    page = await rows(opened, others=both, whole="1", sort="-number")
    assert page.all("tr") == []
    assert news(page) == both
    assert "2 new tickets" in page.text
    [link] = [link for link in page.all("a") if "data-new" in link]
    assert (link["href"], link["data-key"], link["data-label"]) == ("/console/open?sort=-number", ".", "2 new tickets")
    assert "1 new ticket" in (await rows(opened, others=both.split(",", maxsplit=1)[0], whole="1")).text


async def test_only_tickets_that_the_page_would_show_are_new(opened: Opened) -> None:
    below, above = await another(opened, priority=Priority.LOW), await another(opened, priority=Priority.CRITICAL)
    resolved = await another(opened)
    async with opened.database.transaction() as tx:
        for status in (Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, resolved, status, reason="", now=NOW)
    others, last = ",".join(map(ticket_number, (below, above, resolved))), ticket_number(opened.number)
    assert news(await rows(opened, others=others, last=last)) == ticket_number(above)
    assert news(await rows(opened, others=others, whole="1")) == f"{ticket_number(below)},{ticket_number(above)}"
    assert news(await rows(opened, others=others, last=last, q="priority:critical")) == ""
    assert news(await rows(opened, others=others, last=last, q="priority:critical", sort="priority")) == ticket_number(
        above
    )
    assert news(await rows(opened, others=others)) == ""


async def test_the_list_beside_a_ticket_is_refreshed_as_its_own_entries(opened: Opened) -> None:
    name, other = ticket_number(opened.number), ticket_number(await another(opened))
    shown = await opened.agent.page(f"/console/tickets/{name}?list=open&sort=-number")
    [live] = [tag["data-list"] or "" for tag in shown.all("div") if tag.get("id") == "news"]
    assert live == f"list=open&sort=-number&rail={name}"
    assert [entry["id"] for entry in shown.all("li") if (entry.get("id") or "").startswith("INC")][:2] == [other, name]
    await changed(opened, priority=Priority.CRITICAL, title=HOSTILE)
    page = await opened.agent.page(f"/console/live/rows?{live}&shown={name},{other}")
    assert targets(page) == [f"#{name}", f"#{other}", "#news"]
    assert (page.all("tr"), [entry["id"] for entry in page.all("li")]) == ([], [name, other])
    assert f"{HOSTILE} {name}" in page.text
    assert page.links("/console/tickets/INC") == [
        f"/console/tickets/{each}?list=open&sort=-number" for each in (name, other)
    ]
    assert [link["href"] for link in page.all("a") if link.get("aria-current")] == [
        f"/console/tickets/{name}?list=open&sort=-number"
    ]
    assert [entry.get("class") for entry in page.all("li")] == [None, None]


async def test_beside_a_ticket_new_tickets_are_counted_and_lead_to_the_list_alone(opened: Opened) -> None:
    name, new = ticket_number(opened.number), await another(opened)
    page = await rows(opened, others=ticket_number(new), whole="1", sort="-number", rail=name)
    assert news(page) == ticket_number(new)
    [link] = [link for link in page.all("a") if "data-new" in link]
    address = f"/console/tickets/{name}?list=open&sort=-number"
    assert (link["href"], link["hx-get"], link["hx-target"]) == (address, address, "#ticket > .rail")
    assert (link["data-key"], link["hx-push-url"]) == (".", "false")
    await changed(opened, assignee_id=opened.agent.user.id)
    left = await rows(opened, list="unassigned", shown=name, rail=name)
    assert [entry["class"] for entry in left.all("li")] == ["left"]
    assert "no longer in this list" in left.text
    missed = await rows(opened, shown=name, missed="1", rail=name)
    assert "Show what changed" in missed.text
    for rail in ("nothing", "INC1"):
        assert len((await rows(opened, shown=name, rail=rail)).all("tr")) == 1


async def test_a_page_that_missed_changes_offers_to_show_them(opened: Opened) -> None:
    page = await rows(opened, shown=ticket_number(opened.number), missed="1", q="tag:optics")
    assert "Show what changed" in page.text
    assert page.links("/console/open") == ["/console/open?q=tag%3Aoptics"]


@pytest.mark.parametrize(
    "query",
    [
        {"list": "nothing"}, {"list": "queues/0"}, {"list": "queues/5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"},
        {"shown": "INC999999999999,x,,INC1"}, {"others": "INC999999999999", "whole": "1"}, {"last": "x", "others": "y"},
        {"q": HOSTILE}, {"sort": "nothing"}, {"shown": "INC000000000001," * 500},
    ],
)  # fmt: skip
async def test_whatever_is_asked_for_is_answered(opened: Opened, query: dict[str, str]) -> None:
    answer = await opened.agent.client.get(ROWS, params=query, headers=opened.agent.headers)
    assert answer.status_code in {200, 404}, answer.text


async def test_the_badges_have_the_numbers_of_now(opened: Opened) -> None:
    async def mine() -> int:
        page = await opened.agent.page("/console/live/views?here=/console/mine")
        assert targets(page) == ["#main h1 .count", "#views"]
        assert [link["href"] for link in page.all("a") if link.get("aria-current")] == ["/console/mine"]
        heading, number, rest = page.text.partition(" My tickets ")
        assert rest.split()[0] == heading
        return int(heading) if number else -1

    before = await mine()
    await changed(opened, assignee_id=opened.agent.user.id)
    assert await mine() == before + 1
    assert targets(await opened.agent.page("/console/live/views")) == ["#views"]
