"""The lists of the console."""

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.search import index_usecases
from clearline.sign_in.domain import SessionActor
from clearline.sign_in.usecases import session_actor
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.lists.order import SORTS
from clearline.web.lists.sorting import sort_named
from clearline.workspace import view_usecases as views
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Mara Lind")


@pytest.fixture(scope="module")
async def numbers(database: Database, agent: Person) -> dict[str, int]:
    """Raise a ticket of each kind, and 55 others; index them."""
    tenant: Tenant = await new_tenant(database, "Orchard <Health>")
    async with database.transaction() as tx:
        mine, pending, held, closed, queued = [
            await raised(tx, tenant, title, status=status)
            for title, status in (
                ("Mine", Status.IN_PROGRESS), ("Asked the customer", Status.PENDING), ("On hold", Status.HELD),
                ("Closed", Status.CLOSED), ("In a queue", Status.ACKNOWLEDGED),
            )
        ]  # fmt: skip
        await ticket_changes.assign(tx, OPERATOR, mine, agent.user.id, now=NOW)
        await ticket_changes.tag(tx, OPERATOR, mine, add=("optics",), now=NOW)
        others = [await raised(tx, tenant, f"Other {at}") for at in range(55)]
        team = (await teams.add_team(tx, OPERATOR, "Transport", now=NOW)).team
        await teams.join_team(tx, OPERATOR, team.id, agent.user.id, now=NOW)
        queue = (await queues.add_queue(tx, OPERATOR, name="Optics", team_id=team.id, now=NOW)).queue
        await queues.add_queue(tx, OPERATOR, name="Of others", now=NOW)
        await ticket_changes.change_ticket(tx, OPERATOR, queued, {"queue_id": queue.id}, now=NOW)
        keys = [(tenant.company.id, number) for number in (mine, pending, held, closed, queued, *others)]
        await index_usecases.index_tickets(tx, keys)
    return {"mine": mine, "pending": pending, "held": held, "closed": closed, "queued": queued, "last": others[-1]}


def rows(page: Page) -> list[str]:
    return [row["id"] or "" for row in page.all("tr") if row.get("id")]


def shown(*numbers: int) -> list[str]:
    return [ticket_number(number) for number in numbers]


async def test_my_tickets_are_those_that_are_assigned_to_me(agent: Person, numbers: dict[str, int]) -> None:
    page = await agent.page("/console/mine")
    assert rows(page) == shown(numbers["mine"])
    for word in ("Mine", "Orchard <Health>", "SVC-1", "In progress", "Medium", "optics", "Mara Lind"):
        assert word in page.text
    [link] = page.links("/console/tickets/INC")
    assert link == f"/console/tickets/{ticket_number(numbers['mine'])}?list=mine"


async def test_waiting_tickets_wait_for_the_customer_or_are_on_hold(agent: Person, numbers: dict[str, int]) -> None:
    page = await agent.page("/console/waiting")
    assert sorted(rows(page)) == sorted(shown(numbers["held"], numbers["pending"]))


async def test_all_open_tickets_come_50_at_a_time_and_each_once(agent: Person, numbers: dict[str, int]) -> None:
    first = await agent.page("/console/open?sort=-number")
    assert len(rows(first)) == 50
    [following] = [href for href in first.links("/console/open?") if "after=" in href]
    second = await agent.page(following)
    everything = rows(first) + rows(second)
    assert everything == sorted(set(everything), reverse=True)
    assert ticket_number(numbers["closed"]) not in everything
    assert ticket_number(numbers["last"]) == everything[0]
    oldest = await agent.page("/console/open?sort=number")
    assert rows(oldest)[0] == everything[-1]
    for other in ("number", "priority", "updated"):
        forged = await agent.get(following.replace("sort=-number", f"sort={other}"))
        assert forged.status_code == 400


@pytest.mark.parametrize("sort", ["", "-number", "number", "-updated", "updated", "status"])
async def test_every_order_lists_each_open_ticket_once(agent: Person, numbers: dict[str, int], sort: str) -> None:
    listed: list[str] = []
    address = f"/console/open?sort={sort}"
    while address:
        page = await agent.page(address)
        listed += rows(page)
        address = next((href for href in page.links("/console/open?") if "after=" in href), "")
    assert len(listed) == len(set(listed)) == 59
    assert ticket_number(numbers["closed"]) not in listed


