"""The columns of lists."""

import brotli
import httpx
import pytest

from clearline.catalogue.assessment import Severity
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.search import index_usecases
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from clearline.web.looks import COLUMN_LOOKS, tracks
from clearline.workspace.column_domain import DEFAULT_COLUMNS, Column
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

HTML_MAX = 15_000
DEFAULT = [*DEFAULT_COLUMNS]
HEADINGS = ["Priority", "Ticket", "Subject", "Company", "Service", "Status", "Assignee", "Updated"]


@pytest.fixture(scope="module")
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database, "Columns <Health>")


@pytest.fixture(scope="module")
async def number(database: Database, tenant: Tenant) -> int:
    """Raise 60 tickets, the newest with everything that a column shows."""
    async with database.transaction() as tx:
        others = [await raised(tx, tenant, f"Port {at} is slow since the window") for at in range(59)]
        number = await raised(tx, tenant, "Fibre cut")
        queue = (await queues.add_queue(tx, OPERATOR, name="Splicing", now=NOW)).queue
        values = {
            "queue_id": queue.id, "severity": Severity.SIGNIFICANT, "tags": ("optics",),
            "external_ids": {"erp": "4711", "noc": "A-1"},
        }  # fmt: skip
        await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=NOW)
        await index_usecases.index_tickets(tx, [(tenant.company.id, each) for each in (number, *others)])
    return number


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


async def choose(who: Person, view: str, *columns: str, **fields: str) -> httpx.Response:
    data = {"csrf": who.token_of_form(), "column": [*columns], **fields}
    return await who.client.post(f"/console/columns?{view}", headers=who.headers, data=data)


def headings(page: Page) -> list[str]:
    """Return the names of the columns that a page shows."""
    labels = {look.label: "" for look in COLUMN_LOOKS.values()} | {"Subject": ""}
    start = page.texts.index("Subject")
    words = [text.strip() for text in page.texts[start - 6 : start + 40]]
    return [word for word in words[: len(page.all("th")) + 12] if word in labels][: len(page.all("th"))]


def checked(page: Page) -> list[str | None]:
    return [box["value"] for box in page.all("input") if box.get("name") == "column" and "checked" in box]


@pytest.mark.usefixtures("number")
async def test_a_list_has_its_default_columns_until_somebody_chooses_others(agent: Person) -> None:
    page = await agent.page("/console/open")
    assert (checked(page), headings(page)) == (DEFAULT, HEADINGS)
    assert [table.get("style") for table in page.all("table")] == [None]
    chosen = await choose(agent, "list=open&sort=-number", "queue", "number", "contact", "nothing")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/console/open?sort=-number")
    page = await agent.page("/console/open?sort=-number")
    assert checked(page) == ["number", "contact", "queue"]
    assert headings(page) == ["Ticket", "Subject", "Contact", "Queue"]
    assert [table["style"] for table in page.all("table")] == ["--tracks: 24px 122px minmax(240px, 1fr) 140px 112px"]
    assert "Fibre cut Ada Okoro Splicing" in page.text
    assert (await choose(agent, "list=open", "queue", default="1")).headers["location"] == "/console/open"
    assert checked(await agent.page("/console/open")) == DEFAULT


@pytest.mark.usefixtures("number")
async def test_each_person_chooses_for_each_list(client: httpx.AsyncClient, agent: Person, database: Database) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Of {agent.user.id}", now=NOW)).queue
    lists = ["mine", "unassigned", "open", "waiting", f"queues/{queue.id}"]
    for at, view in enumerate(lists):
        assert (await choose(agent, f"list={view}", *[*Column][: at + 1])).status_code == 303
    viewer = await person(client, database, Role.VIEWER)
    for at, view in enumerate(lists):
        assert checked(await agent.page(f"/console/{view}")) == [*Column][: at + 1]
        assert checked(await viewer.page(f"/console/{view}")) == DEFAULT
    assert (await choose(viewer, "list=open", "status")).status_code == 303
    assert checked(await viewer.page("/console/open")) == ["status"]
    assert checked(await agent.page("/console/open")) == [*Column][:3]


async def test_the_subject_alone_can_be_shown(agent: Person, number: int) -> None:
    assert (await choose(agent, "list=open&sort=-number")).status_code == 303
    page = await agent.page("/console/open?sort=-number")
    assert (checked(page), headings(page)) == ([], ["Subject"])
    assert ticket_number(number) in [row.get("id") for row in page.all("tr")]
    assert "optics" not in page.text
    [live] = [tag["data-list"] for tag in page.all("div") if tag.get("data-list")]
    assert len((await agent.page(f"/console/live/rows?{live}&shown={ticket_number(number)}")).all("td")) == 2
    [following] = [href for href in page.links("/console/open?") if "after=" in href]
    assert headings(await agent.page(following)) == ["Subject"]


