"""The section of routing rules."""

import re
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.routing import rule_usecases as rules
from tests.builders.people import Tenant
from tests.builders.web.pages import Page, Person, person

RULES = "/console/admin/routing"
TICKET = {"issue_type": "Circuit Down", "service_type": "Port", "title": "Port is down", "description": ""}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


@pytest.fixture
async def queue_id(database: Database) -> str:
    async with database.transaction() as tx:
        for details in await rules.list_rules(tx, OPERATOR, after=None, limit=100):
            await rules.delete_rule(tx, OPERATOR, details.rule.id, now=now())
        return str((await queues.add_queue(tx, OPERATOR, name=f"Optics {uuid4().hex}", now=now())).queue.id)


async def add(admin: Person, queue_id: str, name: str, **values: str) -> str:
    form = {"name": name, "queue_id": queue_id, "is_active": "on", "position": "", "once": uuid4().hex, **values}
    answer = await admin.post(RULES, **form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def order(admin: Person) -> list[str]:
    return re.findall(r"\d+\. \w+", (await admin.page(RULES)).text)


async def test_rules_are_moved(admin: Person, queue_id: str) -> None:
    paths = [await add(admin, queue_id, name, keywords=name) for name in ("One", "Two", "Three")]
    assert await order(admin) == ["1. One", "2. Two", "3. Three"]
    first, last = await admin.page(paths[0]), await admin.page(paths[2])
    assert ("Move up" in first.text, "Move down" in first.text) == (False, True)
    assert ("Move up" in last.text, "Move down" in last.text) == (True, False)
    assert (await admin.post(f"{paths[2]}/up")).status_code == 303
    assert await order(admin) == ["1. One", "2. Three", "3. Two"]
    assert (await admin.post(f"{paths[0]}/down")).status_code == 303
    for at_the_end in (f"{paths[2]}/up", f"{paths[1]}/down"):
        assert (await admin.post(at_the_end)).status_code == 303
    assert await order(admin) == ["1. Three", "2. One", "3. Two"]
    await add(admin, queue_id, "Four", position="1", keywords="four")
    assert (await order(admin))[0] == "1. Four"


async def test_a_rule_that_gets_no_tickets_names_the_one_that_takes_them(admin: Person, queue_id: str) -> None:
    first = await add(admin, queue_id, "Everything")
    second = await add(admin, queue_id, "Ports", service_types="Port")
    page = await admin.page(second)
    assert "This rule gets no tickets: rule 1 takes all of them. Everything" in page.text
    assert first in page.links(RULES)
    assert "gets no tickets" in (await admin.page(RULES)).text


async def test_the_conditions_of_a_rule_are_kept(admin: Person, queue_id: str, tenant: Tenant) -> None:
    path = await add(
        admin, queue_id, "Conditions", issue_types="Circuit Down", priorities="critical",
        company_ids=f"{tenant.company.code}\n\n{tenant.company.name}", keywords="port down\n rx ",
    )  # fmt: skip
    answer = await admin.get(path)
    page = Page(answer.text)
    boxes = {(box["name"], box.get("value")) for box in page.all("input") if "checked" in box and "name" in box}
    assert boxes == {("is_active", None), ("issue_types", "Circuit Down"), ("priorities", "critical")}
    assert page.text.count(f"{tenant.company.name} {tenant.company.code}") == 1
    assert "\nport down\nrx</textarea>" in answer.text
    form = {"name": "Wrong", "queue_id": queue_id}
    for name, wrong, shown in (
        ("company_ids", "Nobody Ltd", "Must name customers, and Nobody Ltd is none."),
        ("position", "first", "Must be a whole number from 1 on."),
        ("position", "99", "Must be 1 to 2."),
        ("position", "9" * 30, "Must be a whole number from 1 on."),
        ("position", "000001" + "9" * 30, "Must be a whole number from 1 on."),
        ("position", "10000" + "0" * 5000, "Must be a whole number from 1 on."),
        ("position", "0", "Must be a whole number from 1 on."),
        ("position", "-1", "Must be a whole number from 1 on."),
        ("position", "10001", "Must be a whole number from 1 on."),
        ("priorities", "huge", "Must be some of"),
        ("queue_id", "", "Must be chosen: add a queue first."),
        ("keywords", "x" * 101, "Must have 1 to 100 characters."),
    ):
        refused = await admin.post(RULES, **{**form, "once": uuid4().hex, name: wrong})
        assert refused.status_code == 422, name
        assert shown in Page(refused.text).text
        assert "Wrong" in refused.text


async def test_the_rules_are_tried_without_a_change(
    admin: Person, database: Database, queue_id: str, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        off = {"name": "Off", "queue_id": UUID(queue_id), "is_active": False}
        await rules.add_rule(tx, OPERATOR, off, now=now())
    await add(admin, queue_id, "Latency", issue_types="High Latency", keywords="slow")
    await add(admin, queue_id, "Ports", service_types="Port", company_ids=tenant.company.code)
    async with database.statement() as tx:
        before = await tx.fetchval("select count(*) from event")
    assert "Describe a ticket" in (await admin.page(f"{RULES}/try")).text
    tried = await admin.post(f"{RULES}/try", **TICKET, company=tenant.company.code)
    assert tried.status_code == 200, tried.text
    text = Page(tried.text).text
    assert "Queue: Optics" in text
    assert "Agent: nobody (the queue has no team)" in text
    assert "Does not match: issue, words" in text
    assert "3. Ports matches" in text
    assert (
        "Queue: none" in Page((await admin.post(f"{RULES}/try", **{**TICKET, "service_type": "CloudRouter"})).text).text
    )
    for name, wrong in (("issue_type", "x"), ("priority", "x"), ("company", "Nobody Ltd")):
        refused = await admin.post(f"{RULES}/try", **{**TICKET, name: wrong, "title": HOSTILE})
        assert refused.status_code == 422
        assert HOSTILE not in refused.text
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from event") == before