async def test_the_most_urgent_and_among_them_the_oldest_tickets_come_first(
    agent: Person, numbers: dict[str, int], database: Database
) -> None:
    async with database.transaction() as tx:
        for name, priority in (("last", "critical"), ("queued", "low")):
            await ticket_changes.change_ticket(tx, OPERATOR, numbers[name], {"priority": Priority(priority)}, now=NOW)
    listed = rows(await agent.page("/console/open"))
    assert listed[0] == ticket_number(numbers["last"])
    assert listed[1:] == sorted(listed[1:])


async def test_the_queues_of_my_teams_stand_in_the_side_bar_with_their_counts(
    agent: Person, numbers: dict[str, int]
) -> None:
    page = await agent.page("/console/open")
    [path] = page.links("/console/queues/")
    assert "Optics 1" in page.text
    assert "Of others 0" not in page.text
    queue = await agent.page(path)
    assert rows(queue) == shown(numbers["queued"])
    assert [link.get("aria-current") for link in queue.all("a") if link.get("href") == path] == ["page"]


async def test_every_view_has_the_number_of_its_tickets(agent: Person, numbers: dict[str, int]) -> None:
    text = (await agent.page("/console/open")).text
    for name in ("My tickets 1", "Unassigned 58", "All open 59", "Waiting 2"):
        assert name in text
    ticket = await agent.page(f"/console/tickets/{ticket_number(numbers['mine'])}?list=open&sort=-number")
    assert "All open 59" in ticket.text


async def test_a_filter_in_the_address_is_a_search_within_the_view(agent: Person, numbers: dict[str, int]) -> None:
    page = await agent.page("/console/open?q=tag:optics")
    assert rows(page) == shown(numbers["mine"])
    assert [field["value"] for field in page.all("input") if field.get("name") == "q"] == ["tag:optics"]
    assert page.links("/console/tickets/INC")[0].endswith("?list=open&q=tag%3Aoptics")
    assert rows(await agent.page("/console/open?q=status:closed")) == []
    empty = await agent.page("/console/open?q=nothinglikethis")
    assert "No ticket matches the filter" in empty.text


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize("path", ["/console/open?q=other", "/console/open?q=-tag:optics"])
async def test_a_filtered_list_has_the_same_orders(agent: Person, numbers: dict[str, int], path: str) -> None:
    for sort in ("-number", "number", "-updated"):
        listed: list[str] = []
        address = f"{path}&sort={sort}"
        while address:
            page = await agent.page(address)
            assert [option["value"] for option in page.all("option") if "selected" in option] == [sort] * 2
            listed += rows(page)
            address = next((href for href in page.links("/console/open?") if "after=" in href), "")
        assert len(listed) == len(set(listed)) >= 55
        if sort != "-updated":
            assert listed == sorted(listed, reverse=sort == "-number")
    assert ticket_number(numbers["mine"]) not in listed


async def test_a_filter_that_is_not_understood_says_what_to_write(agent: Person) -> None:
    page = await agent.page("/console/open?q=prio:high")
    assert "Has no filter prio: it must be one of" in page.text
    assert rows(page) == []


async def test_a_saved_view_is_a_list(agent: Person, numbers: dict[str, int], database: Database) -> None:
    async with database.transaction() as tx:
        actor = (await session_actor_of(database, agent)).actor
        view = await views.add_view(tx, actor, "Optical <faults>", "tag:optics", now=NOW)
    page = await agent.page(f"/console/views/{view.id}")
    assert rows(page) == shown(numbers["mine"])
    assert "Optical <faults>" in page.text


@pytest.mark.usefixtures("numbers")
@pytest.mark.usefixtures("numbers")
async def test_a_filtered_list_is_saved_as_a_view_then_changed_and_deleted(agent: Person) -> None:
    page = await agent.page("/console/open?q=tag:optics")
    [query] = [field["value"] for field in page.all("input") if field.get("name") == "query"]
    assert query == "status:open tag:optics"
    fields = {"name": "Optics <mine>", "query": query}
    made = await agent.post("/console/views?list=open&q=tag:optics", **fields, shared="on")
    assert made.status_code == 303
    path = made.headers["location"]
    again = await agent.post("/console/views?list=open&q=tag:optics", **fields)
    assert again.status_code == 422
    assert "already" in Page(again.text).text
    wrong = await agent.post(path, name="", query="tag:optics")
    assert wrong.status_code == 422
    assert "Name must have 1 to 255 characters." in Page(wrong.text).text
    assert (await agent.post(path, name="Optics", query="prio:high")).status_code == 303
    assert "Has no filter prio" in (await agent.page(path)).text
    changed = await agent.post(path, name="Light levels", query="tag:optics")
    assert (changed.status_code, changed.headers["location"]) == (303, path)
    assert "Light levels" in (await agent.page(path)).text
    gone = await agent.post(path, delete="1")
    assert (gone.status_code, gone.headers["location"]) == (303, "/console/open")
    assert (await agent.get(path)).status_code == 404