async def test_every_column_shows_its_value_within_the_budget(agent: Person, number: int) -> None:
    assert (await choose(agent, "list=open&sort=-number", *Column)).status_code == 303
    answer = await agent.get("/console/open?sort=-number")
    page = Page(answer.text)
    assert checked(page) == [*Column]
    row = f"{ticket_number(number)} Fibre cut optics Columns <Health> Ada Okoro SVC-1 "
    assert row in page.text
    for text in ("Significant", "Splicing", "erp 4711, noc A-1", "Nobody"):
        assert text in page.text
    assert page.all("table")[0]["style"] == f"--tracks: {tracks(tuple(Column))}"
    assert len(page.all("th")) == len(Column)
    assert len([row for row in page.all("tr") if row.get("id")]) == 50
    cells = [tag for tag, _attributes in page.tags if tag in {"td", "tr"}]
    assert cells.count("td") == (len(Column) + 1) * 50 + 1
    assert len(brotli.compress(answer.content, quality=5)) <= HTML_MAX


async def test_the_next_page_and_rows_that_changed_have_the_columns_of_the_page(agent: Person, number: int) -> None:
    await choose(agent, "list=open&sort=-number", "number", "severity")
    page = await agent.page("/console/open?sort=-number")
    [following] = [href for href in page.links("/console/open?") if "after=" in href]
    [live] = [tag["data-list"] for tag in page.all("div") if tag.get("data-list")]
    assert live == "list=open&sort=-number&columns=number%2Cseverity"
    await choose(agent, "list=open&sort=-number", default="1")
    assert headings(await agent.page(following)) == ["Ticket", "Subject", "Severity"]
    row = await agent.page(f"/console/live/rows?{live}&shown={ticket_number(number)}")
    assert f"{ticket_number(number)} Fibre cut Significant" in row.text
    assert len(row.all("td")) == 4
    for columns, cells in (("none", 2), ("nothing,,number,number", 3)):
        row = await agent.page(f"/console/live/rows?list=open&columns={columns}&shown={ticket_number(number)}")
        assert len(row.all("td")) == cells


@pytest.mark.usefixtures("number")
async def test_a_saved_view_keeps_its_columns_for_everybody_who_sees_it(
    client: httpx.AsyncClient, database: Database, agent: Person
) -> None:
    admin = await person(client, database, Role.ADMIN)
    await choose(admin, "list=open", "number", "queue")
    form = await admin.page("/console/open?q=port")
    [columns] = [field["value"] for field in form.all("input") if field.get("name") == "columns"]
    assert columns == "number,queue"
    saved = await admin.post(
        "/console/views?list=open", name="Ports", query="status:open port", shared="on", columns=columns
    )
    path = saved.headers["location"]
    view = path.removeprefix("/console/")
    for who in (admin, agent):
        assert headings(await who.page(path)) == ["Ticket", "Subject", "Queue"]
    assert checked(await agent.page(path)) == []
    refused = await choose(agent, f"list={view}", "status")
    assert refused.status_code == 403
    assert (await choose(admin, f"list={view}&sort=number", "status")).headers["location"] == f"{path}?sort=number"
    assert headings(await agent.page(path)) == ["Subject", "Status"]
    assert (await admin.post(path, name="Ports", query="status:open port", shared="on")).status_code == 303
    assert headings(await admin.page(path)) == ["Subject", "Status"]
    assert (await choose(admin, f"list={view}", default="1")).status_code == 303
    assert headings(await agent.page(path)) == HEADINGS
    own = await agent.post("/console/views?list=open", name="Own", query="status:open")
    assert headings(await agent.page(own.headers["location"])) == HEADINGS
    assert (await choose(agent, f"list={own.headers['location'].removeprefix('/console/')}", "tags")).status_code == 303
    assert headings(await agent.page(own.headers["location"])) == ["Subject"]


@pytest.mark.parametrize("view", ["nothing", "views/5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42", "queues/0", "a" * 200])
async def test_lists_that_are_not_there_have_no_columns(agent: Person, view: str) -> None:
    assert (await choose(agent, f"list={view}", "number")).status_code == 404
