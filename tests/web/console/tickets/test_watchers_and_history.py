"""Who watches a ticket, and what was changed on it, before and after."""

from typing import Any

import httpx

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets.links import watcher_usecases as watching
from tests.builders.people import NOW, new_staff, new_tenant
from tests.builders.web.opened import HOSTILE, Opened
from tests.builders.web.pages import Page, person


async def watchers(opened: Opened) -> set[str]:
    async with opened.database.transaction() as tx:
        listed = await watching.list_watchers(tx, OPERATOR, opened.number, after=None, limit=10)
    return {watcher.user.name for watcher in listed}


async def test_watchers_are_shown_added_and_removed(opened: Opened, database: Database) -> None:
    colleague = (await new_staff(database, Role.AGENT, "Mara Lind")).user
    assert "Watch" in (await opened.page()).text
    for user in (opened.agent.user, colleague, colleague):
        await opened.send("watchers", watcher=str(user.id))
    assert await watchers(opened) == {"Ines Duarte", "Mara Lind"}
    page = await opened.page()
    labels = [button.get("aria-label") for button in page.all("button")]
    assert {"Remove the watcher Ines Duarte", "Remove the watcher Mara Lind"} <= set(labels)
    await opened.send("watchers/remove", watcher=str(colleague.id))
    await opened.send("watchers/remove", watcher=str(colleague.id))
    assert await watchers(opened) == {"Ines Duarte"}


async def test_people_of_the_company_can_be_added_as_watchers(opened: Opened, database: Database) -> None:
    customer, foreign = opened.tenant.user, (await new_tenant(database)).user
    async with database.transaction() as tx:
        of: dict[str, Any] = {
            "name": "Gone",
            "email": f"gone@{opened.number}.example.com",
            "phone": "",
            "role": Role.CUSTOMER,
        }
        gone = await accounts.add_user(tx, OPERATOR, opened.tenant.company.code, **of, now=NOW)
        await accounts.change_user(tx, OPERATOR, opened.tenant.company.id, gone.id, {"is_active": False}, now=NOW)
    offered = {button.get("value") for button in (await opened.page()).all("button") if button.get("name") == "watcher"}
    assert str(customer.id) in offered
    assert not {str(foreign.id), str(gone.id)} & offered
    await opened.send("watchers", watcher=str(customer.id))
    assert await watchers(opened) == {customer.name}
    await opened.send("watchers", 422, watcher=str(foreign.id))


async def test_a_watcher_that_cannot_be_added_is_refused_on_the_page(opened: Opened) -> None:
    for watcher, shown in (("", "must be an active user"), ("nobody", "Watcher must be an id.")):
        page = Page((await opened.send("watchers", 422, watcher=watcher)).text)
        assert shown in page.text
    assert await watchers(opened) == set()


async def test_the_history_shows_each_value_before_and_after(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Q {opened.number}", now=NOW)).queue
    await opened.send("status", status="held")
    await opened.send("priority", priority="critical")
    await opened.send("assignee", assignee="me")
    await opened.send("queue", queue=str(queue.id))
    await opened.send("tags", tags="optics fibre")
    await opened.send("watchers", watcher=str(opened.agent.user.id))
    await opened.send("messages", text="Same as last week", visibility="internal")
    [panel] = [details for details in (await opened.page()).all("details") if details.get("class") == "history"]
    assert (panel["hx-get"], "open" in panel) == (f"{opened.path}/history?part=1", False)
    whole, part = await opened.agent.page(f"{opened.path}/history"), await opened.agent.page(str(panel["hx-get"]))
    for page in (whole, part):
        for row in (
            "Raised the ticket", "Status In progress On hold", "Priority Medium Critical", "Assignee None Ines Duarte",
            f"Queue None Q {opened.number}", "Tags None fibre, optics", "Added the watcher Ines Duarte",
            "Added an internal note",
        ):  # fmt: skip
            assert row in page.text, row
    assert len(whole.all("h1")) == 1
    assert part.all("h1") == part.all("main") == []


async def test_a_long_history_comes_in_pages(opened: Opened) -> None:
    for at in range(101):
        await opened.send("tags", tags=f"a{at}")
        await opened.send("priority", priority=("low", "high")[at % 2])
    page = await opened.agent.page(f"{opened.path}/history")
    [link] = page.links(f"{opened.path}/history?after=")
    later = await opened.agent.page(link)
    assert later.links(f"{opened.path}/history?after=") == []
    assert len(page.all("tr")) + len(later.all("tr")) - 2 == 2 + 202
    assert (await opened.agent.get(f"{opened.path}/history?after=x")).status_code == 200


async def test_a_viewer_sees_both_without_forms_and_nothing_becomes_markup(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    colleague = (await new_staff(database, Role.AGENT, HOSTILE[:60])).user
    await opened.send("watchers", watcher=str(colleague.id))
    await opened.send("assignee", assignee=str(colleague.id))
    viewer = await person(client, database, Role.VIEWER)
    for path in (opened.path, f"{opened.path}/history"):
        page = await viewer.page(path)
        assert HOSTILE[:20] in page.text
        assert page.all("img") == []
        assert [script for script in page.all("script") if not script.get("src")] == []
    assert "pick-watcher" not in (await viewer.get(opened.path)).text