async def test_a_saved_view_keeps_its_order(agent: Person, numbers: dict[str, int], database: Database) -> None:
    made = await agent.post("/console/views", name="In order", query="status:open", sort="number")
    path = made.headers["location"]

    def chosen(page: Page) -> list[str | None]:
        return [option["value"] for option in page.all("option") if "selected" in option]

    first = await agent.page(path)
    assert chosen(first) == ["number", "number"]
    last_first = await agent.page(f"{path}?sort=-number")
    assert chosen(last_first) == ["-number", "-number"]
    assert rows(first) == sorted(rows(first))
    assert rows(last_first) == sorted(rows(last_first), reverse=True)
    assert (await agent.post(path, name="In order", query="status:open", sort="-number")).status_code == 303
    again = await agent.page(path)
    assert (rows(again), chosen(again)) == (rows(last_first), ["-number", "-number"])
    next_page = await agent.page(again.links(f"{path}?after")[0])
    assert rows(next_page) == sorted(rows(next_page), reverse=True)
    assert max(rows(next_page)) < min(rows(again))
    renamed = await agent.post(path, name="In another order", query="status:open")
    assert (renamed.status_code, chosen(await agent.page(path))) == (303, ["-number", "-number"])
    async with database.transaction() as tx:
        actor = (await session_actor_of(database, agent)).actor
        for sort in SORTS:
            view = await views.add_view(tx, actor, f"By {sort}", "status:open", sort=sort, now=NOW)
            assert sort_named("", view.sort).stored == sort
    assert numbers["last"]


async def test_only_an_admin_shares_views_and_edits_those_of_others(
    client: httpx.AsyncClient, database: Database, agent: Person
) -> None:
    made = await agent.post("/console/views", name="For all", query="status:open", shared="on")
    colleague = await person(client, database)
    page = await colleague.page(made.headers["location"])
    assert "Edit view" not in page.text
    refused = await colleague.post(made.headers["location"], name="Mine now", query="status:open")
    assert refused.status_code == 403
    shared = await colleague.post("/console/views", name="For all of us", query="status:open", shared="on")
    assert shared.status_code == 403


async def test_a_part_of_a_page_has_its_title_its_content_and_the_side_bar(agent: Person) -> None:
    answer = await agent.get("/console/mine", **{"HX-Request": "true"})
    page = Page(answer.text)
    assert [len(page.all(tag)) for tag in ("html", "body", "title", "main", "hx-partial")] == [0, 0, 1, 1, 1]
    assert "HX-Request" in answer.headers["vary"]
    whole = await agent.get("/console/mine", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert len(Page(whole.text).all("html")) == 1


async def test_the_command_palette_finds_tickets(agent: Person, numbers: dict[str, int]) -> None:
    found = await agent.page("/console/find?q=optics")
    assert [option["href"] for option in found.all("a")] == [f"/console/tickets/{ticket_number(numbers['mine'])}"]
    assert (await agent.page("/console/find?q=")).all("a") == []
    assert (await agent.page("/console/find?q=prio:high")).all("a") == []


async def test_a_query_with_thousands_of_parameters_is_ignored(agent: Person) -> None:
    assert (await agent.get("/console/mine?" + "&".join(["q=a"] * 3001))).status_code == 200


@pytest.mark.usefixtures("numbers")
async def test_a_head_request_has_the_headers_of_the_page(agent: Person) -> None:
    answer = await agent.client.head("/console/mine", headers=agent.headers)
    assert (answer.status_code, answer.text) == (200, "")


async def session_actor_of(database: Database, agent: Person) -> SessionActor:
    found = await session_actor(database, agent.token, address="192.0.2.7", now=now())
    assert found is not None
    return found


async def test_a_list_suggests_filters_with_the_names_of_queues_and_people(
    agent: Person, numbers: dict[str, int]
) -> None:
    assert numbers
    page = await agent.page("/console/open")
    offered = {option["value"] for option in page.all("option")}
    assert {"status:open", "has:file", "updated:", 'queue:"Optics"', f"assignee:{agent.user.email}"} <= offered
    search_page = await agent.page("/console/search")
    assert {"status:open", 'queue:"Optics"'} <= {option["value"] for option in search_page.all("option")}
