"""The page of the priority matrix: its tables, the preview, and applying it to open tickets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.matrix.domain import Cell
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import ticket_number
from tests.builders.catalogue.matrix import new_tier, set_matrix, without_matrix
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/admin/priority-matrix"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    """Yield an admin; the matrix ends with the test."""
    yield await person(client, database, Role.ADMIN)
    await without_matrix(database)


@pytest.fixture
async def ordered(database: Database) -> tuple[Tenant, str, list[int]]:
    """Return a company, its tier, and the numbers of its two open tickets."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        tier = await new_tier(tx, tenant.company.id)
        return tenant, tier, [await raised(tx, tenant, title) for title in ("First", "Second")]


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


def offered(page: Page) -> list[str | None]:
    return [field["value"] for field in page.all("input") if field.get("name") == "ticket"]


async def cells(database: Database) -> list[Cell]:
    async with database.statement() as tx:
        return (await matrix.get_matrix(tx, OPERATOR)).cells


async def priorities(database: Database, numbers: list[int]) -> list[str]:
    async with database.transaction() as tx:
        return [(await tickets.get_ticket(tx, OPERATOR, number)).ticket.priority for number in numbers]


async def test_a_table_is_previewed_and_saved_and_open_tickets_stay(
    admin: Person, database: Database, ordered: tuple[Tenant, str, list[int]]
) -> None:
    tenant, tier, numbers = ordered
    address = f"{PATH}/{tier}"
    version = hidden(await admin.page(address), "version")
    form = {"degraded-none-priority": "critical", "version": version}
    answer = await admin.post(address, **form, preview="1")
    previewed = Page(answer.text)
    assert answer.status_code == 200
    assert "2 open tickets would change." in previewed.text
    assert "Priority: Medium → Critical" in previewed.text
    assert tenant.company.name in previewed.text
    assert offered(previewed) == []
    assert hidden(previewed, "version") == version
    assert 'value="critical" selected' in answer.text
    assert await cells(database) == []
    saved = await admin.post(address, **form)
    assert saved.status_code == 303
    assert await cells(database) == [Cell(tier, Impact.DEGRADED, None, Priority.CRITICAL)]
    assert await priorities(database, numbers) == ["medium", "medium"]
    assert "1 of 15 cells are set" in (await admin.page(PATH)).text
    stale = await admin.post(address, **form | {"degraded-none-priority": "low"})
    assert stale.status_code == 409
    assert "Now stored: Critical" in Page(stale.text).text


async def test_a_change_by_somebody_else_is_seen_after_a_preview_too(
    admin: Person, database: Database, ordered: tuple[Tenant, str, list[int]]
) -> None:
    _tenant, tier, _numbers = ordered
    address = f"{PATH}/{tier}"
    version = hidden(await admin.page(address), "version")
    async with database.transaction() as tx:
        await set_matrix(tx, Cell(tier, Impact.DEGRADED, None, Priority.HIGH))
    previewed = Page((await admin.post(address, version=version, preview="1")).text)
    stale = await admin.post(address, version=hidden(previewed, "version"))
    assert stale.status_code == 409
    assert await cells(database) == [Cell(tier, Impact.DEGRADED, None, Priority.HIGH)]


async def test_the_matrix_is_applied_to_the_tickets_that_are_selected_and_that_is_undone(
    admin: Person, database: Database, ordered: tuple[Tenant, str, list[int]]
) -> None:
    _tenant, tier, numbers = ordered
    async with database.transaction() as tx:
        await set_matrix(tx, Cell(tier, Impact.DEGRADED, None, Priority.LOW, Severity.MINOR))
    address, names = f"{PATH}/{tier}", [ticket_number(number) for number in numbers]
    page = await admin.page(address)
    assert offered(page) == names
    applied = await admin.post(f"{address}/apply", ticket=names[0], once=hidden(page, "once"))
    shown = Page(applied.text)
    assert applied.status_code == 200
    assert "1 ticket changed." in shown.text
    assert offered(shown) == names[1:]
    assert await priorities(database, numbers) == ["low", "medium"]
    undone = await admin.post(f"{address}/undo", change=hidden(shown, "change"))
    assert "1 ticket is as it was before." in Page(undone.text).text
    assert await priorities(database, numbers) == ["medium", "medium"]
    nothing = await admin.post(f"{address}/apply")
    assert nothing.status_code == 422
    assert "Choose 1 to 200 tickets." in Page(nothing.text).text


@pytest.mark.usefixtures("admin")
async def test_the_page_of_a_ticket_says_what_the_matrix_says_and_sets_it(
    client: httpx.AsyncClient, database: Database, ordered: tuple[Tenant, str, list[int]]
) -> None:
    _tenant, tier, [number, _other] = ordered
    agent, path = await person(client, database, Role.AGENT), f"/console/tickets/{ticket_number(number)}"
    assert f"{path}/matrix" not in (await agent.get(path)).text
    async with database.transaction() as tx:
        await set_matrix(tx, Cell(tier, Impact.DEGRADED, None, Priority.HIGH, Severity.MODERATE))
    shown = await agent.page(path)
    assert "Matrix Priority: High Apply" in shown.text
    assert (await agent.post(f"{path}/matrix")).status_code == 303
    assert await priorities(database, [number]) == ["high"]
    assert f"{path}/matrix" not in (await agent.get(path)).text
    viewer = await person(client, database, Role.VIEWER)
    assert (await viewer.post(f"{path}/matrix")).status_code == 403


async def test_an_empty_value_says_what_it_takes_over(admin: Person, database: Database) -> None:
    async with database.transaction() as tx:
        tier = await new_tier(tx)
        await set_matrix(tx, Cell(None, Impact.DOWN, Priority.HIGH, Priority.CRITICAL))
    of_tier, of_all = (await admin.get(f"{PATH}/{tier}")).text, (await admin.get(f"{PATH}/all-companies")).text
    assert of_tier.count("All: Critical") == 1
    assert "All: " not in of_all
    assert (of_tier.count("By issue type"), of_all.count("By issue type")) == (29, 30)


async def test_what_is_wrong_is_named_and_only_admins_have_the_page(
    admin: Person, client: httpx.AsyncClient, database: Database
) -> None:
    address = f"{PATH}/all-companies"
    form = {"down-high-priority": "urgent", "version": hidden(await admin.page(address), "version")}
    for more in ({}, {"preview": "1"}):
        refused = await admin.post(address, **form, **more)
        assert refused.status_code == 422
        assert "Priority (impact Down, asked for High)" in Page(refused.text).text
    assert (await admin.get(f"{PATH}/nothing")).status_code == 404
    agent = await person(client, database, Role.AGENT)
    assert (await agent.get(PATH)).status_code == 403
